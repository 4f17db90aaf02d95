# SPDX-License-Identifier: Apache-2.0
"""The texts of a project: revisions made of paragraph blocks, and the unsettled tail behind them.

A body is split at each blank line and every block is stored once under its SHA-256, so that a revision costs no more
than the paragraphs that changed. Splitting and joining is loss-free for any text; NUL, "\\r" and leading or trailing
newlines come back as they went in. Only a lone surrogate, which is no Unicode text, is stored as U+FFFD.

While the author types, a text is stored every second. Such a revision takes the place of the one before it, where
that one was typed too, follows within ``THINNING_SECONDS`` on the one before it, and is contained in the new one: the
same paragraphs, and inside of the one that changed at most ``SLIP_CHARACTERS`` are gone. So every paragraph break,
every deletion and every minute stays in the history, and a novel does not get a copy of a paragraph for every word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy import text as text_clause

from backends.text.counting import count_words
from studio.project import id_lists, plan, schema, word_index
from studio.project.connection import driver_of
from studio.project.errors import ProjectDamaged, ProjectError, StaleRevision
from studio.project.records import Origin, Revision, SectionText
from studio.project.word_diff import differences, partly, word_diff

THINNING_SECONDS = 60.0
"""How far apart the typed revisions of one stretch of typing are kept."""

SLIP_CHARACTERS = 16
"""How much of a typed text may be gone for good when the next one follows within the same stretch of typing."""

BREAK = "\n\n"
"""What separates two paragraphs of a body."""

# Well below the number of variables that any SQLite allows in a statement.
_AT_ONCE = 500
_Key = TypeVar("_Key")

_revision = schema.revision
_block = schema.block
_text = schema.section_text
_snapshot = schema.snapshot
# A section without a revision has no text but a tail.
_TEXTS = (
    "SELECT s.id, t.sha256, t.tail, t.revision, r.sha256, r.blocks FROM section s "
    "LEFT JOIN section_text t ON t.section = s.id LEFT JOIN revision r ON r.id = t.revision "
    "WHERE s.deleted_with IS NULL AND s.id IN"
)


def text(connection: Connection, section_id: int) -> SectionText:
    """Return the text of a section; that of a parent is empty. Raises ``UnknownSection``, ``ProjectDamaged``."""
    return section_texts(connection, [section_id])[0]


def section_texts(connection: Connection, section_ids: Sequence[int]) -> tuple[SectionText, ...]:
    """Return the texts of these sections in this order, read in a few statements. Raises as ``text`` does."""
    rows: dict[int, Any] = {}
    for part in parts(section_ids):
        rows |= {row[0]: row for row in driver_of(connection).execute(f"{_TEXTS} ({marks(part)})", part)}
    for each in section_ids:
        if each not in rows:
            raise plan.unknown(each)
        if rows[each][1] is None:
            raise ProjectDamaged(f"The text of section {each} is lost.")
    found = bodies_of_lists(connection, {each: _block_list(row) for each, row in rows.items()})
    return tuple(_section_text(rows[each], found[each]) for each in section_ids)


def store_text(
    connection: Connection,
    section_id: int,
    body: str,
    *,
    expected: int,
    origin: Origin,
    run: int | None = None,
    tail: str = "",
) -> Revision:
    """Store a settled body with the tail behind it; a new revision unless the body is the newest one's.

    Raises ``UnknownSection``, ``StaleRevision`` unless ``expected`` is the newest one, ``ProjectError`` for a parent.
    """
    _require_expected(connection, section_id, expected)
    body = schema.storable(body)
    newest = _require_revision(connection, expected) if expected else None
    if newest is None or newest.sha256 != _sha256(body):
        if newest is not None and origin is Origin.TYPED:
            _drop_if_contained(connection, newest, body)
        newest = _add_revision(connection, section_id, body, origin, run)
    _set_state(connection, section_id, newest, body, tail)
    return _record(newest)


def store_tail(connection: Connection, section_id: int, tail: str, *, expected: int) -> None:
    """Replace the unsettled text behind the newest revision. Raises as ``store_text`` does."""
    _require_expected(connection, section_id, expected)
    newest = _require_revision(connection, expected) if expected else None
    body = revision_body(connection, expected) if tail and expected else ""
    _set_state(connection, section_id, newest, body, tail)


def revisions(connection: Connection, section_id: int) -> tuple[Revision, ...]:
    """Return the revisions of a section, deleted or not, oldest first."""
    found = select(_revision).where(_revision.c.section == section_id).order_by(_revision.c.id)
    return tuple(_record(row) for row in connection.execute(found))


def brought_by(connection: Connection, section_id: int, passage: str) -> Revision | None:
    """Return the revision that brought a passage which a section has now, None if it has not (or in its tail only).

    Where it came back from an older revision, the one that brought it first is meant.
    """
    brought: Revision | None = None
    for revision in reversed(revisions(connection, section_id)):
        if passage in revision_body(connection, revision.id):
            brought = revision
        elif brought is None or brought.origin is not Origin.RESTORED:
            break
    return brought


def revision_body(connection: Connection, revision_id: int) -> str:
    """Return the body of a revision. Raises ``ProjectError`` if there is none, ``ProjectDamaged`` if it was altered."""
    row = _require_revision(connection, revision_id)
    ids = block_ids(row.blocks, f"The text of revision {revision_id} (section {row.section})")
    body = BREAK.join(bodies(connection, ids))
    if _sha256(body) != row.sha256:
        raise ProjectDamaged(f"The text of revision {revision_id} (section {row.section}) is damaged.")
    return body


def restore(connection: Connection, section_id: int, revision_id: int, expected: int) -> Revision:
    """Make an older revision the newest one; what a tail held becomes a revision before that.

    Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` for a revision of another section.
    """
    _require_expected(connection, section_id, expected)
    if _require_revision(connection, revision_id).section != section_id:
        raise ProjectError(f"Revision {revision_id} belongs to another section.")
    expected = settle_tail(connection, text(connection, section_id))
    body = revision_body(connection, revision_id)
    return store_text(connection, section_id, body, expected=expected, origin=Origin.RESTORED)


def restore_parts(
    connection: Connection, section_id: int, then: str, parts: Collection[int], expected: int
) -> Revision:
    """Bring parts of an older text of a section back: the differences between now and then with these numbers.

    What a tail held becomes a revision before that. Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` for
    a number that no difference has.
    """
    _require_expected(connection, section_id, expected)
    now = text(connection, section_id)
    whole = now.body + now.tail
    found = differences(word_diff(whole, schema.storable(then)))
    if unknown := set(parts) - {each.number for each in found}:
        raise ProjectError(f"There is no difference {min(unknown)} between the two texts: they have {len(found)}.")
    expected = settle_tail(connection, now)
    restored = partly(whole, [each for each in found if each.number in parts])
    return store_text(connection, section_id, restored, expected=expected, origin=Origin.RESTORED)


def settle_tail(connection: Connection, now: SectionText) -> int:
    """Make a revision of what a tail holds before something else takes its place, and return the newest one's id."""
    if not now.tail:
        return now.revision
    whole = now.body + now.tail
    return store_text(connection, now.section, whole, expected=now.revision, origin=Origin.GENERATED).id


