# SPDX-License-Identifier: Apache-2.0
"""The file of written items, one JSON object a line: interrupted runs go on from it, and others can score it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backends.types import CountingProfile, LengthUnit
from studio.bench.items import Item
from studio.bench.strategies import Written
from studio.bench.task_files import TaskDataInvalid


@dataclass(frozen=True, slots=True)
class Output:
    """One text. ``required`` and ``sections`` are in ``unit`` as ``profile`` counts it, ``taken_back`` and ``unchosen``
    in Longhand's words; ``reason`` says why ``text`` is empty; ``asked`` and ``led`` are those of a ``Result``,
    ``tokens`` and ``rewound`` those of ``Written``."""

    id: str
    strategy: str
    seed: int
    required: int
    unit: str
    type: str
    text: str
    profile: str
    model: str
    taken_back: int = 0
    unchosen: int = 0
    sections: tuple[tuple[int, int], ...] = ()
    reason: str = ""
    asked: tuple[tuple[str, str], ...] = ()
    led: tuple[tuple[str, str], ...] = ()
    tokens: int = 0
    rewound: int = 0


def output_of(item: Item, strategy: str, seed: int, written: Written, profile: CountingProfile, model: str) -> Output:
    """Return the line for what a strategy made of an item."""
    return Output(
        id=item.id,
        strategy=strategy,
        seed=seed,
        required=item.required,
        unit=LengthUnit.WORDS.value,
        type=item.type,
        text=written.text,
        profile=profile.value,
        model=model,
        taken_back=written.taken_back,
        unchosen=written.unchosen,
        sections=written.sections,
        reason=written.reason,
        asked=written.asked,
        led=written.led,
        tokens=written.tokens,
        rewound=written.rewound,
    )


class OutputFile:
    """The outputs so far by id, strategy and seed; on the disk too where there is a path."""

    def __init__(self, path: Path | None, model: str) -> None:
        """Read what is there; a last line that was cut off is written again.

        Raises TaskDataInvalid for a file of something else or of another model, OSError.
        """
        self._path = path
        self.by_key: dict[tuple[str, str, int], Output] = {}
        if path is not None and path.exists():
            for output in _read(path):
                if output.model != model:
                    raise TaskDataInvalid(
                        f"{path} holds texts of the model {output.model}, not of {model}.", hint="Name another file."
                    )
                self.by_key[output.id, output.strategy, output.seed] = output

    def get(self, item: Item, strategy: str, seed: int) -> Output | None:
        """Return the text of an item if it was written."""
        found = self.by_key.get((item.id, strategy, seed))
        return found if found is not None and found.required == item.required else None

    def add(self, output: Output) -> None:
        """Keep a text, on the disk at once."""
        self.by_key[output.id, output.strategy, output.seed] = output
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(output), ensure_ascii=False) + "\n")


def _read(path: Path) -> Iterator[Output]:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            yield _output(json.loads(line))
        except (ValueError, TypeError, KeyError):
            raise TaskDataInvalid(
                f"Line {number} of {path} is no output of a benchmark.", hint="Name another file."
            ) from None


def _output(values: dict[str, Any]) -> Output:
    sections = tuple((int(target), int(length)) for target, length in values.pop("sections"))
    asked, led = (tuple((str(one), str(two)) for one, two in values.pop(name, ())) for name in ("asked", "led"))
    return Output(**values, sections=sections, asked=asked, led=led)
