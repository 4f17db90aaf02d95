# SPDX-License-Identifier: Apache-2.0
"""The one place where errors become words and exit codes for the command line."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from backends.errors import ExplainedError

DEBUG_VARIABLE = "LONGHAND_DEBUG"
"""Environment variable that shows the traceback of an error."""

SUCCESS, FAILURE, USER_ERROR, INTERRUPTED = 0, 1, 2, 130
_FULL = (errno.ENOSPC, errno.EDQUOT)


class UserError(ExplainedError):
    """The command cannot be done as it was given. ``hint`` says what to do instead."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error in words: one sentence, what to do, what to know besides, and the exit code."""

    sentence: str
    hint: str
    notes: tuple[str, ...]
    code: int


def explain(error: Exception) -> Explanation:
    """Return the words and the exit code for an error that reached the edge of the program."""
    notes = tuple(getattr(error, "__notes__", ()))
    if isinstance(error, ExplainedError):
        sentence, hint = str(error), error.hint
        code = USER_ERROR if isinstance(error, _user_errors()) else FAILURE
    elif isinstance(error, OSError):
        sentence, hint, code = _of_system(error)
    else:
        sentence = f"Longhand failed: {type(error).__name__}: {error}"
        hint, code = f"This is a fault of the program; {DEBUG_VARIABLE}=1 shows where it happened.", FAILURE
    return Explanation(_one_line(sentence), _one_line(hint), notes, code)


def report(error: Exception) -> int:
    """Print an error to stderr and return the exit code."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    words = explain(error)
    print(f"longhand: {words.sentence}", file=sys.stderr)
    for line in (words.hint, *words.notes):
        if line:
            print(f"  {line}", file=sys.stderr)
    return words.code


def _user_errors() -> tuple[type[Exception], ...]:
    """Errors that another command line avoids; imported late, since most commands end without any."""
    from backends.errors import ContextOverflow, ModelInvalid, ModelNotFound
    from backends.server_errors import EndpointInvalid, ServerDenied
    from studio.ban_lists import BanListUnusable
    from studio.batch import errors as batch
    from studio.bench.task_files import TaskDataInvalid
    from studio.formats.errors import FormatUnknown, ImportRefused, OutputExists, OutputFolderUnusable
    from studio.planning.kinds import KindInvalid
    from studio.planning.plan_text import PlanTextInvalid
    from studio.project import errors as project
    from studio.writing.errors import LengthRefused

    return (
        UserError,
        BanListUnusable,
        batch.BatchFolderUnusable,
        batch.JobFileUnreadable,
        batch.JobsInvalid,
        ContextOverflow,
        EndpointInvalid,
        LengthRefused,
        ModelInvalid,
        ModelNotFound,
        ServerDenied,
        FormatUnknown,
        ImportRefused,
        KindInvalid,
        OutputExists,
        PlanTextInvalid,
        OutputFolderUnusable,
        TaskDataInvalid,
        project.ProjectExists,
        project.ProjectInUse,
        project.ProjectNotFound,
        project.ProjectReadOnly,
        project.ProjectTooNew,
    )


def _of_system(error: OSError) -> tuple[str, str, int]:
    reason = error.strerror or str(error)
    where = f" ({Path(os.fsdecode(error.filename))})" if isinstance(error.filename, str | bytes) else ""
    if error.errno in _FULL:
        return f"The disk is full{where}.", "Free some space and try again.", FAILURE
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return f"{reason}{where}.", "Check the path and the rights to it.", USER_ERROR
    return f"The system refused: {reason}{where}.", "Try again; nothing that was stored is lost.", FAILURE


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if not line or line.endswith((".", "!", "?", "…")) else line + "."