def current_sha256(connection: Connection, leaf: int) -> str:
    """Return the SHA-256 (hexadecimal) of what a leaf says now, body and tail."""
    return _row(connection, leaf).sha256.hex()


def leaf_sha256(connection: Connection) -> dict[int, str]:
    """Return the SHA-256 (hexadecimal) of what each leaf says now."""
    return {row.section: row.sha256.hex() for row in connection.execute(select(_text.c.section, _text.c.sha256))}


def _block_list(row: Sequence[Any]) -> Sequence[int]:
    section_id, _, _, revision, _, blocks = row
    if revision is None:
        return ()
    if blocks is None:
        raise ProjectDamaged(f"Revision {revision} of section {section_id} is lost.")
    return block_ids(blocks, f"The text of revision {revision} (section {section_id})")


def _section_text(row: Sequence[Any], body: str) -> SectionText:
    section_id, digest, tail, revision, body_digest, _ = row
    if revision is not None and _sha256(body) != body_digest:
        raise ProjectDamaged(f"The text of revision {revision} (section {section_id}) is damaged.")
    if _sha256(body + tail) != digest:
        raise ProjectDamaged(f"The text of section {section_id} is damaged.")
    return SectionText(section=section_id, revision=revision or 0, body=body, tail=tail)


def _row(connection: Connection, section_id: int) -> Row[Any]:
    row = connection.execute(select(_text).where(_text.c.section == section_id)).one_or_none()
    if row is None:
        raise ProjectDamaged(f"The text of section {section_id} is lost.")
    return row


