# SPDX-License-Identifier: Apache-2.0
"""Writes Markdown for the author: headings, lists and quotes at paragraphs, emphasis around words. Each is one undo
step, and asking for what is there already takes it away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextEdit

from studio.gui.text_form import LINE, utf16_length

STRONG, EMPHASIS = "**", "*"
ITEM, QUOTE = "- ", "> "
_HEADING = re.compile(r"#{1,6} +")
_PREFIX = re.compile(r"(?:[-*+] +|> ?)")
Keep, Move = QTextCursor.MoveMode.KeepAnchor, QTextCursor.MoveOperation


def set_heading(edit: QTextEdit, level: int) -> None:
    """Make headings of the chosen paragraphs; level 0, or the level that they have, makes them plain."""

    def changed(text: str) -> str:
        old = _HEADING.match(text)
        plain = text[old.end() :] if old else text
        same = old is not None and len(old[0].rstrip()) == level
        return plain if same or not level else f"{'#' * level} {plain}"

    _change_blocks(edit, changed)


def toggle_prefix(edit: QTextEdit, prefix: str) -> None:
    """Begin each line of the chosen paragraphs with ``prefix``, or take it away where all begin so."""
    lines = [line for block in _blocks(edit) for line in block.text().split(LINE)]
    away = all(line.startswith(prefix) for line in lines)

    def line_changed(line: str) -> str:
        return line[len(prefix) :] if away else prefix + _PREFIX.sub("", line, count=1)

    _change_blocks(edit, lambda text: LINE.join(line_changed(line) for line in text.split(LINE)))


def toggle_marks(edit: QTextEdit, mark: str) -> None:
    """Put marks around the chosen words, the word at the cursor, or nothing; or take them away."""
    cursor = edit.textCursor()
    bare = not cursor.hasSelection()
    if bare:
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
    if not cursor.hasSelection():
        cursor.insertText(mark + mark)
        cursor.movePosition(Move.Left, n=len(mark))
        edit.setTextCursor(cursor)
        return
    position = edit.textCursor().position()
    cursor.beginEditBlock()
    shift = 0
    for start, end in reversed(list(_parts(cursor))):
        shift = _toggle_part(cursor, start, end, mark)
    cursor.endEditBlock()
    if bare:
        cursor.setPosition(position + shift)
        edit.setTextCursor(cursor)


def _parts(cursor: QTextCursor) -> Iterator[tuple[int, int]]:
    """The parts of a selection that lie in one paragraph each, without spaces at their ends, in UTF-16 units."""
    document, first, last = cursor.document(), cursor.selectionStart(), cursor.selectionEnd()
    block = document.findBlock(first)
    while block.isValid() and block.position() <= last:
        start = max(first, block.position())
        end = min(last, block.position() + block.length() - 1)
        text = _between(document, start, end)
        start += utf16_length(text[: len(text) - len(text.lstrip())])
        end -= utf16_length(text[len(text.rstrip()) :])
        if start < end:
            yield start, end
        block = block.next()


def _toggle_part(cursor: QTextCursor, start: int, end: int, mark: str) -> int:
    """Mark a part or unmark it; return by how much its first character moved."""
    document, width = cursor.document(), len(mark)
    text = _between(document, start, end)
    outside = _between(document, max(0, start - width), start), _between(document, end, end + width)
    if text.startswith(mark) and text.endswith(mark) and len(text) > 2 * width and not _stronger(text, mark):
        _replace(cursor, start, end, text[width:-width])
        return -width
    if outside == (mark, mark) and not _part_of_stronger(document, start, end, mark):
        _replace(cursor, start - width, end + width, text)
        return -width
    _replace(cursor, start, end, f"{mark}{text}{mark}")
    return width


def _stronger(text: str, mark: str) -> bool:
    return mark == EMPHASIS and text.startswith(STRONG) and not text.startswith(STRONG + EMPHASIS)


def _part_of_stronger(document: QTextDocument, start: int, end: int, mark: str) -> bool:
    """Whether a single mark outside of a part is half of a double one."""
    if mark != EMPHASIS:
        return False
    before, after = _between(document, max(0, start - 3), start), _between(document, end, end + 3)
    return before.endswith(STRONG) and after.startswith(STRONG) and (before, after) != ("***", "***")


def _change_blocks(edit: QTextEdit, changed: Callable[[str], str]) -> None:
    cursor = QTextCursor(edit.document())
    cursor.beginEditBlock()
    for block in _blocks(edit):
        text = block.text()
        new = changed(text)
        if new != text:
            # Only the beginning and what follows it differ: the cursor of the author stays at its words.
            kept = _common_end(text, new)
            start = block.position()
            _replace(cursor, start, start + utf16_length(text[: len(text) - kept]), new[: len(new) - kept])
    cursor.endEditBlock()


def _blocks(edit: QTextEdit) -> list[QTextBlock]:
    cursor, document = edit.textCursor(), edit.document()
    block, last = document.findBlock(cursor.selectionStart()), cursor.selectionEnd()
    found = [block]
    while (block := block.next()).isValid() and block.position() < last:
        found.append(block)
    return found


def _common_end(one: str, other: str) -> int:
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count


def _between(document: QTextDocument, start: int, end: int) -> str:
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(min(end, document.characterCount() - 1), Keep)
    return cursor.selectedText()


def _replace(cursor: QTextCursor, start: int, end: int, text: str) -> None:
    cursor.setPosition(start)
    cursor.setPosition(end, Keep)
    cursor.insertText(text)
