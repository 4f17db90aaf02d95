# SPDX-License-Identifier: Apache-2.0
"""The texts of a project: revisions made of paragraph blocks, and the unsettled tail behind them.

A body is split at each blank line and every block is stored once under its SHA-256, so that a revision costs no more
than the paragraphs that changed. Splitting and joining is loss-free for any text; NUL, "\\r" and leading or trailing
newlines come back as they went in. Only a lone surrogate, which is no Unicode text, is stored as U+FFFD.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from backends.text.counting import count_words
from studio.project import plan, schema
from studio.project.errors import ProjectDamaged, ProjectError, StaleRevision
from studio.project.records import Origin, Revision, SectionText

_BREAK = "\n\n"
# Well below the number of variables that any SQLite allows in a statement.
_AT_ONCE = 500

_revision = schema.revision
_blocks = schema.revision_block
_block = schema.block
_text = schema.section_text


def text(connection: Connection, section_id: int) -> SectionText:
    """Return the text of a section; that of a parent is empty. Raises ``UnknownSection``, ``ProjectDamaged``."""
    plan.require(connection, section_id)
    row = _row(connection, section_id)
    body = revision_body(connection, row.revision) if row.revision else ""
    if _sha256(body + row.tail) != row.sha256:
        raise ProjectDamaged(f"The text of section {section_id} is damaged.")
    return SectionText(section=section_id, revision=row.revision or 0, body=body, tail=row.tail)


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


def revision_body(connection: Connection, revision_id: int) -> str:
    """Return the body of a revision. Raises ``ProjectError`` if there is none, ``ProjectDamaged`` if it was altered."""
    row = _require_revision(connection, revision_id)
    parts = (
        select(_block.c.body)
        .join(_blocks, _blocks.c.block == _block.c.id)
        .where(_blocks.c.revision == revision_id)
        .order_by(_blocks.c.position)
    )
    body = _BREAK.join(connection.execute(parts).scalars())
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
    now = text(connection, section_id)
    if now.tail:
        kept = store_text(connection, section_id, now.body + now.tail, expected=expected, origin=Origin.GENERATED)
        expected = kept.id
    body = revision_body(connection, revision_id)
    return store_text(connection, section_id, body, expected=expected, origin=Origin.RESTORED)


def current_sha256(connection: Connection, section_id: int) -> str:
    """Return the SHA-256 (hexadecimal) of what a section says now: body and tail, for a parent its leaves in order.

    The texts of the leaves of a parent are joined by a blank line; leaves without text are left out.
    """
    below = plan.subtree(connection, section_id)
    if len(below) == 1:
        return _row(connection, section_id).sha256.hex()
    inside = set(below)
    leaves = [each.id for each in plan.sections(connection) if each.leaf and each.id in inside]
    texts = [text(connection, leaf) for leaf in leaves]
    whole = _BREAK.join(each.body + each.tail for each in texts if each.body or each.tail)
    return _sha256(whole).hex()


def leaf_sha256(connection: Connection) -> dict[int, str]:
    """Return the SHA-256 (hexadecimal) of what each leaf says now."""
    return {row.section: row.sha256.hex() for row in connection.execute(select(_text.c.section, _text.c.sha256))}


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


def _add_revision(connection: Connection, section_id: int, body: str, origin: Origin, run: int | None) -> Row[Any]:
    blocks = _store_blocks(connection, body.split(_BREAK))
    created = connection.execute(
        insert(_revision).values(
            section=section_id,
            origin=origin.value,
            words=sum(each.words for each in blocks),
            sha256=_sha256(body),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            run=run,
        )
    )
    revision_id = created.inserted_primary_key[0]  # type: ignore[index]
    rows = [{"revision": revision_id, "position": i, "block": each.id} for i, each in enumerate(blocks)]
    connection.execute(insert(_blocks), rows)
    return _require_revision(connection, revision_id)


def _store_blocks(connection: Connection, bodies: Sequence[str]) -> list[Row[Any]]:
    """Return id and words of the blocks with these bodies, in order; what is not in the file yet is added."""
    hashes = [_sha256(body) for body in bodies]
    known = _known_blocks(connection, hashes)
    new = {digest: body for digest, body in zip(hashes, bodies, strict=True) if digest not in known}
    if new:
        rows = [{"sha256": digest, "body": body, "words": count_words(body)} for digest, body in new.items()]
        connection.execute(insert(_block), rows)
        known |= _known_blocks(connection, list(new))
    return [known[digest] for digest in hashes]


def _known_blocks(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    known: dict[bytes, Row[Any]] = {}
    for part in _parts(list(dict.fromkeys(hashes))):
        found = select(_block.c.sha256, _block.c.id, _block.c.words).where(_block.c.sha256.in_(part))
        known |= {row.sha256: row for row in connection.execute(found)}
    return known


def _parts(hashes: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (hashes[start : start + _AT_ONCE] for start in range(0, len(hashes), _AT_ONCE))


def _set_state(connection: Connection, section_id: int, newest: Row[Any] | None, body: str, tail: str) -> None:
    """Set what a section says now; ``body``, that of the newest revision, is looked at only if there is a tail."""
    values: dict[str, Any] = {"revision": newest and newest.id, "tail": tail}
    if newest is not None and not tail:
        values |= {"words": newest.words, "sha256": newest.sha256}
    else:
        # The tail may go on inside the last paragraph, even inside its last word.
        last, tail = body.rpartition(_BREAK)[2], schema.storable(tail)
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