def _require_expected(connection: Connection, section_id: int, expected: int) -> None:
    plan.require_leaf(connection, section_id)
    newest = _row(connection, section_id).revision or 0
    if newest != expected:
        raise StaleRevision(
            f"Section {section_id} is at revision {newest}, not at {expected}: its text was changed meanwhile."
        )


def _require_revision(connection: Connection, revision_id: int) -> Row[Any]:
    row = connection.execute(select(_revision).where(_revision.c.id == revision_id)).one_or_none()
    if row is None:
        raise ProjectError(f"There is no revision {revision_id}.")
    return row


def block_ids(packed: bytes, what: str) -> list[int]:
    """Return the blocks of a revision in order. Raises ``ProjectDamaged``, which says what is damaged."""
    try:
        return id_lists.unpack(packed)
    except ValueError as error:
        raise ProjectDamaged(f"{what} is damaged.") from error


def bodies(connection: Connection, ids: Sequence[int]) -> list[str]:
    """Return the texts of these blocks in order. Raises ``ProjectDamaged`` if one is lost."""
    found = _bodies_by_id(connection, ids)
    if lost := [each for each in ids if each not in found]:
        raise ProjectDamaged(f"Paragraph {lost[0]} is lost.")
    return [found[each] for each in ids]


def bodies_of_lists(connection: Connection, lists: Mapping[int, Sequence[int]]) -> dict[int, str]:
    """Return the bodies that lists of blocks make up, by their keys. Raises ``ProjectDamaged`` if a block is lost."""
    found = _bodies_by_id(connection, (each for ids in lists.values() for each in ids))
    try:
        return {key: BREAK.join([found[each] for each in ids]) for key, ids in lists.items()}
    except KeyError as lost:
        raise ProjectDamaged(f"Paragraph {lost} is lost.") from lost


def _bodies_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    # In their order on the disk.
    for part in parts(sorted(set(ids))):
        wanted = f"SELECT id, body FROM block WHERE id IN ({marks(part)})"
        found.update(driver_of(connection).execute(wanted, part))
    return found


def _add_revision(connection: Connection, section_id: int, body: str, origin: Origin, run: int | None) -> Row[Any]:
    revision_id = next_revision(connection)
    blocks = store_blocks(connection, dict.fromkeys(body.split(BREAK), revision_id))
    paragraphs = [blocks[each] for each in body.split(BREAK)]
    connection.execute(
        insert(_revision).values(
            id=revision_id,
            section=section_id,
            origin=origin.value,
            words=sum(each.words for each in paragraphs),
            sha256=_sha256(body),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            run=run,
            blocks=id_lists.pack([each.id for each in paragraphs]),
        )
    )
    return _require_revision(connection, revision_id)


def next_revision(connection: Connection) -> int:
    """Return the id that the next revision has: larger than any before, also than those that are gone."""
    last = connection.execute(text_clause("SELECT max(seq) FROM sqlite_sequence WHERE name = 'revision'")).scalar()
    return (last or 0) + 1


def _drop_if_contained(connection: Connection, newest: Row[Any], body: str) -> None:
    """Drop the newest revision where the typed body that follows it makes it superfluous."""
    before = _predecessor(connection, newest)
    if before is None or not _may_go(connection, newest, before):
        return
    ids = block_ids(newest.blocks, f"The text of revision {newest.id}")
    old, new = bodies(connection, ids), body.split(BREAK)
    changed = [i for i, (one, other) in enumerate(zip(old, new, strict=False)) if one != other]
    if len(old) != len(new) or len(changed) != 1 or not contains(new[changed[0]], old[changed[0]]):
        return
    connection.execute(update(_text).where(_text.c.section == newest.section).values(revision=None))
    connection.execute(delete(_revision).where(_revision.c.id == newest.id))
    if ids.count(ids[changed[0]]) == 1:
        _drop_block(connection, ids[changed[0]], brought_after=before.id)


