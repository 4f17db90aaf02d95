# SPDX-License-Identifier: Apache-2.0
"""What a batch is, in one object for programs and in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from studio.batch.ledger import DocumentState, Entry
from studio.cli.progress import duration
from studio.cli.screen import plain

_SHOWN_FAILURES = 50
_NAME_COLUMNS = 40


def batch_report(folder: Path, entries: Sequence[Entry], seconds: float | None = None) -> dict[str, Any]:
    """Return what ``--json`` prints; ``seconds`` is how long this run took, ``length_error`` a part of the target."""
    report: dict[str, Any] = {
        "folder": str(folder),
        "documents": [_document(entry) for entry in entries],
        **{str(state): sum(entry.state is state for entry in entries) for state in DocumentState},
        "words": sum(entry.figures.words for entry in entries),
        "words_target": sum(entry.target for entry in entries),
    }
    return report if seconds is None else report | {"seconds": round(seconds, 3)}


def end_lines(entries: Sequence[Entry], seconds: float, report: Path) -> Iterator[str]:
    """Yield what came of a run: what is finished, what failed and why, where the report is."""
    yield f"{_counts(entries)}, {duration(seconds)}"
    failed = [entry for entry in entries if entry.state is DocumentState.FAILED]
    yield from map(failure_line, failed[:_SHOWN_FAILURES])
    if len(failed) > _SHOWN_FAILURES:
        yield f"... and {len(failed) - _SHOWN_FAILURES:,} more, all in the report."
    yield f"Report: {report}"


def state_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the state of a batch: the head, then each document."""
    yield _counts(entries)
    yield ""
    for entry in entries:
        words = f"{entry.figures.words:,} of {entry.target:,} words"
        error = f"  {plain(entry.error)}" if entry.error else ""
        yield f"{plain(entry.name):<{_NAME_COLUMNS}}  {entry.state:<8}  {words}{error}"


def failure_line(entry: Entry) -> str:
    """Return why a document failed, as one line."""
    return plain(f"{entry.name} failed: {entry.error} {entry.hint}")


def _counts(entries: Sequence[Entry]) -> str:
    done = [entry for entry in entries if entry.state is DocumentState.DONE]
    failed = sum(entry.state is DocumentState.FAILED for entry in entries)
    rest = len(entries) - len(done) - failed
    parts = [f"{len(done):,} of {len(entries):,} documents finished"]
    parts += [f"{count:,} {what}" for count, what in ((failed, "failed"), (rest, "not finished")) if count]
    return ", ".join([*parts, f"{sum(entry.figures.words for entry in entries):,} words"])


def _document(entry: Entry) -> dict[str, Any]:
    figures = entry.figures
    return {
        "name": entry.name,
        "state": str(entry.state),
        "words_target": entry.target,
        "words": figures.words,
        "length_error": round(entry.length_error, 5),
        "repetition": figures.repetition,
        "seconds": round(figures.seconds, 3),
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.completion_tokens,
        "formats": list(entry.formats),
        "error": entry.error,
        "hint": entry.hint,
        "began": entry.began,
        "ended": entry.ended,
    }
