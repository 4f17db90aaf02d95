# SPDX-License-Identifier: Apache-2.0
"""A backend under measurement: its worker notes what each step takes, its reader when each piece of text arrives."""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from backends.client import WorkerBackend
from backends.step_times import StepTime, read_steps
from backends.types import (
    Delta,
    Finished,
    GenerationRequest,
    LengthTarget,
    ModelSettings,
    Prompt,
    RepetitionPolicy,
    Rewind,
    SamplingParams,
    Usage,
)

NEVER_LANDS = 1_000_000
KNOWN_SENTENCES = 500
_WORDS = """the keeper climbed slowly to the lamp while rain was beating on old windows and a ship turned away from
stone harbour in cold wind toward silent bright water under small stars near quiet village where nobody
had ever seen such map of strange distant islands""".split()  # noqa: SIM905 (a text reads better as text)


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a request: text, usage, steps of the engine, and the ns at which each delta arrived."""

    text: str
    usage: Usage
    steps: tuple[StepTime, ...]
    arrivals: tuple[int, ...]


class MeasuredBackend:
    """A worker with a meter. Use it as a context manager."""

    def __init__(self, settings: ModelSettings) -> None:
        """Load the model. Raises BackendError."""
        self._folder = Path(tempfile.mkdtemp(prefix="longhand-bench-"))
        self._steps = self._folder / "steps"
        try:
            self.backend = WorkerBackend(settings, command=bench_worker("--steps", str(self._steps)))
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.backend.close()
        shutil.rmtree(self._folder)

    def write(self, request: GenerationRequest) -> Written:
        """Run a request of one take to its end."""
        pieces: list[str] = []
        arrivals: list[int] = []
        usage = Usage()
        for event in self.backend.generate(request):
            match event:
                case Delta(text=text):
                    arrivals.append(time.perf_counter_ns())
                    pieces.append(text)
                case Rewind(characters=characters):
                    pieces = ["".join(pieces)[:-characters]]
                case Finished():
                    usage = event.usage
        return Written("".join(pieces), usage, self.new_steps(), tuple(arrivals))

    def controlled(self, prompt: Prompt, tokens: int, seed: int) -> GenerationRequest:
        """Return a request with every control on that ends only after ``tokens`` tokens."""
        sentences = known_sentences()
        digest = hashlib.sha256(sentences).hexdigest()
        self.backend.put(digest, sentences)
        return GenerationRequest(
            prompt,
            sampling=SamplingParams(),
            max_tokens=tokens,
            length=LengthTarget(NEVER_LANDS),
            repetition=RepetitionPolicy(known_sentences=digest),
            stop=("\n\n\n\n", "<end of the story>"),
            seed=seed,
        )

    def prompt(self, tokens: int, seed: int) -> Prompt:
        """Return a raw prompt of about so many tokens that shares its beginning with no other seed."""
        sample = words(seed, 200)
        each = self.backend.count_tokens([sample])[0] / 200
        return Prompt(raw=words(seed, max(1, round(tokens / each))))

    def new_steps(self) -> tuple[StepTime, ...]:
        """Return the steps that the worker has made since the last call."""
        steps = read_steps(self._steps)
        new, self._seen = steps[self._seen :], len(steps)
        return tuple(new)


def bench_worker(*arguments: str) -> list[str]:
    """Return the command of a worker for measurements (``backends.bench_worker``)."""
    ending = ["--die-with-parent"] if sys.platform == "linux" else []
    return [sys.executable, "-P", "-m", "backends.bench_worker", *arguments, *ending]


def words(seed: int, count: int) -> str:
    """Return ``count`` words with a space before each, the same for a seed; a longer text begins with a shorter one."""
    random_words = random.Random(seed)
    return f"{seed}" + "".join(f" {random_words.choice(_WORDS)}" for _ in range(count))


def known_sentences(count: int = KNOWN_SENTENCES) -> bytes:
    """Return sentences of a document so far, as the repetition control takes them."""
    lines: Sequence[str] = [words(10_000 + number, 14) + "." for number in range(count)]
    return "\n".join(lines).encode()
