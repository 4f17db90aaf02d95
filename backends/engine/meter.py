# SPDX-License-Identifier: Apache-2.0
"""Times the native calls of a running engine, so that the time between them can be told: what Longhand itself takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from backends.engine.base import Engine
from backends.engine.native import native
from backends.step_times import StepLog

_SAMPLING = ("llama_sampler_sample", "llama_sampler_accept")
# A graphics processor computes on while ``llama_decode`` returns; whoever asks for the logits waits for it.
_WAITING = ("llama_get_logits_ith",)


class Meter:
    """Writes one step for each native decode. It stays attached as long as the process lives."""

    def __init__(self, log: StepLog) -> None:
        self._log = log
        self._sampling = 0
        self._decoding = False

    def attach(self, engine: Engine) -> None:
        """Wrap the native functions that the engine calls."""
        native.llama_decode = self._decode(native.llama_decode)
        for name in _SAMPLING + (_WAITING if engine.capabilities.gpu_layers else ()):
            setattr(native, name, self._timed(getattr(native, name)))

    def _decode(self, call: Callable[[Any, Any], int]) -> Callable[[Any, Any], int]:
        clock, add = time.perf_counter_ns, self._log.add

        def decode(context: Any, batch: Any) -> int:
            self._decoding = True
            began = clock()
            code = call(context, batch)
            ended = clock()
            self._decoding = False
            sampling, self._sampling = self._sampling, 0
            add(batch.n_tokens, began, ended, sampling)
            return code

        return decode

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        clock = time.perf_counter_ns

        def timed(*arguments: Any) -> Any:
            began = clock()
            result = call(*arguments)
            # What happens beside a decode takes nothing of the time between two of them.
            if not self._decoding:
                self._sampling += clock() - began
            return result

        return timed
