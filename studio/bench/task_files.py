# SPDX-License-Identifier: Apache-2.0
"""Reads what a writing benchmark is made of: its own YAML file, and the public data set where one is named.

The YAML files carry prompts of our own in the form of the public data set, so that every benchmark runs everywhere;
public data sets are not shipped. Scores on our prompts are not comparable with published ones.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.errors import ExplainedError
from backends.types import CountingProfile

Record = Mapping[str, Any]


class TaskDataInvalid(ExplainedError):
    """A data file is not what the task needs."""

    hint = "benchmarks/README.md names the form of each data set."


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A task as its file says it: ``records`` are ours, ``fields`` what each record must have and its type."""

    name: str
    version: int
    profile: CountingProfile
    seeds: int
    fields: Mapping[str, type]
    records: tuple[Record, ...]
    parameters: Record


_TYPES: dict[str, type] = {"text": str, "number": int, "table": dict}


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks."""
    names = (entry.name for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(name.removesuffix(".yaml") for name in names))


def read_task_file(name: str) -> TaskFile:
    """Return a task by its name. Raises FileNotFoundError for an unknown one."""
    import yaml

    values = yaml.safe_load((_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    return TaskFile(
        name=values["name"],
        version=values["version"],
        profile=CountingProfile(values["profile"]),
        seeds=values.get("seeds", 1),
        fields={field: _TYPES[kind] for field, kind in values["fields"].items()},
        records=tuple(values["records"]),
        parameters=values.get("parameters", {}),
    )


def read_data(path: Path, fields: Mapping[str, type]) -> tuple[Record, ...]:
    """Return the records of a public data set, one JSON object a line.

    Raises TaskDataInvalid where a line is no object with these fields, OSError where the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise TaskDataInvalid(f"{path} is no text in UTF-8.") from None
    records = tuple(_record(path, number, line, fields) for number, line in enumerate(lines, start=1) if line.strip())
    if not records:
        raise TaskDataInvalid(f"{path} holds nothing.")
    return records


def _record(path: Path, number: int, line: str, fields: Mapping[str, type]) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        raise TaskDataInvalid(f"Line {number} of {path} is no JSON.") from None
    missing = _missing(record, fields)
    if missing:
        raise TaskDataInvalid(f"Line {number} of {path} has no usable {' and no '.join(missing)}.")
    return record


def _missing(record: object, fields: Mapping[str, type]) -> Sequence[str]:
    if not isinstance(record, dict):
        return list(fields)
    return [name for name, kind in fields.items() if not _is_usable(record.get(name), kind)]


def _is_usable(value: object, kind: type) -> bool:
    """A text says something, a number is a length or an id: whole and above 0; a table may be empty."""
    if kind is dict:
        return isinstance(value, dict)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return isinstance(value, str) and bool(value.strip())


def _folder() -> Any:
    return importlib.resources.files("studio.bench") / "tasks"
