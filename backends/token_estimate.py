# SPDX-License-Identifier: Apache-2.0
"""Estimates of token counts where the tokenizer is on another machine, calibrated by the usage figures it reports.

They are estimates and no counts: vocabularies differ by a factor of two. Until a server has reported something the
estimate is high for common vocabularies, so that prompts rather turn out too small than too large.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backends.types import Prompt

# Characters a token, low for each kind of script: ASCII text, scripts with an alphabet, one sign a syllable or word.
_ASCII, _ALPHABET, _SIGN = 3.4, 2.0, 0.9
_SIGNS = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]")

# What a chat template adds to a message.
_MESSAGE_TOKENS = 5

# Estimates stay this much above what the figures say, since texts differ.
_MARGIN = 1.05
_SMALLEST, _LARGEST = 0.3, 4.0
# Figures of this many tokens count as much as all that came before them.
_MEMORY = 4000.0


class TokenEstimate:
    """Estimates tokens; ``learn`` compares with what a server counted."""

    def __init__(self) -> None:
        self._raw = 0.0
        self._counted = 0.0

    def tokens(self, text: str) -> int:
        """Return about how many tokens a text has, rather too many than too few."""
        return 0 if not text else max(1, round(_raw(text) * self._scale))

    def prompt_tokens(self, prompt: Prompt) -> int:
        """Return about how many tokens a prompt has, with what the server's chat template adds."""
        texts = _texts(prompt)
        return sum(map(self.tokens, texts)) + _MESSAGE_TOKENS * (len(texts) + 1)

    def learn(self, texts: Sequence[str], counted: int, messages: int = 0) -> None:
        """Take a server's count of all ``texts`` together, ``messages`` of them with a template around each."""
        raw = sum(map(_raw, texts))
        counted -= _MESSAGE_TOKENS * (messages + 1) if messages else 0
        if raw < 1.0 or not _SMALLEST <= counted / raw <= _LARGEST:
            return
        fade = _MEMORY / (_MEMORY + raw)
        self._raw = self._raw * fade + raw
        self._counted = self._counted * fade + counted

    def learn_prompt(self, prompt: Prompt, counted: int) -> None:
        """Take a server's count of a prompt."""
        texts = _texts(prompt)
        self.learn(texts, counted, len(texts))

    @property
    def _scale(self) -> float:
        return _MARGIN * self._counted / self._raw if self._raw else 1.0


def _texts(prompt: Prompt) -> list[str]:
    return [message.content for message in prompt.messages] or [prompt.raw]


def _raw(text: str) -> float:
    if text.isascii():
        return len(text) / _ASCII
    signs = len(_SIGNS.findall(text))
    ascii_characters = len(text.encode("ascii", "ignore"))
    return ascii_characters / _ASCII + signs / _SIGN + (len(text) - signs - ascii_characters) / _ALPHABET
