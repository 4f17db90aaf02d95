# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""An engine that has loaded a model: what it says about that model, from whichever library it came."""

from __future__ import annotations

from backends.engine.base import Engine, TokenClasses
from backends.engine.chat_template import ChatTemplate
from backends.engine.limits import MAX_BATCH
from backends.engine.prompt_tokens import PromptTokens
from backends.text.thinking import ThinkingMarks
from backends.types import Capabilities


class LoadedEngine(Engine):
    """Who inherits from it sets these while it opens, and the rate whenever it has computed a prompt."""

    _capabilities: Capabilities
    _classes: TokenClasses
    _template: ChatTemplate
    _prompts: PromptTokens
    _identity: bytes
    _prefill_rate = 0.0

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def classes(self) -> TokenClasses:
        return self._classes

    @property
    def max_batch(self) -> int:
        return MAX_BATCH

    @property
    def state_identity(self) -> bytes:
        return self._identity

    @property
    def prefill_rate(self) -> float:
        return self._prefill_rate

    @property
    def thinking_marks(self) -> ThinkingMarks | None:
        return self._template.marks

    def tokenize_marks(self, text: str) -> list[int]:
        return self._prompts.of_marks(text)
