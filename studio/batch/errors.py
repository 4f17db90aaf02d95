# SPDX-License-Identifier: Apache-2.0
"""The errors of a whole batch. What goes wrong with one document is kept in the ledger and stops nothing."""

from __future__ import annotations

from backends.errors import ExplainedError


class BatchError(ExplainedError):
    """Root of the tree: a hint for the user, and whether trying again can help."""

    hint = "The same command again goes on where the batch stopped."
    retryable = True


class JobsInvalid(BatchError):
    """Lines of the job file cannot be used; a note for each says which and why. Nothing was started."""

    hint = "Nothing was started; put these right and give the same command again:"
    retryable = False


class JobFileUnreadable(BatchError):
    """The job file is not there, or holds nothing."""

    hint = "Give a file with one JSON object a line: name, brief, words; kind, language, seed, formats if you like."
    retryable = False


class BatchFolderUnusable(BatchError):
    """The folder for the documents cannot be made or written to, or what is in it is not a batch."""

    hint = "Choose another folder with --out."
    retryable = False


class BatchStopped(BatchError):
    """The batch cannot go on now: no document can be written. What is finished stays finished."""


def words_of(error: Exception) -> tuple[str, str]:
    """Return an error as one sentence, and what can be done about it."""
    if not isinstance(error, ExplainedError):
        return _one_line(f"Longhand failed: {type(error).__name__}: {error}"), "This is a fault of the program."
    return _one_line(str(error)), _one_line(error.hint)


def _one_line(text: str) -> str:
    return " ".join(text.split())
