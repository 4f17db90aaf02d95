# SPDX-License-Identifier: Apache-2.0
"""The sentences of a document as backends know them: a link for each section, made once for each of its revisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.text.sentence_chain import make_link, sentence_lines
from studio.project.records import Section
from studio.project.store import Project

Put = Callable[[str, bytes], None]


class DocumentSentences:
    """Hands the sentences of a project to a backend by ``put``, which sends what it does not have yet."""

    def __init__(self, project: Project, put: Put) -> None:
        self._project = project
        self._put = put
        self._lines: dict[tuple[int, int], list[str]] = {}

    def known(self, before: Sequence[Section], written: str) -> str:
        """Return the hash of the last link: ``before`` are the leaves before a place, ``written`` the text there."""
        digest = ""
        for leaf in before:
            digest = self._linked(self._lines_of(leaf), digest)
        return self._linked(sentence_lines(written), digest)

    def _linked(self, lines: list[str], base: str) -> str:
        if base and not lines:
            return base
        digest, data = make_link(lines, base)
        self._put(digest, data)
        return digest

    def _lines_of(self, leaf: Section) -> list[str]:
        key = leaf.id, leaf.revision
        if key not in self._lines:
            self._lines[key] = sentence_lines(self._project.text(leaf.id).body)
        return self._lines[key]
