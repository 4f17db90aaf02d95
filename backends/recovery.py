# SPDX-License-Identifier: Apache-2.0
"""What is tried after the worker died: the same again, then less of the machine, then nothing."""

from __future__ import annotations

import dataclasses

from backends.errors import BackendError, WorkerGaveUp, WorkerLost
from backends.types import Capabilities, GenerationRequest, ModelSettings

DEATHS_AT_ONE_STEP = 3
"""After so many deaths without progress something has to change; from then on after every further one."""

SMALLEST_CONTEXT = 2048
"""Tokens. Everything that the studio asks fits into this; below it no request would succeed."""

DEFAULT_CONTEXT = 8192
"""Tokens: what a model gets at most when the settings do not say."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Where a worker died: the request that it worked on (None: loading or counting), and the text that came of it."""

    request: GenerationRequest | None = None
    characters: int = 0


class Recovery:
    """Counts deaths and changes the settings for the next start. Remembers the furthest point of the last request."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self.notices: list[str] = []
        self._deaths = 0
        self._step = Step()
        self._shrunk = False
        self._gave_up = ""

    def check(self) -> None:
        """Raise WorkerGaveUp where starting again makes no sense."""
        if self._gave_up:
            raise WorkerGaveUp(self._gave_up)

    def progressed(self) -> None:
        """Note that the worker has finished something."""
        self._deaths = 0

    def died(self, how: str, step: Step, capabilities: Capabilities | None) -> BackendError:
        """Note a death and return the error for those who waited: WorkerLost, or WorkerGaveUp."""
        self._deaths = 1 if self._is_progress(step) else self._deaths + 1
        if step.request != self._step.request or step.characters > self._step.characters:
            self._step = step
        message = f"The engine {how}".rstrip(".") + "."
        if self._deaths < DEATHS_AT_ONE_STEP:
            return WorkerLost(message)
        notice = self._reduce(capabilities)
        if not notice:
            self._gave_up = f"{message} It ended {self._deaths} times at the same step."
            return WorkerGaveUp(self._gave_up)
        self.notices.append(notice)
        return WorkerLost(message, hint=notice)

    def _is_progress(self, step: Step) -> bool:
        """Progress is text that was not reached before; prefilling the same prompt again is none."""
        if step.request is not None and step.request == self._step.request:
            return step.characters > self._step.characters
        return step.characters > 0

    def _reduce(self, capabilities: Capabilities | None) -> str:
        """Take the next rung down and return it in words; empty at the end of the ladder."""
        context = capabilities.context_tokens if capabilities else self.settings.context_tokens or DEFAULT_CONTEXT
        gpu_layers = capabilities.gpu_layers if capabilities else self.settings.gpu_layers
        if context > SMALLEST_CONTEXT and not self._shrunk:
            self._shrunk = True
            smaller = max(SMALLEST_CONTEXT, context // 2)
            self.settings = dataclasses.replace(self.settings, context_tokens=smaller)
            return f"The engine ended again and again; it now runs with a context of {smaller:,} tokens."
        if gpu_layers != 0:
            self.settings = dataclasses.replace(self.settings, gpu_layers=0)
            return "The engine ended again and again; it now runs on the processor alone."
        return ""
