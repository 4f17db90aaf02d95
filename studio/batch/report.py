# SPDX-License-Identifier: Apache-2.0
"""The report of a batch: one HTML file with figures, pictures and failures, without scripts and without a network."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from studio.batch.charts import Share, Value, share_bar, value_chart
from studio.batch.ledger import DocumentState, Entry
from studio.formats.export import write_whole
from studio.formats.signs import printable

REPORT_NAME = "_report.html"
"""No document can have this name: theirs begin with a letter or a digit."""

LENGTH_TOLERANCE = 0.01
PEOPLE_REPEAT, UNUSUAL_REPEAT = 0.0085, 0.045
"""The share of 4-grams that repeat: in human books on average, and from where a text reads unusual."""

_STATES = {
    DocumentState.DONE: "finished",
    DocumentState.BEGUN: "begun",
    DocumentState.WAITING: "waiting",
    DocumentState.FAILED: "failed",
}
_STYLE = """
:root { color-scheme: light dark; --page: #fdfdfb; --ink: #20201d; --faint: #6f6e68; --rule: #dddbd3; --good: #2f7d5b;
  --bad: #c0392b; --begun: #c98a1b; --waiting: #c9c7be; }
@media (prefers-color-scheme: dark) { :root { --page: #1a1a18; --ink: #e2dfd6; --faint: #9b988e; --rule: #3a3934;
  --good: #58b58a; --bad: #ef7b6d; --begun: #e3b04b; --waiting: #55534c; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2.2rem 0 0.4rem; }
p { margin: 0.3rem 0; } .faint, .none { color: var(--faint); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; margin: 1.4rem 0; }
dt { color: var(--faint); } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; margin: 0.6rem 0; }
svg text { fill: var(--faint); font-size: 12px; } .side { text-anchor: end; } .below { text-anchor: middle; }
.tick { stroke: var(--rule); } .line { stroke: var(--faint); stroke-dasharray: 4 4; }
.dot, .done { fill: var(--good); } .bad, .failed { fill: var(--bad); } .begun { fill: var(--begun); }
.waiting { fill: var(--waiting); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--rule); text-align: right; }
th { color: var(--faint); font-weight: normal; } th:first-child, td:first-child, .text { text-align: left; }
td.missed { color: var(--bad); } .wide { overflow-x: auto; }
""".strip()


def write_report(folder: Path, entries: Sequence[Entry], path: Path | None = None) -> Path:
    """Write the report of a batch into its folder, or to ``path``, and return where it is. Raises ExportError."""
    path = path or folder / REPORT_NAME
    write_whole(path, render_report(folder.resolve().name, entries).encode("utf-8"), overwrite=True)
    return path


def render_report(name: str, entries: Sequence[Entry]) -> str:
    """Return the report of a batch as a page."""
    done = [entry for entry in entries if entry.state is DocumentState.DONE]
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    title = escape(printable(f"Batch {name}"))
    body = "\n".join(
        [
            f'<h1>{title}</h1>\n<p class="faint">Longhand, {made}</p>',
            _figures(entries, done),
            share_bar([_share(state, entries) for state in _STATES]),
            _failures(entries),
            _pictures(done),
            _table(entries),
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _figures(entries: Sequence[Entry], done: Sequence[Entry]) -> str:
    errors = [abs(entry.length_error) for entry in done]
    rates = [entry.figures.repetition for entry in done if entry.figures.repetition is not None]
    tokens = sum(entry.figures.prompt_tokens + entry.figures.completion_tokens for entry in entries)
    pairs = [
        ("Documents", f"{len(done):,} of {len(entries):,}"),
        ("Words", f"{sum(entry.figures.words for entry in entries):,}"),
        ("Mean length error", _percent(statistics.fmean(errors)) if errors else "–"),
        ("Largest length error", _percent(max(errors)) if errors else "–"),
        ("Mean repetition", f"{statistics.fmean(rates):.4f}" if rates else "–"),
        ("Time of documents", _hours(sum(entry.figures.seconds for entry in entries))),
        ("Tokens", f"{tokens:,}"),
    ]
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in pairs)}</dl>"


def _share(state: DocumentState, entries: Sequence[Entry]) -> Share:
    return Share(_STATES[state], sum(entry.state is state for entry in entries), str(state))


def _failures(entries: Sequence[Entry]) -> str:
    failed = [entry for entry in entries if entry.state is DocumentState.FAILED]
    if not failed:
        return ""
    rows = "".join(
        f'<tr><td>{_text(entry.name)}</td><td class="text">{_text(f"{entry.error} {entry.hint}")}</td></tr>'
        for entry in failed
    )
    return f"<h2>Failed</h2>\n<table>{rows}</table>"


def _pictures(done: Sequence[Entry]) -> str:
    lengths = [
        Value(entry.name, 100 * entry.length_error, abs(entry.length_error) > LENGTH_TOLERANCE) for entry in done
    ]
    rates = [(entry, rate) for entry in done if (rate := entry.figures.repetition) is not None]
    repeats = [Value(entry.name, rate, rate > UNUSUAL_REPEAT) for entry, rate in rates]
    times = [Value(entry.name, entry.figures.seconds / 60) for entry in done]
    limit = 100 * LENGTH_TOLERANCE
    return "\n".join(
        [
            "<h2>Length error</h2>",
            f'<p class="faint">Per cent of the length asked for; the lines are {limit:g} % above and below.</p>',
            value_chart(lengths, lambda value: f"{value:.3g} %", (-limit, limit)),
            "<h2>Repetition</h2>",
            '<p class="faint">Share of 4-grams that repeat; the lines are human books and where a text is unusual.</p>',
            value_chart(repeats, lambda value: f"{value:.3g}", (PEOPLE_REPEAT, UNUSUAL_REPEAT)),
            "<h2>Time</h2>",
            '<p class="faint">Minutes for each document; those written side by side share the machine.</p>',
            value_chart(times, lambda value: f"{value:.3g} min", (0.0,)),
        ]
    )


def _table(entries: Sequence[Entry]) -> str:
    names = ("Document", "State", "Words", "Asked for", "Error", "Repetition", "Time", "Tokens read", "Tokens written")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "\n".join(f"<tr>{''.join(_cells(entry))}</tr>" for entry in entries)
    table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    return f'<h2>Documents</h2>\n<div class="wide">{table}</div>'


def _cells(entry: Entry) -> Iterator[str]:
    done, figures = entry.state is DocumentState.DONE, entry.figures
    yield f"<td>{_text(entry.name)}</td>"
    yield f"<td>{_STATES[entry.state]}</td>"
    yield f"<td>{figures.words:,}</td><td>{entry.target:,}</td>"
    missed = ' class="missed"' if done and abs(entry.length_error) > LENGTH_TOLERANCE else ""
    yield f"<td{missed}>{_percent(entry.length_error, signed=True) if done else ''}</td>"
    yield f"<td>{'' if figures.repetition is None else f'{figures.repetition:.4f}'}</td>"
    yield f"<td>{_hours(figures.seconds) if figures.seconds else ''}</td>"
    yield f"<td>{figures.prompt_tokens:,}</td><td>{figures.completion_tokens:,}</td>"


def _percent(share: float, *, signed: bool = False) -> str:
    return f"{100 * share:+.2f} %" if signed else f"{100 * share:.2f} %"


def _hours(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


def _text(text: str) -> str:
    return escape(printable(text))
