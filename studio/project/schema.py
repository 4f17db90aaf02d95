# SPDX-License-Identifier: Apache-2.0
"""The tables of a project file; what a project remembers is in ``memory_schema``.

Order never comes from a clock: sections have positions, revisions and runs have ids that only grow.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    text,
)
from sqlalchemy.schema import DDL

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect

VERSION = 8
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
    # The newest block that the index of words has: see ``studio.project.word_index``.
    Column("indexed", Integer, server_default=text("0"), nullable=False),
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
    # The revision that brought it, the first one that has it.
    Column("revision", Integer, nullable=False),
)

# Pieces of what models were asked and answered; a text of the log is a list of them.
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
    # Texts of the log: see ``studio.project.log_texts``.
    Column("settings", LargeBinary, nullable=False),
    Column("prompt", LargeBinary, nullable=False),
    Column("context", LargeBinary),
    Column("prompt_version", Integer, nullable=False),
    Column("started", String, nullable=False),
    # NULL until the call is finished.
    Column("reason", UnicodeText),
    Column("answer", LargeBinary),
    Column("kept", LargeBinary),
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
    Column("text", LargeBinary, nullable=False),
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
    # The ids of its blocks: see ``studio.project.id_lists``.
    Column("blocks", LargeBinary, nullable=False),
    Index("revision_section", "section"),
    sqlite_autoincrement=True,
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
    Column("id", Integer, primary_key=True),
    # NULL: the whole document.
    Column("section", Integer, ForeignKey("section.id")),
    Column("text", UnicodeText, nullable=False),
    Column("source", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("locked", Boolean, nullable=False),
    Index("summary_section", text("coalesce(section, 0)"), unique=True),
    sqlite_autoincrement=True,
)

# What the brief demands: see ``studio.project.requirements``.
requirement = Table(
    "requirement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", UnicodeText, nullable=False),
    # The words of the brief that it was read from.
    Column("source", UnicodeText, nullable=False),
    Column("scope", String, nullable=False),
    Column("origin", String, nullable=False),
    # Why it cannot be met as it stands, empty where it can.
    Column("problem", UnicodeText, nullable=False),
    sqlite_autoincrement=True,
)

# The leaves that are to meet a requirement, and whether the text with this SHA-256 does; NULL: not looked at.
requirement_place = Table(
    "requirement_place",
    metadata,
    Column("requirement", Integer, ForeignKey("requirement.id"), primary_key=True),
    Column("section", Integer, ForeignKey("section.id"), primary_key=True),
    Column("met", Boolean),
    Column("checked", String, nullable=False),
    Index("requirement_place_section", "section"),
    sqlite_with_rowid=False,
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", UnicodeText, nullable=False),
    Column("kind", String, nullable=False),
    Column("created", String, nullable=False),
    # The section it is of, NULL for one of the whole project.
    Column("section", Integer, ForeignKey("section.id")),
    # The newest revision of the project when it was made.
    Column("newest", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# What the plan and the texts were: for a snapshot of one section that one only.
snapshot_section = Table(
    "snapshot_section",
    metadata,
    Column("snapshot", Integer, ForeignKey("snapshot.id"), primary_key=True),
    Column("section", Integer, ForeignKey("section.id"), primary_key=True),
    Column("parent", Integer, ForeignKey("section.id")),
    Column("position", Integer, nullable=False),
    Column("title", UnicodeText, nullable=False),
    Column("points", JSON, nullable=False),
    Column("target", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("revision", Integer, ForeignKey("revision.id")),
    Column("tail", UnicodeText, nullable=False),
    Index("snapshot_section_revision", "revision"),
    sqlite_with_rowid=False,
)

# The words that the index of words has, or once had: it would count its entries to name them.
word = Table("word", metadata, Column("term", Text, primary_key=True), sqlite_with_rowid=False)

# What may not be written, an entry as authors write it in a ban list.
ban = Table("ban", metadata, Column("entry", Text, primary_key=True), sqlite_with_rowid=False)

SEARCH_TABLE = "block_index"
"""The full-text index of the blocks; its own tables have names that begin so."""

# Which blocks have which words, nothing more: the texts stay in ``block``, and the exact look-up is in Python. Triggers
# cannot keep it, because ``trusted_schema`` is off: ``studio.project.word_index`` does.
_SEARCH = (
    f"CREATE VIRTUAL TABLE {SEARCH_TABLE} USING fts5("
    "body, content='block', content_rowid='id', detail='none', columnsize=0, tokenize='unicode61 remove_diacritics 0')"
)
_SEARCH_WORDS = f"CREATE VIRTUAL TABLE {SEARCH_TABLE}_words USING fts5vocab('{SEARCH_TABLE}', 'row')"

_REFUSE = "BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
_NO_UPDATE = "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} " + _REFUSE
_NO_DELETE = "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} " + _REFUSE
# Only the state between two keys may go: a typed revision that is not in use, with the blocks that it alone brought.
_ONLY_TYPED = (
    "CREATE TRIGGER revision_no_delete BEFORE DELETE ON revision WHEN OLD.origin <> 'typed' "
    "OR OLD.id <> (SELECT max(id) FROM revision) " + _REFUSE
)
_ONLY_WITHOUT_REVISION = (
    "CREATE TRIGGER block_no_delete BEFORE DELETE ON block "
    "WHEN EXISTS (SELECT 1 FROM revision WHERE id = OLD.revision) " + _REFUSE
)
_TRIGGERS = (
    _NO_UPDATE.format(table="block"),
    _NO_UPDATE.format(table="revision"),
    _NO_UPDATE.format(table="log_text"),
    _NO_UPDATE.format(table="snapshot_section"),
    _NO_DELETE.format(table="log_text"),
    _NO_DELETE.format(table="snapshot_section"),
    _ONLY_TYPED.format(table="revision"),
    _ONLY_WITHOUT_REVISION.format(table="block"),
)

STATEMENTS = (_SEARCH, _SEARCH_WORDS, *_TRIGGERS)
"""What a new file has besides the tables: the index, and the refusal to change or drop what a revision consists of."""


def add_after_tables(statements: Sequence[str]) -> None:
    """Have statements carried out in a new file when its tables are made."""

    def add(target: MetaData, connection: Connection, **_: Any) -> None:
        for statement in statements:
            connection.execute(DDL(statement))

    event.listen(metadata, "after_create", add)


add_after_tables(STATEMENTS)
