# SPDX-License-Identifier: Apache-2.0
"""Makes a project of a document that was written elsewhere: its headings become the plan, its texts revisions."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from backends.text.counting import count_words
from studio.formats.importers import ImportedDocument, ImportedSection
from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS
from studio.planning.kinds import document_kind
from studio.project.errors import ProjectExists
from studio.project.lock import lock_path
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project


@dataclass(slots=True)
class _Node:
    """A section with what lies under it."""

    section: ImportedSection
    children: list[_Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: the words of the texts, and how many sections have one."""

    words: int
    sections: int


def import_document(document: ImportedDocument, path: Path, *, title: str, kind: str, language: str) -> Imported:
    """Make a project file at ``path``; it is there whole or not at all.

    A heading without text and without others under it is a section still to write. Text between a heading and the
    first one under it becomes a section without a title. Raises ProjectExists and what making a project raises.
    """
    if os.path.lexists(path):
        raise ProjectExists(f"{path} is already there.", hint="Choose another name with --project.")
    beside = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        imported = _make(document, beside, title, kind, language)
        _give_name(beside, path)
    finally:
        for left in (beside, lock_path(beside)):
            with suppress(FileNotFoundError):
                left.unlink()
    return imported


def _make(document: ImportedDocument, path: Path, title: str, kind: str, language: str) -> Imported:
    roots = _tree(document.sections)
    default = document_kind(kind).leaf_words
    planned = tuple(_planned(node, default) for node in roots)
    texts = [node.section.text for root in roots for node in _leaves(root)]
    total = sum(max(1, count_words(text)) if text else default for text in texts)
    words = min(max(total, MIN_DOCUMENT_WORDS), MAX_DOCUMENT_WORDS)
    brief = Brief(title, words, kind, language, notes=document.notes)
    with Project.create(path, brief, title=title) as project:
        project.set_plan(title, planned)
        for leaf, text in zip(project.leaves(), texts, strict=True):
            if text:
                project.store_text(leaf.id, text, expected=leaf.revision, origin=Origin.IMPORTED)
                project.set_status(leaf.id, Status.WRITTEN)
        return Imported(project.words(), sum(map(bool, texts)))


def _tree(sections: Sequence[ImportedSection]) -> list[_Node]:
    """Put each section under the last one before it of a higher level."""
    roots: list[_Node] = []
    path: list[_Node] = []
    for section in sections:
        while path and path[-1].section.level >= section.level:
            path.pop()
        node = _Node(section)
        (path[-1].children if path else roots).append(node)
        if section.title:
            path.append(node)
    return [_with_text_below(root) for root in roots]


def _with_text_below(node: _Node) -> _Node:
    """Only leaves have text: that of a section with others under it moves into a first one without a title."""
    children = [_with_text_below(child) for child in node.children]
    section = node.section
    if children and section.text:
        children.insert(0, _Node(ImportedSection(section.level + 1, "", section.text)))
    return _Node(section, children)


def _planned(node: _Node, default: int) -> PlannedSection:
    words = 0 if node.children else max(1, count_words(node.section.text)) if node.section.text else default
    return PlannedSection(
        node.section.title, words, children=tuple(_planned(child, default) for child in node.children)
    )


def _leaves(node: _Node) -> Iterator[_Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _give_name(beside: Path, path: Path) -> None:
    """A hard link refuses a name that was taken meanwhile; where there are no links, the earlier look must do."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise ProjectExists(f"{path} is already there.", hint="Choose another name with --project.") from None
    except OSError:
        os.replace(beside, path)
