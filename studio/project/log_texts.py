# SPDX-License-Identifier: Apache-2.0
"""The texts of the run log: prompts, settings, answers, in compressed pieces that are stored once.

Prompts of one chapter differ in a few lines only. A text is cut behind lines, where the line's own content says so
(content-defined chunking: Muthitacharoen, Chen and Mazières, "A low-bandwidth network file system", SOSP 2001), so
that two texts have the same pieces wherever they are the same. What a table keeps of a text is the first eight bytes
of its SHA-256 and the ids of its pieces.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import zlib
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, insert, select

from studio.project import id_lists, schema
from studio.project.connection import driver_of
from studio.project.errors import ProjectDamaged

PIECE_CHARACTERS = 1024
"""How long a piece is on average, whatever the length of the lines."""

_DIGEST_BYTES = 8
# A prompt is kept as JSON, where the line breaks inside of its messages are escaped.
_LINE = re.compile(r".*?(?:\\n|\n)|.+\Z", re.DOTALL)
# The largest level that still keeps up with any model's output.
_COMPRESSION = 6
_pieces = schema.log_text


def store(connection: Connection, text: str) -> bytes:
    """Return what a table keeps of a text; its pieces are added unless they are there."""
    text = schema.storable(text)
    ids = [_store_piece(connection, piece.encode()) for piece in pieces(text)]
    return named(text.encode(), ids)


def load(connection: Connection, kept: bytes) -> str:
    """Return a text of the log. Raises ``ProjectDamaged`` if it was altered or is gone."""
    return read(driver_of(connection), kept)


def read(connection: sqlite3.Connection, kept: bytes) -> str:
    """Return a text of the log over SQLite's own connection. Raises as ``load`` does."""
    found = "SELECT body FROM log_text WHERE id = ?"
    try:
        rows = [connection.execute(found, (each,)).fetchone() for each in id_lists.unpack(kept[_DIGEST_BYTES:])]
        content = b"".join(zlib.decompress(body) for (body,) in rows)
    except (ValueError, TypeError, zlib.error) as error:
        raise ProjectDamaged("A text of the run log is damaged.") from error
    if _digest(content) != kept[:_DIGEST_BYTES]:
        raise ProjectDamaged("A text of the run log is damaged.")
    return content.decode()


def pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces that together are the text; an empty one has none."""
    start = 0
    for line in _LINE.finditer(text):
        # A line ends a piece with a probability in proportion to its length.
        if zlib.crc32(line[0].encode()) % PIECE_CHARACTERS < len(line[0]):
            yield text[start : line.end()]
            start = line.end()
    if start < len(text):
        yield text[start:]


def named(content: bytes, ids: Sequence[int]) -> bytes:
    """Return what a table keeps of a text (UTF-8) with these pieces."""
    return _digest(content) + id_lists.pack(ids)


def _store_piece(connection: Connection, content: bytes) -> int:
    digest = hashlib.sha256(content).digest()
    known = connection.execute(select(_pieces.c.id).where(_pieces.c.sha256 == digest)).scalar_one_or_none()
    if known is not None:
        return known
    row = insert(_pieces).values(sha256=digest, body=zlib.compress(content, _COMPRESSION))
    return connection.execute(row).inserted_primary_key[0]  # type: ignore[index]


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_DIGEST_BYTES]
