# SPDX-License-Identifier: Apache-2.0
"""The errors of writing a document to a file and of reading one. No project is touched by them."""

from __future__ import annotations

from backends.errors import ExplainedError


class FormatError(ExplainedError):
    """Root of the tree."""

    hint = "Choose another file or folder."


class ExportError(FormatError):
    """The file could not be written; nothing half-written is left behind."""

    hint = "The text is safe in the project; export it to another place."
    retryable = True


class OutputExists(ExportError):
    """A file of this name is already there and is kept."""

    hint = "Choose a free name for the output."
    retryable = False


class FormatUnknown(ExportError):
    """The suffix of the output names no format that can be written."""

    hint = "Let its name end in .md, .txt, .html or .docx."
    retryable = False


class OutputFolderUnusable(ExportError):
    """The folder of the output does not exist or may not be written to."""

    hint = "Choose an existing folder that you may write to."
    retryable = False


class ImportRefused(FormatError):
    """A file cannot be read as a document; nothing was made of it."""

    hint = "Give a text file in UTF-8: Markdown (.md) or plain text (.txt)."
    retryable = False
