# SPDX-License-Identifier: Apache-2.0
"""The tables of a project file, version 1.

Order never comes from a clock: sections have positions, revisions and runs have ids that only grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
)
from sqlalchemy.schema import DDL

if TYPE_CHECKING:
    from sqlalchemy import Dialect

VERSION = 1
"""The version that this program writes (``PRAGMA user_version``)."""

APPLICATION_ID = 0x4C4F4E47
"""``PRAGMA application_id`` of a project file: "LONG"."""


def storable(text: str) -> str:
    """Return the text as a project can hold it: any Unicode, NUL too; a lone surrogate becomes U+FFFD.

    Two surrogates that belong together (a slip of UTF-16 interfaces) become their character.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class UnicodeText(TypeDecorator[str]):
    """Text that is always valid Unicode in the file, whatever was handed in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Replace what UTF-8 cannot say."""
        return None if value is None else storable(value)


metadata = MetaData()

project = Table(
    "project",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("title", UnicodeText, nullable=False),
    Column("brief", UnicodeText, nullable=False),
    Column("words", Integer, nullable=False),
    Column("kind", UnicodeText, nullable=False),
    Column("language", UnicodeText, nullable=False),
    Column("style", UnicodeText, nullable=False),
    Column("notes", UnicodeText, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("model", UnicodeText, nullable=False),
    Column("created", String, nullable=False),
)

section = Table(
    "section",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", Integer, ForeignKey("section.id")),
    Column("position", Integer, nullable=False),
    Column("title", UnicodeText, nullable=False),
    Column("points", JSON, nullable=False),
    Column("target", Integer, CheckConstraint("target >= 0"), nullable=False),
    Column("status", String, nullable=False),
    Column("locked", Boolean, nullable=False),
    # The section whose deletion took this one along; NULL while it is in the plan.
    Column("deleted_with", Integer, ForeignKey("section.id")),
    Index("section_parent", "parent"),
    Index("section_deleted_with", "deleted_with"),
    sqlite_autoincrement=True,
)

block = Table(
    "block",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("words", Integer, nullable=False),
)

log_text = Table(
    "log_text",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    # UTF-8 under zlib: prompts are long and much alike inside.
    Column("body", LargeBinary, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("section", Integer, ForeignKey("section.id")),
    Column("task", UnicodeText, nullable=False),
    Column("model", UnicodeText, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("settings", UnicodeText, nullable=False),
    Column("prompt", Integer, ForeignKey("log_text.id"), nullable=False),
    Column("prompt_version", Integer, nullable=False),
    Column("started", String, nullable=False),
    # NULL until the call is finished.
    Column("reason", UnicodeText),
    Column("answer", Integer, ForeignKey("log_text.id")),
    Column("kept", Integer, ForeignKey("log_text.id")),
    Column("prompt_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("seconds", Float),
    Index("run_section", "section"),
    sqlite_autoincrement=True,
)

taken_back = Table(
    "taken_back",
    metadata,
    Column("run", Integer, ForeignKey("run.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("text", Integer, ForeignKey("log_text.id"), nullable=False),
    sqlite_with_rowid=False,
)

revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("section", Integer, ForeignKey("section.id"), nullable=False),
    Column("origin", String, nullable=False),
    Column("words", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created", String, nullable=False),
    Column("run", Integer, ForeignKey("run.id")),
    Index("revision_section", "section"),
    sqlite_autoincrement=True,
)

revision_block = Table(
    "revision_block",
    metadata,
    Column("revision", Integer, ForeignKey("revision.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("block", Integer, ForeignKey("block.id"), nullable=False),
    sqlite_with_rowid=False,
)

# What a section says now. ``words`` and ``sha256`` are of the settled text and the tail together.
section_text = Table(
    "section_text",
    metadata,
    Column("section", Integer, ForeignKey("section.id"), primary_key=True),
    Column("revision", Integer, ForeignKey("revision.id")),
    Column("words", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("tail", UnicodeText, nullable=False),
)

summary = Table(
    "summary",
    metadata,
    Column("section", Integer, ForeignKey("section.id"), primary_key=True),
    Column("text", UnicodeText, nullable=False),
    Column("source", String, nullable=False),
)


def _keep_immutable(table: Table) -> None:
    """Let the file itself refuse to change or drop what a revision consists of."""
    for action in ("UPDATE", "DELETE"):
        statement = (
            f"CREATE TRIGGER {table.name}_no_{action.lower()} BEFORE {action} ON {table.name} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} rows are never changed'); END"
        )
        event.listen(table, "after_create", DDL(statement))


for _table in (block, revision, revision_block, log_text):
    _keep_immutable(_table)
