# SPDX-License-Identifier: Apache-2.0
"""The sections that are in memory: those used last, those with unsaved text, and the one that is being written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from studio.gui.section_document import SectionDocument

KEPT_SECTIONS = 24


class Manuscript:
    """Keeps section documents by section id and forgets those that were not used for the longest time.

    ``needed`` says of a document that it must stay, whatever its age.
    """

    def __init__(self, needed: Callable[[SectionDocument], bool], kept: int = KEPT_SECTIONS) -> None:
        self._needed = needed
        self._kept = kept
        self._documents: OrderedDict[int, SectionDocument] = OrderedDict()

    def get(self, section: int) -> SectionDocument | None:
        """Return the document of a section if it is in memory, and count that as use."""
        document = self._documents.get(section)
        if document is not None:
            self._documents.move_to_end(section)
        return document

    def keep(self, document: SectionDocument) -> None:
        """Take a document in, and let the oldest ones go that nobody needs."""
        self._documents[document.section] = document
        surplus = len(self._documents) - self._kept
        for section, old in list(self._documents.items())[:-1]:
            if surplus <= 0:
                break
            if not self._needed(old):
                del self._documents[section]
                old.deleteLater()
                surplus -= 1

    def documents(self) -> tuple[SectionDocument, ...]:
        """Return the documents in memory, the one used last at the end."""
        return tuple(self._documents.values())
