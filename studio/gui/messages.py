# SPDX-License-Identifier: Apache-2.0
"""What happened in words for the author: one sentence, and one that says what to do. Never a traceback."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QLocale

from backends.errors import (
    BackendError,
    ContextOverflow,
    ExplainedError,
    ModelInvalid,
    ModelNotFound,
    WorkerGaveUp,
    WorkerLost,
)
from studio.formats.errors import OutputExists
from studio.project.errors import (
    DiskFull,
    ProjectDamaged,
    ProjectExists,
    ProjectInUse,
    ProjectNotFound,
    StaleRevision,
)
from studio.writing.errors import ModelSilent, WritingError


@dataclass(frozen=True, slots=True)
class Message:
    """What happened, and what to do about it."""

    text: str
    hint: str = ""


def tr(text: str) -> str:
    """Translate a text of this module."""
    return QCoreApplication.translate("messages", text)


def describe(error: Exception, kept: int = 0) -> Message:
    """Return the words for an error. The hints of the command line are replaced by those of the window.

    ``kept`` is how many words the section has that was being written; whoever loses the model's process is told so.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, WorkerLost | WorkerGaveUp):
        return Message(_lost(kept), _hint(error))
    if isinstance(error, OSError):
        return Message(tr("The system refused: {reason}.").format(reason=error.strerror or text), tr("Try it again."))
    return Message(text if text.endswith((".", "…")) else f"{text}.", _hint(error))


def _lost(kept: int) -> str:
    if kept:
        text = tr("The model's process ended; all {words} words of this section are kept.")
        return text.format(words=number(kept))
    return tr("The model's process ended; everything that was written is kept.")


def _hint(error: Exception) -> str:
    for kind, hint in _window_hints():
        if isinstance(error, kind):
            return hint
    return error.hint if isinstance(error, ExplainedError) else ""


def _window_hints() -> tuple[tuple[type[Exception], str], ...]:
    return (
        (ModelNotFound, tr("Choose a model file under Document, Brief and model.")),
        (ModelInvalid, tr("Choose another GGUF file under Document, Brief and model.")),
        (ContextOverflow, tr("Shorten the brief, or choose a model with a larger context.")),
        (WorkerLost, tr("Write goes on from there.")),
        (WorkerGaveUp, tr("Try again, or choose another model; Help, Report a problem tells what the engine said.")),
        (BackendError, tr("What was written is kept. Try again, or choose another model.")),
        (ModelSilent, tr("What was written is kept. Try again, or choose another model.")),
        (WritingError, tr("What was written is kept. Write goes on from there.")),
        (ProjectExists, tr("Choose another name.")),
        (ProjectNotFound, tr("Check the name, or start a new document.")),
        (ProjectInUse, tr("Close it there first, then open it here.")),
        (ProjectDamaged, tr("Open the newest backup: it lies beside the project, in the folder ending in .backups.")),
        (DiskFull, tr("Free some space and try again; everything stored before is safe.")),
        (StaleRevision, tr("Your text is still in the editor; try again.")),
        (OutputExists, tr("Choose another name.")),
    )


def words_of_target(words: int, target: int) -> str:
    """Return for example ``12,480 of 40,000 words``."""
    text = tr("{words} of {target} words")
    return text.format(words=number(words), target=number(target))


def number(value: int) -> str:
    """Return a whole number as the author's language writes it."""
    locale = QLocale()
    # The C locale has no separators; people want to read large numbers all the same.
    return (QLocale("en") if locale.language() is QLocale.Language.C else locale).toString(value)


def percent(words: int, target: int) -> int:
    """Return how much of the target is there, 100 at most; a started percent counts once it is full."""
    return min(100, words * 100 // target) if target > 0 else 0


def time_left(seconds: float | None) -> str:
    """Return a time to come, roughly as people say it: ``2 h 10 min``, ``4 min``, ``under a minute``."""
    if seconds is None:
        return tr("not known yet")
    minutes = round(seconds / 60)
    if minutes < 1:
        return tr("under a minute")
    if minutes < 60:
        return tr("{minutes} min").format(minutes=minutes)
    return tr("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def time_ago(seconds: float) -> str:
    """Return how long ago something was: ``just now``, ``20 s ago``, ``3 min ago``."""
    if seconds < 2:
        return tr("just now")
    if seconds < 60:
        return tr("{seconds} s ago").format(seconds=int(seconds))
    return tr("{minutes} min ago").format(minutes=int(seconds // 60))
