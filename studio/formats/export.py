# SPDX-License-Identifier: Apache-2.0
"""Turns a project into a neutral document, and a document into a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from studio.formats.blocks import Block, Document, Heading
from studio.formats.errors import ExportError, FormatUnknown, OutputExists, OutputFolderUnusable
from studio.formats.markdown import escape_plain, render
from studio.formats.prose import read_prose

_MAX_LEVEL = 6
_NUMBER = re.compile(r"\d+")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class Brief(Protocol):
    """What is read of a brief."""

    @property
    def language(self) -> str:
        """The language tag of the document."""
        ...


class Head(Protocol):
    """What is read of the head of a project."""

    @property
    def title(self) -> str:
        """The title, plain text."""
        ...

    @property
    def brief(self) -> Brief:
        """What the author asked for."""
        ...


class Part(Protocol):
    """What is read of a section; ``number`` ("2.1") says how deep it lies."""

    @property
    def id(self) -> int:
        """The key of its text."""
        ...

    @property
    def number(self) -> str:
        """Its place in the plan."""
        ...

    @property
    def title(self) -> str:
        """Its title, plain text."""
        ...

    @property
    def leaf(self) -> bool:
        """Whether it has text of its own."""
        ...


class PartText(Protocol):
    """What is read of a section's text: the settled ``body``, directly followed by the unsettled ``tail``."""

    @property
    def body(self) -> str:
        """Settled text."""
        ...

    @property
    def tail(self) -> str:
        """Text that may still shrink."""
        ...


class Source(Protocol):
    """What a document is made from; an open project is one. The formats do not know the project's own classes."""

    @property
    def info(self) -> Head:
        """Title and language."""
        ...

    def sections(self) -> Sequence[Part]:
        """The sections in reading order, parents included."""
        ...

    def text(self, section_id: int, /) -> PartText:
        """The text of a leaf."""
        ...


def document_of(source: Source, *, numbered: bool = False) -> Document:
    """Return the whole document: a heading for each section, by depth, and the text of the leaves.

    Where headings are ``numbered``, a title that says its own number ("Week 3") gets no other.
    """
    head = source.info
    blocks = [block for part in source.sections() for block in _blocks_of(source, part, numbered)]
    return Document(head.title, head.brief.language, tuple(blocks))


def _blocks_of(source: Source, part: Part, numbered: bool) -> Iterator[Block]:
    level = min(part.number.count(".") + 2, _MAX_LEVEL)
    if part.title.strip():
        says_number = part.number.rpartition(".")[2] in _NUMBER.findall(part.title)
        title = f"{part.number} {part.title}" if numbered and not says_number else part.title
        yield Heading(level, escape_plain(title))
    if part.leaf:
        text = source.text(part.id)
        for block in read_prose(text.body + text.tail):
            yield _below(block, level) if isinstance(block, Heading) else block


def _below(heading: Heading, level: int) -> Heading:
    """A heading inside a text stands under the heading of its section, so that the outline holds."""
    return replace(heading, level=min(max(heading.level, level + 1), _MAX_LEVEL))


def export_document(source: Source, path: Path, *, overwrite: bool = False, numbered: bool = False) -> None:
    """Write the document to ``path`` in the format of its suffix: whole or not at all; ``numbered`` as in document_of.

    Raises FormatUnknown, OutputExists where a file is there and ``overwrite`` is not set, OutputFolderUnusable,
    ExportError.
    """
    form = format_of(path)
    write_whole(path, _FORMATS[form](document_of(source, numbered=numbered)), overwrite=overwrite)


def format_of(path: Path) -> str:
    """Return the suffix in ``SUFFIXES`` that says what is written to ``path``; one without a suffix is Markdown.

    Raises FormatUnknown.
    """
    suffix = path.suffix.lower()
    form = _OTHER_NAMES.get(suffix, suffix)
    if form not in _FORMATS:
        raise FormatUnknown(f"{path} would be in a format that Longhand does not write.")
    return form


def _markdown(document: Document) -> bytes:
    return render(document).encode("utf-8")


def _text(document: Document) -> bytes:
    from studio.formats.plain_text import render_text

    return render_text(document).encode("utf-8")


def _html(document: Document) -> bytes:
    from studio.formats.html import render_html

    return render_html(document).encode("utf-8")


def _docx(document: Document) -> bytes:
    from studio.formats.docx import render_docx

    return render_docx(document)


_FORMATS: dict[str, Callable[[Document], bytes]] = {".md": _markdown, ".txt": _text, ".html": _html, ".docx": _docx}
_OTHER_NAMES = {"": ".md", ".markdown": ".md", ".text": ".txt", ".htm": ".html"}
SUFFIXES = tuple(_FORMATS)
"""The suffixes of the formats that documents are written in."""


def write_whole(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file beside its final name, flush it, and give it the name in one step. Raises ExportError."""
    try:
        _write_whole(path, data, overwrite)
    except FileExistsError as error:
        raise OutputExists(f"{path} is already there and was left as it is.") from error
    except OSError as error:
        raise _explained(path, error) from error


def _write_whole(path: Path, data: bytes, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        _give_name(name, path, overwrite)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
    _flush_folder(path.parent)


def _give_name(name: str, path: Path, overwrite: bool) -> None:
    """A hard link refuses a name that was taken meanwhile; where there are no links, the earlier look must do."""
    if not overwrite:
        try:
            os.link(name, path)
        except FileExistsError:
            raise
        except OSError:
            pass
        else:
            return
    os.replace(name, path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system lets a folder be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _explained(path: Path, error: OSError) -> ExportError:
    if error.errno in _FULL:
        return ExportError(f"The disk is full; {path} was not written.", hint="Free some space and export again.")
    if error.errno in _REFUSED:
        return OutputFolderUnusable(f"{path} cannot be written: {error.strerror}.")
    return ExportError(f"{path} was not written: {error.strerror or error}.")
