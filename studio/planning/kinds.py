# SPDX-License-Identifier: Apache-2.0
"""Kinds of documents, as data: resources/presets/kinds.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from resources import read_text


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """What differs between kinds: the noun of the prompts, words of a leaf, sampler preset, a title to fall back on."""

    name: str
    noun: str
    label: str
    leaf_words: int
    sampling: str
    section_title: str


@cache
def document_kinds() -> dict[str, DocumentKind]:
    """Return every kind by its name, in the order of the file."""
    table = tomllib.loads(read_text("presets/kinds.toml"))
    return {name: DocumentKind(name=name, **values) for name, values in table.items()}


def document_kind(name: str) -> DocumentKind:
    """Return a kind. Raises KeyError for an unknown name."""
    return document_kinds()[name]
