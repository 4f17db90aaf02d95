# SPDX-License-Identifier: Apache-2.0
"""Job files: one JSON object a line, each a document to write. Everything wrong with a file is said at once."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from studio.batch.errors import JobFileUnreadable, JobsInvalid
from studio.formats.export import SUFFIXES
from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS
from studio.planning.kinds import document_kinds
from studio.project.records import Brief
from studio.settings import is_language_tag

MAX_LINE_BYTES = 2_000_000
MAX_BRIEF_BYTES = 1_000_000
MAX_NAME_BYTES = 160
"""A name gets suffixes of its files, and file systems take 255 bytes."""
MAX_SEED = 2**32 - 1
DEFAULT_FORMATS = ("md",)

_KEYS = ("name", "brief", "words", "kind", "language", "seed", "formats")
_REQUIRED = ("name", "brief", "words")
# What no file name holds on Windows, where a folder may be opened one day.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Job:
    """A document to write. ``identity`` is a hash of what its line asks for, but for the formats.

    The files of a document begin with ``name``; ``formats`` are their suffixes without the dot.
    """

    line: int
    name: str
    brief: Brief
    seed: int
    formats: tuple[str, ...]
    identity: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a line may leave out."""

    kind: str
    language: str


class _Invalid(Exception):
    """A line cannot be used; the message says why."""


def read_jobs(path: Path, defaults: Defaults) -> tuple[Job, ...]:
    """Return the jobs of a file in its order; blank lines are passed over.

    Raises JobsInvalid with a note for each line that cannot be used, JobFileUnreadable, OSError.
    """
    if path.is_dir():
        raise JobFileUnreadable(f"{path} is a folder.")
    jobs: list[Job] = []
    wrong: list[str] = []
    with path.open("rb") as file:
        lines: dict[str, int] = {}
        for number, line in _lines(file):
            try:
                job = _job(number, line, defaults)
                _require_new(job.name, number, lines)
            except _Invalid as invalid:
                wrong.append(f"line {number:,}: {invalid}")
            else:
                jobs.append(job)
    if wrong:
        count = len(wrong)
        said = "One line" if count == 1 else f"{count:,} lines"
        raise JobsInvalid(f"{said} of {path} cannot be used.", notes=wrong)
    if not jobs:
        raise JobFileUnreadable(f"{path} holds no jobs.")
    return tuple(jobs)


def folded(name: str) -> str:
    """Return what two names share that some file system takes for the same one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that hold something with their numbers; of one that is too long only its beginning."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and len(rest) > MAX_LINE_BYTES:
            rest = file.readline(MAX_LINE_BYTES + 1)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line


def _job(number: int, line: bytes, defaults: Defaults) -> Job:
    given = _parsed(line)
    if unknown := [key for key in given if key not in _KEYS]:
        raise _Invalid(f"{_quoted(unknown[0])} is not known; a line may have {', '.join(_KEYS)}.")
    if missing := [key for key in _REQUIRED if key not in given]:
        raise _Invalid(f"{' and '.join(missing)} must be given.")
    name = _name(given["name"])
    brief = Brief(
        text=_brief(given["brief"]),
        words=_number(given, "words", MIN_DOCUMENT_WORDS, MAX_DOCUMENT_WORDS),
        kind=_kind(given.get("kind", defaults.kind)),
        language=_language(given.get("language", defaults.language)),
    )
    seed = _number(given, "seed", 0, MAX_SEED) if "seed" in given else _seed_of(name)
    asked = {key: given[key] for key in _KEYS if key in given and key != "formats"}
    identity = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return Job(number, name, brief, seed, _formats(given.get("formats", DEFAULT_FORMATS)), identity)


def _parsed(line: bytes) -> Mapping[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise _Invalid(f"it is longer than {MAX_LINE_BYTES:,} bytes.")
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _Invalid(f"it is not UTF-8 text (byte {error.start:,}).") from None
    except json.JSONDecodeError as error:
        raise _Invalid(f"it is not JSON ({error.msg} at character {error.pos:,}).") from None
    except (ValueError, RecursionError):
        raise _Invalid("it is not JSON that can be read.") from None
    if not isinstance(value, dict):
        raise _Invalid("it is not a JSON object.")
    return value


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise _Invalid(f"{key} must be text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Invalid(f"{key} holds half of a character.") from None
    if "\0" in value:
        raise _Invalid(f"{key} holds a zero byte.")
    return value


def _name(value: object) -> str:
    name = _text(value, "name")
    if not name.strip():
        raise _Invalid("name is empty.")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise _Invalid(f"name is longer than {MAX_NAME_BYTES} bytes.")
    if not name[0].isalnum() or name[-1] in " ." or _FORBIDDEN.search(name) or _DEVICES.match(name):
        raise _Invalid(f"{_quoted(name)} cannot be the name of a file; begin with a letter or a digit.")
    return name


def _brief(value: object) -> str:
    text = _text(value, "brief").strip()
    if not text:
        raise _Invalid("brief is empty.")
    if len(text.encode()) > MAX_BRIEF_BYTES:
        raise _Invalid(f"brief is longer than {MAX_BRIEF_BYTES:,} bytes.")
    return text


def _number(given: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = given[key]
    if type(value) is not int or not least <= value <= most:
        raise _Invalid(f"{key} must be a whole number between {least:,} and {most:,}.")
    return value


def _kind(value: object) -> str:
    if not isinstance(value, str) or value not in document_kinds():
        raise _Invalid(f"kind must be one of {', '.join(document_kinds())}.")
    return value


def _language(value: object) -> str:
    if not isinstance(value, str) or not is_language_tag(value):
        raise _Invalid("language must be a tag such as en, de or pt-BR.")
    return value


def _formats(value: object) -> tuple[str, ...]:
    known = [suffix.removeprefix(".") for suffix in SUFFIXES]
    if not isinstance(value, list | tuple) or not value or not all(each in known for each in value):
        raise _Invalid(f"formats must be a list of {', '.join(known)}.")
    return tuple(dict.fromkeys(value))


def _seed_of(name: str) -> int:
    """The seed of a line that names none: the same whenever the command is given."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _require_new(name: str, number: int, lines: dict[str, int]) -> None:
    first = lines.setdefault(folded(name), number)
    if first != number:
        raise _Invalid(f"the name {_quoted(name)} is that of line {first:,} already.")


def _quoted(text: str) -> str:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return json.dumps(shown, ensure_ascii=False)
