# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from PySide6.QtWidgets import QApplication

from studio.gui.manuscript import Manuscript
from studio.gui.section_document import SectionDocument
from studio.gui.theme import text_font
from studio.project.records import SectionText


def document(section: int) -> SectionDocument:
    return SectionDocument(SectionText(section, 0, "", ""), text_font())


def test_the_sections_used_last_are_kept(qapp: QApplication) -> None:
    manuscript = Manuscript(lambda document: False, kept=2)
    for section in (1, 2):
        manuscript.keep(document(section))
    assert manuscript.get(1) is not None
    manuscript.keep(document(3))
    assert [each.section for each in manuscript.documents()] == [1, 3]
    assert manuscript.get(2) is None


def test_a_section_that_is_needed_stays(qapp: QApplication) -> None:
    manuscript = Manuscript(lambda document: document.section == 1, kept=1)
    for section in (1, 2, 3):
        manuscript.keep(document(section))
    assert [each.section for each in manuscript.documents()] == [1, 3]
