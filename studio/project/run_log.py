# SPDX-License-Identifier: Apache-2.0
"""The run log: what each model call saw, what came back, what of it was kept.

Prompts and answers are stored compressed under their SHA-256, so that a context that several calls saw is kept once.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from studio.project import plan, schema
from studio.project.errors import ProjectDamaged, ProjectError
from studio.project.records import CallOutcome, ModelCall, Run

_run = schema.run
_log_text = schema.log_text
_taken_back = schema.taken_back
# The largest level that still keeps up with any model's output.
_COMPRESSION = 6


def start_call(connection: Connection, call: ModelCall) -> int:
    """Log a model call before it starts and return its id. Raises ``UnknownSection``."""
    if call.section is not None:
        plan.require(connection, call.section)
    values = {
        "section": call.section,
        "task": call.task,
        "model": call.model,
        "seed": call.seed,
        "settings": call.settings,
        "prompt": _store(connection, call.prompt),
        "prompt_version": call.prompt_version,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return connection.execute(insert(_run).values(**values)).inserted_primary_key[0]  # type: ignore[index]


def finish_call(connection: Connection, run_id: int, outcome: CallOutcome) -> None:
    """Log what came of a call. Raises ``ProjectError`` for an unknown or finished one."""
    values = {
        "reason": outcome.reason,
        "answer": _store(connection, outcome.answer),
        "kept": _store(connection, outcome.kept),
        "prompt_tokens": outcome.prompt_tokens,
        "cached_tokens": outcome.cached_tokens,
        "completion_tokens": outcome.completion_tokens,
        "seconds": outcome.seconds,
    }
    unfinished = update(_run).where(_run.c.id == run_id, _run.c.reason.is_(None))
    if connection.execute(unfinished.values(**values)).rowcount != 1:
        raise ProjectError(f"There is no unfinished model call {run_id} in the run log.")
    for position, text in enumerate(outcome.taken_back):
        row = {"run": run_id, "position": position, "text": _store(connection, text)}
        connection.execute(insert(_taken_back).values(**row))


def runs(connection: Connection, section_id: int | None = None, *, newest: int | None = None) -> tuple[Run, ...]:
    """Return the calls for a section, or all, oldest first; only the last ``newest`` ones if given."""
    found = select(_run).order_by(_run.c.id.desc()).limit(newest)
    if section_id is not None:
        found = found.where(_run.c.section == section_id)
    rows = connection.execute(found).all()[::-1]
    taken_back = _taken_back_of(connection, section_id)
    texts = _load(connection, _named_texts(rows, taken_back))
    return tuple(_record(row, texts, taken_back[row.id]) for row in rows)


def _named_texts(rows: Iterable[Row[Any]], taken_back: dict[int, list[int]]) -> set[int]:
    named: set[int] = set()
    for row in rows:
        named.update((row.prompt, *taken_back[row.id]))
        if row.reason is not None:
            named.update((row.answer, row.kept))
    return named


def _taken_back_of(connection: Connection, section_id: int | None) -> defaultdict[int, list[int]]:
    found = select(_taken_back).order_by(_taken_back.c.run, _taken_back.c.position)
    if section_id is not None:
        found = found.join(_run, _run.c.id == _taken_back.c.run).where(_run.c.section == section_id)
    texts: defaultdict[int, list[int]] = defaultdict(list)
    for row in connection.execute(found):
        texts[row.run].append(row.text)
    return texts


def _record(row: Row[Any], texts: dict[int, str], taken_back: list[int]) -> Run:
    call = ModelCall(
        task=row.task,
        section=row.section,
        model=row.model,
        seed=row.seed,
        settings=row.settings,
        prompt=texts[row.prompt],
        prompt_version=row.prompt_version,
    )
    return Run(id=row.id, call=call, started=row.started, outcome=_outcome(row, texts, taken_back))


def _outcome(row: Row[Any], texts: dict[int, str], taken_back: list[int]) -> CallOutcome | None:
    if row.reason is None:
        return None
    return CallOutcome(
        reason=row.reason,
        answer=texts[row.answer],
        kept=texts[row.kept],
        taken_back=tuple(texts[each] for each in taken_back),
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        completion_tokens=row.completion_tokens,
        seconds=row.seconds,
    )


def _store(connection: Connection, text: str) -> int:
    """Return the id of the text in the log; it is added unless it is there."""
    content = schema.storable(text).encode()
    digest = hashlib.sha256(content).digest()
    known = connection.execute(select(_log_text.c.id).where(_log_text.c.sha256 == digest)).scalar_one_or_none()
    if known is not None:
        return known
    row = insert(_log_text).values(sha256=digest, body=zlib.compress(content, _COMPRESSION))
    return connection.execute(row).inserted_primary_key[0]  # type: ignore[index]


def _load(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    return {each: _load_one(connection, each) for each in ids}


def _load_one(connection: Connection, text_id: int) -> str:
    """Return a text of the log. Raises ``ProjectDamaged`` if it was altered or is gone."""
    row = connection.execute(select(_log_text).where(_log_text.c.id == text_id)).one_or_none()
    try:
        content = b"" if row is None else zlib.decompress(row.body)
    except zlib.error as error:
        raise ProjectDamaged(f"Text {text_id} of the run log is damaged.") from error
    if row is None or hashlib.sha256(content).digest() != row.sha256:
        raise ProjectDamaged(f"Text {text_id} of the run log is damaged.")
    return content.decode()
