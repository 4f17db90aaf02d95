# SPDX-License-Identifier: Apache-2.0
"""Kinds of documents, as data: a file for each in resources/kinds, and the author's own in the folder of the settings.

A file of the author's with the name of a built-in kind takes its place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from backends.errors import ExplainedError
from resources import file_path
from studio.planning.budget import MAX_LEAF_WORDS, MIN_LEAF_WORDS
from studio.sampling_presets import sampling_presets
from studio.settings import settings_folder

FOLDER = "kinds"
SUFFIX = ".toml"
# What a project of a kind that is not here any more is written as.
FALLBACK = "report"


class KindInvalid(ExplainedError):
    """A file of the author's does not describe a kind."""

    hint = "Correct the file or take it away; README.md shows the form."
    retryable = True


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What differs between kinds.

    ``noun`` stands in the prompts, ``leaf_words`` is the length of a section, ``sampling`` names a preset,
    ``section_title`` is the title of a section that has no other, with a ``{number}`` in it. ``structure`` is told to
    the planner, ``rules`` to the writer. ``opening`` and ``closing`` are sections that every such document has.
    ``chronological``: sections whose titles are dated stand in the order of their dates. ``narrative``: it tells in the
    past tense. ``numbered``: the headings of an exported document have numbers. ``defines_once``: a term that is
    defined twice in it is a finding.
    """

    name: str
    noun: str
    label: str
    leaf_words: int
    sampling: str
    section_title: str
    structure: str = ""
    rules: str = ""
    opening: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    chronological: bool = True
    narrative: bool = False
    numbered: bool = False
    defines_once: bool = False

    def titles_around(self, count: int) -> tuple[str, ...]:
        """Return the fixed titles of ``count`` sections, empty for those that are not fixed.

        At least one section is left to the brief; where there is no room for all fixed ones, the first and last stay.
        """
        opening = self.opening[: max(0, (count - 1) // 2)]
        closing = self.closing[-max(0, count - 1 - len(opening)) :] if count - 1 > len(opening) else ()
        return (*opening, *[""] * (count - len(opening) - len(closing)), *closing)


def document_kinds() -> Mapping[str, DocumentKind]:
    """Return every usable kind by its name, built-in ones first."""
    return {name: each for name, each in _found().items() if isinstance(each, DocumentKind)}


def document_kind(name: str) -> DocumentKind:
    """Return a kind; for a name that is not known here (any more), the one that suits most texts.

    Raises KindInvalid where the author's file for it is wrong.
    """
    found = _found().get(name) or _found()[FALLBACK]
    if isinstance(found, KindInvalid):
        raise found
    return found


@cache
def _found() -> dict[str, DocumentKind | KindInvalid]:
    folders = (file_path(FOLDER), settings_folder() / FOLDER)
    return {
        path.stem: _read(path) for folder in folders if folder.is_dir() for path in sorted(folder.glob(f"*{SUFFIX}"))
    }


def _read(path: Path) -> DocumentKind | KindInvalid:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return _checked(path, {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()})
    except KindInvalid as error:
        return error
    except (OSError, ValueError) as error:
        return KindInvalid(f"{path} cannot be read as a kind of document ({error}).")


def _checked(path: Path, values: dict[str, Any]) -> DocumentKind:
    """Return a kind of these values. Raises KindInvalid, naming the first that is wrong."""
    known = {field.name: field for field in fields(DocumentKind) if field.name != "name"}
    for name in values:
        if name not in known:
            raise KindInvalid(f"{path} has the unknown entry {name}.")
    try:
        kind = DocumentKind(path.stem, **values)
        texts = (kind.noun, kind.label, kind.sampling, kind.section_title.format(number=1), kind.structure, kind.rules)
        whole = all(isinstance(text, str) for text in (*texts, *kind.opening, *kind.closing)) and all(texts[:4])
    except (TypeError, AttributeError, ValueError, KeyError, IndexError) as error:
        raise KindInvalid(f"{path} does not describe a kind of document ({error}).") from error
    switches = (kind.chronological, kind.narrative, kind.numbered, kind.defines_once)
    if not whole or not all(isinstance(each, bool) for each in switches) or "{number}" not in kind.section_title:
        raise KindInvalid(f"{path} needs a noun, a label and a section_title with {{number}} in it.")
    if not isinstance(kind.leaf_words, int) or not MIN_LEAF_WORDS <= kind.leaf_words <= MAX_LEAF_WORDS:
        raise KindInvalid(f"{path}: leaf_words must be between {MIN_LEAF_WORDS} and {MAX_LEAF_WORDS:,}.")
    if kind.sampling not in sampling_presets():
        raise KindInvalid(f"{path} names the unknown sampling {kind.sampling}.")
    return kind
