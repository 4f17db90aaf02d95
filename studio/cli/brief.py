# SPDX-License-Identifier: Apache-2.0
"""Reads the BRIEF argument: text, or the path of a text file."""

from __future__ import annotations

import os
from pathlib import Path

from studio.cli.errors import UserError

MAX_BYTES = 1_000_000
"""A brief file of more bytes is no brief and fits into no model's context."""

_FILE_SUFFIXES = (".txt", ".md", ".markdown", ".text")


def read_brief(argument: str) -> str:
    """Return the text of a brief. Raises UserError for what is empty, too large, or no UTF-8 text."""
    path = _existing_path(argument)
    text = _read_file(path) if path else _checked_text(argument)
    if not text.strip():
        where = f"{path} is empty" if path else "The brief is empty"
        raise UserError(f"{where}.", hint="Say in a sentence or more what the document is to be about.")
    return text.strip()


def _existing_path(argument: str) -> Path | None:
    """The file that is meant, None for text. A name that looks like a text file must exist."""
    try:
        exists = os.path.exists(argument)
    except (OSError, ValueError):
        return None
    if exists:
        return Path(argument)
    if argument.lower().endswith(_FILE_SUFFIXES) and not any(sign.isspace() for sign in argument):
        raise UserError(f"There is no file {argument}.", hint="Give the path of a text file, or the brief itself.")
    return None


def _read_file(path: Path) -> str:
    if path.is_dir():
        raise UserError(f"{path} is a folder.", hint="Give the path of a text file, or the brief itself.")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UserError(f"{path} is too large for a brief.", hint=f"A brief may have {MAX_BYTES:,} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not a text file in UTF-8 (byte {error.start:,}).", hint="Save it as UTF-8 text and try again."
        ) from error
    if "\0" in text:
        raise UserError(f"{path} is not a text file.", hint="Give the path of a text file, or the brief itself.")
    return text


def _checked_text(argument: str) -> str:
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            "The brief is not UTF-8 text.", hint="Put it into a UTF-8 text file and give its path."
        ) from error
    return argument
