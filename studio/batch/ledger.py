# SPDX-License-Identifier: Apache-2.0
"""The ledger of a batch: which documents there are, what became of each, and what that took.

One SQLite file beside the documents, kept as safely as a project: what it says is on the disk. The texts are in the
documents' own projects; a document counts as done only after all its files are written. One process writes, and
``longhand status`` reads beside it.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Column, Connection, Float, Integer, MetaData, Row, Table, UnicodeText, insert, select, update

from studio.batch.errors import BatchFolderUnusable
from studio.project.connection import Database
from studio.project.errors import ProjectDamaged
from studio.project.lock import ProjectLock
from studio.project.open_file import OpenFile

LEDGER_NAME = "_batch.ledger"
"""No document can have this name: theirs begin with a letter or a digit."""

_APPLICATION_ID = 0x4C48424C  # "LHBL"
_VERSION = 1

_metadata = MetaData()
_documents = Table(
    "documents",
    _metadata,
    Column("name", UnicodeText, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("identity", UnicodeText, nullable=False),
    Column("formats", UnicodeText, nullable=False),
    Column("formats_done", UnicodeText, nullable=False),
    Column("state", UnicodeText, nullable=False),
    Column("target", Integer, nullable=False),
    Column("words", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("repetition", Float),
    Column("error", UnicodeText, nullable=False),
    Column("hint", UnicodeText, nullable=False),
    Column("began", UnicodeText, nullable=False),
    Column("ended", UnicodeText, nullable=False),
)


class DocumentState(enum.StrEnum):
    """What became of a document: nothing yet, begun and not finished, finished with all its files, failed."""

    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a document has and took: words, seconds of writing, tokens read and written.

    ``repetition`` is the share of 4-grams that are repeats (seq-rep-4), None where it was not measured.
    """

    words: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    repetition: float | None = None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A document that a job file asks for; ``identity`` is a hash of what it asks."""

    name: str
    identity: str
    target: int
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in the ledger. ``error`` is a sentence, empty unless it failed; times are UTC in ISO 8601.

    ``formats`` are asked for, and ``formats_done`` were written when it was finished last.
    """

    name: str
    identity: str
    formats: tuple[str, ...]
    formats_done: tuple[str, ...]
    state: DocumentState
    target: int
    figures: Figures
    error: str
    hint: str
    began: str
    ended: str

    @property
    def length_error(self) -> float:
        """By which part of its target the document misses it; negative for one that is too short."""
        return (self.figures.words - self.target) / self.target