def _drop_block(connection: Connection, block_id: int, *, brought_after: int) -> None:
    """Drop a block that only revisions had that are dropped themselves, the last of them just now."""
    brought_by = select(_revision.c.id).where(_revision.c.id == _block.c.revision)
    own = (_block.c.revision > brought_after, ~brought_by.exists())
    if connection.execute(select(_block.c.id).where(_block.c.id == block_id, *own)).one_or_none() is not None:
        word_index.forget(connection, block_id)
        connection.execute(delete(_block).where(_block.c.id == block_id))


def _predecessor(connection: Connection, newest: Row[Any]) -> Row[Any] | None:
    earlier = select(_revision).where(_revision.c.section == newest.section, _revision.c.id < newest.id)
    return connection.execute(earlier.order_by(_revision.c.id.desc()).limit(1)).one_or_none()


def _may_go(connection: Connection, newest: Row[Any], before: Row[Any]) -> bool:
    """Say whether nothing but the section itself knows of a revision, and it is young.

    A clock that was set back makes no revision young.
    """
    if newest.origin != Origin.TYPED or newest.id != connection.execute(select(func.max(_revision.c.id))).scalar():
        return False
    known = select(_snapshot.c.id).where(_snapshot.c.newest >= newest.id).limit(1)
    if connection.execute(known).one_or_none() is not None:
        return False
    try:
        age = (datetime.now(UTC) - datetime.fromisoformat(before.created)).total_seconds()
    except (ValueError, TypeError):
        return False
    return 0 <= age < THINNING_SECONDS


def contains(new: str, old: str) -> bool:
    """Say whether a typed paragraph holds the one before it, but for a slip that was put right."""
    start = _shared(new, old)
    end = _shared(new[start:][::-1], old[start:][::-1])
    return len(old) - start - end <= SLIP_CHARACTERS


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    differing = (i for i, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(differing, min(len(one), len(other)))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph that is in the file."""

    id: int
    words: int


def store_blocks(connection: Connection, bodies: Mapping[str, int]) -> dict[str, Block]:
    """Return the blocks with these bodies; what is not in the file yet is added, brought by the revision that is given.

    The bodies are those of paragraphs of valid Unicode.
    """
    hashes = {_sha256(body): body for body in bodies}
    blocks = _known_blocks(connection, hashes)
    new = {digest: body for digest, body in hashes.items() if body not in blocks}
    if new:
        rows = [(digest, body, count_words(body), bodies[body]) for digest, body in new.items()]
        add = "INSERT INTO block (sha256, body, words, revision) VALUES (?, ?, ?, ?)"
        driver_of(connection).executemany(add, rows)
        blocks |= _known_blocks(connection, new)
        word_index.catch_up(connection)
    return blocks


def _known_blocks(connection: Connection, hashes: Mapping[bytes, str]) -> dict[str, Block]:
    known: dict[str, Block] = {}
    for part in parts(list(hashes)):
        found = f"SELECT sha256, id, words FROM block WHERE sha256 IN ({marks(part)})"
        rows = driver_of(connection).execute(found, part)
        known.update((hashes[digest], Block(id_, words)) for digest, id_, words in rows)
    return known


def parts(keys: Sequence[_Key]) -> Iterable[Sequence[_Key]]:
    """Return keys in parts that a statement can have as variables."""
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))


def marks(keys: Sequence[object]) -> str:
    """Return the marks of so many variables of a statement."""
    return ", ".join("?" * len(keys))


def _set_state(connection: Connection, section_id: int, newest: Row[Any] | None, body: str, tail: str) -> None:
    """Set what a section says now; ``body``, that of the newest revision, is looked at only if there is a tail."""
    values: dict[str, Any] = {"revision": newest and newest.id, "tail": tail}
    if newest is not None and not tail:
        values |= {"words": newest.words, "sha256": newest.sha256}
    else:
        # The tail may go on inside the last paragraph, even inside its last word.
        last, tail = body.rpartition(BREAK)[2], schema.storable(tail)
        settled = newest.words - count_words(last) if newest is not None else 0
        values |= {"words": settled + count_words(last + tail), "sha256": _sha256(body + tail)}
    connection.execute(update(_text).where(_text.c.section == section_id).values(**values))


def _record(row: Row[Any]) -> Revision:
    return Revision(
        id=row.id,
        section=row.section,
        origin=Origin(row.origin),
        words=row.words,
        created=row.created,
        run=row.run,
    )


def _sha256(body: str) -> bytes:
    return hashlib.sha256(body.encode()).digest()
