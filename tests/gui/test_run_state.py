# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from studio.gui.reports import ModelClosed, ModelOpened, ModelOpening, Report, WritingEnded
from studio.gui.run_state import Phase, RunState
from studio.writing.events import (
    Asking,
    DocumentFinished,
    Pace,
    Paused,
    PlanMade,
    PlanProgress,
    Reading,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    TextAdded,
    TextStored,
)

STARTED = SectionStarted(5, 1, 3, "1", "The river", 600)
PACE = Pace(5, 40, 600, 140, 2000, 41.0, 60.0, None)


def after(*reports: Report, state: RunState | None = None) -> RunState:
    result = (state or RunState()).begun()
    for report in reports:
        result = result.after(report)
    return result


@pytest.mark.parametrize(
    ("report", "phase"),
    [
        (ModelOpening(), Phase.LOADING),
        (PlanProgress(0, 2), Phase.PLANNING),
        (Asking("plan", None, 10), Phase.PLANNING),
        (STARTED, Phase.READING),
        (Reading(5, 100, 700), Phase.READING),
        (TextAdded(5, "It"), Phase.WRITING),
        (PACE, Phase.WRITING),
        (SectionFinished(5, 601, 600), Phase.SUMMARISING),
        (Asking("summarise", 5, 10), Phase.SUMMARISING),
        (WritingEnded((), None), Phase.IDLE),
    ],
)
def test_each_report_shows_what_goes_on(report: Report, phase: Phase) -> None:
    assert after(report).phase is phase


def test_reports_without_a_phase_leave_it_as_it_is() -> None:
    assert after(STARTED, SummaryMade(5, "Anna rows.")).phase is Phase.READING


def test_figures_follow_the_run() -> None:
    state = after(ModelOpened("Fake", "cpu"), PlanMade("Ferry", 3, 2000), STARTED, PACE)
    assert (state.section_words, state.section_target) == (40, 600)
    assert (state.document_words, state.document_target) == (140, 2000)
    assert (state.model, state.tokens_per_second) == ("Fake", 41.0)
    assert state.after(TextStored(5, 3, 55)).section_words == 55
    assert state.after(TextStored(6, 3, 55)).section_words == 40


def test_words_of_a_section_are_among_those_of_the_document() -> None:
    state = after(STARTED, PACE)
    assert state.after(TextStored(5, 3, 55)).document_words == 155
    assert state.after(SectionFinished(5, 62, 60)).document_words == 162
    assert after(STARTED, TextStored(5, 3, 55)).document_words == 0


def test_while_a_pause_is_on_its_way_nothing_else_is_shown() -> None:
    state = after(STARTED, PACE).pausing().after(TextAdded(5, "more")).after(PACE)
    assert state.phase is Phase.PAUSING
    state = state.after(Paused(150, 2000)).after(WritingEnded((), None))
    assert state.phase is Phase.IDLE
    assert state.paused
    assert not state.running
    assert (state.document_words, state.tokens_per_second) == (150, 0.0)


def test_a_new_run_forgets_that_the_last_one_was_paused_or_finished() -> None:
    state = after(DocumentFinished(2001, 2000), WritingEnded((), None))
    assert state.finished
    assert not state.begun().finished
    assert state.begun().running


def test_nothing_can_be_paused_where_nothing_runs() -> None:
    assert RunState().pausing() == RunState()


def test_a_model_that_is_gone_has_no_name() -> None:
    assert after(ModelOpened("Fake", "cpu"), ModelClosed()).model == ""