class Ledger(OpenFile):
    """An open ledger."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the ledger of a folder for writing, made where there is none.

        Raises ProjectInUse where another process writes this batch, BatchFolderUnusable where the file is no ledger.
        """
        path = folder.resolve() / LEDGER_NAME
        lock = ProjectLock.acquire(path)
        try:
            path.touch()
            database = _opened(path, writable=True)
            try:
                with _readable(path), database.writing() as connection:
                    _prepare(connection, path)
            except BaseException:
                database.close()
                raise
        except BaseException:
            lock.release()
            raise
        return cls(database, lock)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open the ledger of a folder for reading, also while another process writes it.

        Raises BatchFolderUnusable where there is none.
        """
        path = folder.resolve() / LEDGER_NAME
        if not path.is_file():
            raise BatchFolderUnusable(f"{folder} holds no batch.", hint="Name the folder that --out named.")
        database = _opened(path, writable=False)
        with _readable(path), database.reading() as connection:
            _require_ours(connection, path)
        return cls(database, None)

    def entries(self) -> tuple[Entry, ...]:
        """Return all documents in the order of their lines."""
        with self._database.reading() as connection:
            rows = connection.execute(select(_documents).order_by(_documents.c.position, _documents.c.name))
            return tuple(map(_entry, rows))

    def entry(self, name: str) -> Entry:
        """Return one document, which must be in the ledger."""
        with self._database.reading() as connection:
            return _entry(connection.execute(select(_documents).where(_documents.c.name == name)).one())

    def take_up(self, wanted: Sequence[NewEntry]) -> None:
        """Add documents that are new, and give all of them this order and these formats."""
        columns = _documents.c.name, _documents.c.position, _documents.c.formats
        with self._database.writing() as connection:
            known = {row.name: (row.position, row.formats) for row in connection.execute(select(*columns))}
            rows = [_new_row(position, each) for position, each in enumerate(wanted) if each.name not in known]
            if rows:
                connection.execute(insert(_documents), rows)
            for position, each in enumerate(wanted):
                now = position, json.dumps(each.formats)
                if known.get(each.name, now) != now:
                    self._change(connection, each.name, position=now[0], formats=now[1])

    def begin(self, name: str) -> None:
        """Note that a document is being written, before its first file is made."""
        with self._database.writing() as connection:
            self._change(connection, name, state=DocumentState.BEGUN, error="", hint="", began=_now(), ended="")

    def leave(self, name: str, figures: Figures) -> None:
        """Note how far a document is that is written on another time."""
        with self._database.writing() as connection:
            self._change(connection, name, **_figures_row(figures))

    def finish(self, name: str, figures: Figures) -> None:
        """Note that all files of a document are written."""
        with self._database.writing() as connection:
            done = {"state": DocumentState.DONE, "formats_done": _documents.c.formats, "ended": _now()}
            self._change(connection, name, **done, **_figures_row(figures))

    def fail(self, name: str, error: str, hint: str, figures: Figures) -> None:
        """Note why a document could not be written."""
        ended = {"state": DocumentState.FAILED, "error": error, "hint": hint, "ended": _now()}
        with self._database.writing() as connection:
            self._change(connection, name, **ended, **_figures_row(figures))

    def _change(self, connection: Connection, name: str, **values: Any) -> None:
        connection.execute(update(_documents).where(_documents.c.name == name).values(**values))


def _opened(path: Path, *, writable: bool) -> Database:
    with _readable(path):
        return Database(path, writable=writable)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of a damaged ledger what can be done about it; the documents' projects are sound without it."""
    try:
        yield
    except ProjectDamaged as error:
        raise BatchFolderUnusable(
            f"{path} is damaged or no ledger of a batch.",
            hint="The documents beside it are sound; move the ledger away and begin in another folder.",
        ) from error


def _prepare(connection: Connection, path: Path) -> None:
    """Make the tables of a new ledger; look at those of one that is there."""
    if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
        _metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")
    _require_ours(connection, path)


def _require_ours(connection: Connection, path: Path) -> None:
    if connection.exec_driver_sql("PRAGMA application_id").scalar() != _APPLICATION_ID:
        raise BatchFolderUnusable(f"{path} is no ledger of a batch.")
    if connection.exec_driver_sql("PRAGMA user_version").scalar() != _VERSION:
        raise BatchFolderUnusable(f"{path} was made by another version of Longhand.")


def _new_row(position: int, new: NewEntry) -> dict[str, Any]:
    return {
        "name": new.name,
        "position": position,
        "identity": new.identity,
        "formats": json.dumps(new.formats),
        "formats_done": "[]",
        "state": DocumentState.WAITING,
        "target": new.target,
        "error": "",
        "hint": "",
        "began": "",
        "ended": "",
        **_figures_row(Figures()),
    }


def _figures_row(figures: Figures) -> dict[str, Any]:
    return {
        "words": figures.words,
        "seconds": figures.seconds,
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.completion_tokens,
        "repetition": figures.repetition,
    }


def _entry(row: Row[Any]) -> Entry:
    figures = Figures(row.words, row.seconds, row.prompt_tokens, row.completion_tokens, row.repetition)
    return Entry(
        name=row.name,
        identity=row.identity,
        formats=tuple(json.loads(row.formats)),
        formats_done=tuple(json.loads(row.formats_done)),
        state=DocumentState(row.state),
        target=row.target,
        figures=figures,
        error=row.error,
        hint=row.hint,
        began=row.began,
        ended=row.ended,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
