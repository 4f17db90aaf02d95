# SPDX-License-Identifier: Apache-2.0
"""What the context panel shows, made in the project's thread: the next prompt of a section, or the last one it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.memory.context import Piece, Source
from studio.project.memory_records import Remembered

if TYPE_CHECKING:
    from backends.base import Backend
    from studio.project.records import Run, Section
    from studio.project.store import Project
    from studio.writing.call_records import LoggedPiece
    from studio.writing.preview import Preview

INSTRUCTIONS = "instructions"
FREE = "free"
RESERVE = "reserve"
ORDER = (INSTRUCTIONS, *(str(source) for source in Source), FREE, RESERVE)
"""The sources as the prompt has them, then what is free and what is kept for the answer."""

_CALLS_LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class ContextPart:
    """A part of a prompt, or one that stayed out: ``tokens`` 0. ``fact`` is the number of the fact that it shows."""

    source: str
    text: str
    tokens: int
    reason: str
    fact: int = 0
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class ContextView:
    """A prompt with its account. ``room`` is what a prompt may take, ``reserve`` what is kept for the answer (tokens).

    ``room`` is 0 where it is not known: for a prompt of the run log, which ``asked`` says the time of.
    """

    section: Section
    parts: tuple[ContextPart, ...]
    tokens: int
    room: int = 0
    reserve: int = 0
    asked: str = ""

    def shares(self) -> tuple[tuple[str, int], ...]:
        """Return the tokens of each source in the order of the prompt, with what is free and what is kept."""
        sums = dict.fromkeys(ORDER, 0)
        for part in self.parts:
            sums[part.source] = sums.get(part.source, 0) + part.tokens
        sums[FREE] = max(0, self.room - self.tokens)
        sums[RESERVE] = self.reserve
        return tuple((source, tokens) for source, tokens in sums.items() if tokens)


def look(project: Project, backend: Backend | None, section_id: int) -> ContextView | None:
    """Return the next prompt of a leaf, or of the section that comes next where this is none.

    Without a model the last prompt that the section had is returned, None where it had none.
    Raises ``ContextOverflow``.
    """
    from studio.writing.preview import next_section, preview

    section = next((leaf for leaf in project.leaves() if leaf.id == section_id), None) or next_section(project)
    if section is None:
        return None
    return _of_log(project, section) if backend is None else _of_preview(preview(project, backend, section))


def _of_preview(found: Preview) -> ContextView:
    context = found.context
    pieces = sorted(context.pieces, key=lambda each: list(Source).index(each.source))
    parts = [ContextPart(INSTRUCTIONS, "", found.instruction_tokens, "how to write, and the marks of the model")]
    parts += [ContextPart(str(each.source), each.text, each.tokens, each.reason, _fact(each)) for each in pieces]
    parts += [ContextPart(str(each.source), each.text, 0, each.reason, dropped=True) for each in context.dropped]
    return ContextView(found.section, tuple(parts), context.tokens, found.room.prompt_tokens, found.room.answer_tokens)


def _of_log(project: Project, section: Section) -> ContextView | None:
    from studio.writing.call_records import account_of

    for run in reversed(project.runs(section.id, newest=_CALLS_LOOKED_AT)):
        account = account_of(run.call)
        if account.pieces:
            parts = [*map(_logged, account.pieces), *(_logged(each, dropped=True) for each in account.dropped)]
            order = {source: place for place, source in enumerate(ORDER)}
            parts.sort(key=lambda each: (each.dropped, order.get(each.source, len(order))))
            return ContextView(section, tuple(parts), _prompt_tokens(run, parts), asked=run.started)
    return None


def _prompt_tokens(run: Run, parts: list[ContextPart]) -> int:
    return run.outcome.prompt_tokens if run.outcome is not None else sum(part.tokens for part in parts)


def _logged(piece: LoggedPiece, *, dropped: bool = False) -> ContextPart:
    return ContextPart(piece.source, piece.begins, piece.tokens, piece.reason, dropped=dropped)


def _fact(piece: Piece) -> int:
    return next((each.id for each in piece.shows if each.kind is Remembered.FACT), 0)
