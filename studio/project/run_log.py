# SPDX-License-Identifier: Apache-2.0
"""The run log: what each model call saw, what came back, what of it was kept.

The texts are those of ``studio.project.log_texts``: a context that several calls saw is kept once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from studio.project import log_texts, plan, schema
from studio.project.errors import ProjectError
from studio.project.records import CallOutcome, LogTotals, ModelCall, Run

_run = schema.run
_taken_back = schema.taken_back


def start_call(connection: Connection, call: ModelCall) -> int:
    """Log a model call before it starts and return its id. Raises ``UnknownSection``."""
    if call.section is not None:
        plan.require(connection, call.section)
    values = {
        "section": call.section,
        "task": call.task,
        "model": call.model,
        "seed": call.seed,
        "settings": log_texts.store(connection, call.settings),
        "prompt": log_texts.store(connection, call.prompt),
        "context": log_texts.store(connection, call.context) if call.context else None,
        "prompt_version": call.prompt_version,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return connection.execute(insert(_run).values(**values)).inserted_primary_key[0]  # type: ignore[index]


def finish_call(connection: Connection, run_id: int, outcome: CallOutcome) -> None:
    """Log what came of a call. Raises ``ProjectError`` for an unknown or finished one."""
    values = {
        "reason": outcome.reason,
        "answer": log_texts.store(connection, outcome.answer),
        "kept": log_texts.store(connection, outcome.kept),
        "prompt_tokens": outcome.prompt_tokens,
        "cached_tokens": outcome.cached_tokens,
        "completion_tokens": outcome.completion_tokens,
        "seconds": outcome.seconds,
    }
    unfinished = update(_run).where(_run.c.id == run_id, _run.c.reason.is_(None))
    if connection.execute(unfinished.values(**values)).rowcount != 1:
        raise ProjectError(f"There is no unfinished model call {run_id} in the run log.")
    for position, text in enumerate(outcome.taken_back):
        row = {"run": run_id, "position": position, "text": log_texts.store(connection, text)}
        connection.execute(insert(_taken_back).values(**row))


def set_kept(connection: Connection, run_id: int, kept: str) -> None:
    """Say what of a finished call's answer was kept after all. Raises ``ProjectError`` for an unknown or open one."""
    finished = update(_run).where(_run.c.id == run_id, _run.c.reason.is_not(None))
    if connection.execute(finished.values(kept=log_texts.store(connection, kept))).rowcount != 1:
        raise ProjectError(f"There is no finished model call {run_id} in the run log.")


def runs(connection: Connection, section_id: int | None = None, *, newest: int | None = None) -> tuple[Run, ...]:
    """Return the calls for a section, or all, oldest first; only the last ``newest`` ones if given."""
    found = select(_run).order_by(_run.c.id.desc()).limit(newest)
    if section_id is not None:
        found = found.where(_run.c.section == section_id)
    rows = connection.execute(found).all()[::-1]
    taken_back = _taken_back_since(connection, rows[0].id) if rows else {}
    return tuple(_record(connection, row, taken_back.get(row.id, ())) for row in rows)


def run(connection: Connection, run_id: int) -> Run:
    """Return one call. Raises ``ProjectError`` if there is none."""
    row = connection.execute(select(_run).where(_run.c.id == run_id)).one_or_none()
    if row is None:
        raise ProjectError(f"There is no model call {run_id} in the run log.")
    return _record(connection, row, _taken_back_since(connection, run_id).get(run_id, ()))


def totals(connection: Connection) -> LogTotals:
    """Return the sums over all finished calls; no text is read for them."""
    columns = (_run.c.prompt_tokens, _run.c.cached_tokens, _run.c.completion_tokens, _run.c.seconds)
    finished = select(func.count(_run.c.reason), *(func.coalesce(func.sum(each), 0) for each in columns))
    return LogTotals(*connection.execute(finished).one())


def _taken_back_since(connection: Connection, first_run: int) -> dict[int, list[bytes]]:
    found = select(_taken_back).where(_taken_back.c.run >= first_run)
    texts: defaultdict[int, list[bytes]] = defaultdict(list)
    for row in connection.execute(found.order_by(_taken_back.c.run, _taken_back.c.position)):
        texts[row.run].append(row.text)
    return texts


def _record(connection: Connection, row: Row[Any], taken_back: Sequence[bytes]) -> Run:
    call = ModelCall(
        task=row.task,
        section=row.section,
        model=row.model,
        seed=row.seed,
        settings=log_texts.load(connection, row.settings),
        prompt=log_texts.load(connection, row.prompt),
        prompt_version=row.prompt_version,
        context=log_texts.load(connection, row.context) if row.context else "",
    )
    outcome = None if row.reason is None else _outcome(connection, row, taken_back)
    return Run(id=row.id, call=call, started=row.started, outcome=outcome)


def _outcome(connection: Connection, row: Row[Any], taken_back: Sequence[bytes]) -> CallOutcome:
    return CallOutcome(
        reason=row.reason,
        answer=log_texts.load(connection, row.answer),
        kept=log_texts.load(connection, row.kept),
        taken_back=tuple(log_texts.load(connection, each) for each in taken_back),
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        completion_tokens=row.completion_tokens,
        seconds=row.seconds,
    )
