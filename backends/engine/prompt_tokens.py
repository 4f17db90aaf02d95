# SPDX-License-Identifier: Apache-2.0
"""Turns prompts into tokens: control tokens where the template means them, plain text everywhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from backends.engine.chat_template import ChatTemplate, MessageText, Part, TemplateText
from backends.types import Prompt

Control = Mapping[str, tuple[int, bool, bool]]
"""Id by text of the tokens that no text contains, and whether they eat white space left and right."""


class PromptTokens:
    """A model's chat template and vocabulary together.

    ``begin`` is the token that every prompt begins with, -1 for none; ``tokenize`` turns plain text into tokens.
    """

    def __init__(
        self, template: ChatTemplate, control: Control, begin: int, tokenize: Callable[[str], list[int]]
    ) -> None:
        self._template = template
        self._control = control
        self._begin = begin
        self._tokenize = tokenize
        names = sorted(control, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def of_prompt(self, prompt: Prompt, *, thinking: bool) -> list[int]:
        """Return the tokens of a prompt, ready for the answer."""
        parts: list[Part] = [MessageText(prompt.raw)]
        if prompt.messages:
            parts = self._template.render(prompt.messages, thinking=thinking)
        tokens = self._of_parts([*parts, MessageText(prompt.answer_start)])
        if self._begin >= 0 and tokens[:1] != [self._begin]:
            tokens.insert(0, self._begin)
        return tokens

    def of_marks(self, text: str) -> list[int]:
        """Return the tokens of text that belongs to the template."""
        return self._of_parts([TemplateText(text)])

    def _of_parts(self, parts: Sequence[Part]) -> list[int]:
        tokens: list[int] = []
        for run in self._runs(parts):
            tokens += [run] if isinstance(run, int) else self._tokenize(run)
        return tokens

    def _runs(self, parts: Sequence[Part]) -> Iterator[int | str]:
        """Yield control tokens, and the runs of plain text between them as one text each.

        A run may join text of the template and of a message, so that it is tokenized as if it had been one.
        """
        plain, eat_left = "", False
        for part in parts:
            pieces = [part.text] if isinstance(part, MessageText) else self._split_control(part)
            for number, piece in enumerate(pieces):
                if number % 2 == 0:
                    plain += piece.lstrip() if eat_left and not plain else piece
                    continue
                token, left, right = self._control[piece]
                plain = plain.rstrip() if left else plain
                if plain:
                    yield plain
                yield token
                plain, eat_left = "", right
        if plain:
            yield plain

    def _split_control(self, part: TemplateText) -> list[str]:
        """Split at control tokens: text, token, text, token, ..., text."""
        pieces: list[str] = []
        at = 0
        for match in self._pattern.finditer(part.text):
            pieces += [part.text[at : match.start()], match.group()]
            at = match.end()
        return [*pieces, part.text[at:]]
