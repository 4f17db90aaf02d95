# SPDX-License-Identifier: Apache-2.0
"""The texts of many sections at once: read, stored, and brought back, each in a few statements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from studio.project import id_lists, plan, schema, texts
from studio.project.connection import driver_of
from studio.project.errors import ProjectDamaged
from studio.project.records import Origin

_LEAVES = (
    "SELECT t.section, t.revision, t.tail, s.locked, r.blocks FROM section_text t JOIN section s ON s.id = t.section "
    "LEFT JOIN revision r ON r.id = t.revision WHERE s.deleted_with IS NULL AND t.sha256 <> ?"
)
_ADD = (
    "INSERT INTO revision (id, section, origin, words, sha256, created, run, blocks) VALUES (?, ?, ?, ?, ?, ?, NULL, ?)"
)
_SET = "UPDATE section_text SET revision = ?, words = ?, sha256 = ?, tail = '' WHERE section = ?"
_ADD_AGAIN = (
    "INSERT INTO revision (id, section, origin, words, sha256, created, run, blocks) "
    "SELECT ?, section, ?, words, sha256, ?, NULL, blocks FROM revision WHERE id = ?"
)
_SET_AGAIN = (
    "UPDATE section_text SET revision = new.id, words = new.words, sha256 = new.sha256, tail = '' "
    "FROM revision AS new WHERE new.id = ? AND section_text.section = new.section"
)


@dataclass(frozen=True, slots=True)
class LeafText:
    """What a leaf says: the blocks of its revision (0 without one), and the tail behind them."""

    section: int
    revision: int
    locked: bool
    blocks: Sequence[int]
    tail: str


def leaf_texts(connection: Connection) -> list[LeafText]:
    """Return the leaves that say anything, in reading order. Raises ``ProjectDamaged``."""
    rows = {row[0]: row for row in driver_of(connection).execute(_LEAVES, (plan.EMPTY_SHA256,))}
    found = (rows[each] for each in plan.reading_order(connection) if each in rows)
    return [
        LeafText(section, revision or 0, bool(locked), _list(blocks, revision), tail)
        for section, revision, tail, locked, blocks in found
    ]


def whole_texts(connection: Connection, leaves: Iterable[LeafText]) -> list[tuple[LeafText, str]]:
    """Return the leaves with what they say, body and tail. Raises ``ProjectDamaged``."""
    leaves = list(leaves)
    bodies = texts.bodies_of_lists(connection, {leaf.section: leaf.blocks for leaf in leaves})
    return [(leaf, bodies[leaf.section] + leaf.tail) for leaf in leaves]


def store(connection: Connection, bodies: Mapping[int, str], origin: Origin) -> None:
    """Let leaves say these settled texts, each a new revision; what their tails held is in the bodies or goes."""
    first, created = texts.next_revision(connection), _now()
    bodies = {section: schema.storable(body) for section, body in bodies.items()}
    paragraphs = {section: body.split(texts.BREAK) for section, body in bodies.items()}
    brought: dict[str, int] = {}
    for number, section in enumerate(bodies, start=first):
        brought |= {each: number for each in paragraphs[section] if each not in brought}
    blocks = texts.store_blocks(connection, brought)
    added: list[tuple[object, ...]] = []
    for number, (section, body) in enumerate(bodies.items(), start=first):
        parts = [blocks[each] for each in paragraphs[section]]
        packed = id_lists.pack([each.id for each in parts])
        digest = hashlib.sha256(body.encode()).digest()
        added.append((number, section, origin.value, sum(each.words for each in parts), digest, created, packed))
    driver = driver_of(connection)
    driver.executemany(_ADD, added)
    driver.executemany(_SET, [(number, words, digest, section) for number, section, _, words, digest, _, _ in added])


def bring_back(connection: Connection, revisions: Mapping[int, int]) -> set[int]:
    """Let leaves that have no tail say what older revisions of them say: new revisions with the same blocks.

    Returns the leaves whose text that changes. Raises ``ProjectDamaged`` if one of these revisions was altered.
    """
    rows = _rows(connection, list(revisions.values()))
    now = dict(driver_of(connection).execute("SELECT section, sha256 FROM section_text"))
    changed = {section: old for section, old in revisions.items() if rows[old][0] != now[section]}
    _require_sound(connection, {old: rows[old] for old in changed.values()})
    first, created = texts.next_revision(connection), _now()
    numbered = list(enumerate(changed.values(), start=first))
    driver = driver_of(connection)
    driver.executemany(_ADD_AGAIN, [(number, Origin.RESTORED.value, created, old) for number, old in numbered])
    driver.executemany(_SET_AGAIN, [(number,) for number, _ in numbered])
    return set(changed)


def _rows(connection: Connection, revisions: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
    """Return the hash of each revision's text, and its list of blocks."""
    rows: dict[int, tuple[bytes, bytes]] = {}
    for part in texts.parts(revisions):
        found = f"SELECT id, sha256, blocks FROM revision WHERE id IN ({texts.marks(part)})"
        rows |= {id_: (digest, blocks) for id_, digest, blocks in driver_of(connection).execute(found, part)}
    return rows


def _require_sound(connection: Connection, rows: Mapping[int, tuple[bytes, bytes]]) -> None:
    lists = {id_: _list(blocks, id_) for id_, (_, blocks) in rows.items()}
    for id_, body in texts.bodies_of_lists(connection, lists).items():
        if hashlib.sha256(body.encode()).digest() != rows[id_][0]:
            raise ProjectDamaged(f"The text of revision {id_} is damaged.")


def _list(blocks: bytes | None, revision: int) -> Sequence[int]:
    return texts.block_ids(blocks, f"The text of revision {revision}") if blocks is not None else ()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
