# SPDX-License-Identifier: Apache-2.0
"""How the writing stands, as one frozen record that every widget shows; made from the events of the run."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from studio.gui.reports import ModelClosed, ModelOpened, ModelOpening, Report, WritingEnded
from studio.project.records import Section, Status
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
    TextAdded,
    TextStored,
)


class Phase(enum.Enum):
    """What goes on."""

    IDLE = enum.auto()
    LOADING = enum.auto()
    PLANNING = enum.auto()
    READING = enum.auto()
    WRITING = enum.auto()
    SUMMARISING = enum.auto()
    PAUSING = enum.auto()


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run and of the model. Words and targets of section 0 mean: no section yet."""

    phase: Phase = Phase.IDLE
    paused: bool = False
    finished: bool = False
    section: int = 0
    section_number: str = ""
    section_title: str = ""
    section_words: int = 0
    section_target: int = 0
    document_words: int = 0
    document_target: int = 0
    done: int = 0
    total: int = 0
    tokens_per_second: float = 0.0
    section_seconds_left: float | None = None
    document_seconds_left: float | None = None
    model: str = ""
    device: str = ""

    @property
    def running(self) -> bool:
        """Whether a run is going on, or is about to begin or to end."""
        return self.phase is not Phase.IDLE

    def begun(self) -> RunState:
        """Return the state after the author asked for writing."""
        return replace(self, phase=Phase.LOADING, paused=False, finished=False, tokens_per_second=0.0)

    def pausing(self) -> RunState:
        """Return the state after the author asked for a pause."""
        return replace(self, phase=Phase.PAUSING) if self.running else self

    def after(self, report: Report) -> RunState:
        """Return the state after a report. While a pause is on its way the phase stays."""
        state = self._counted(report)
        phase = _phase_after(report)
        if phase is None or (self.phase is Phase.PAUSING and phase is not Phase.IDLE):
            return state
        return replace(state, phase=phase)

    def _counted(self, report: Report) -> RunState:
        match report:
            case ModelOpened(name, device):
                return replace(self, model=name, device=device)
            case ModelClosed():
                return replace(self, model="", device="", tokens_per_second=0.0)
            case PlanProgress(done, total) | Reading(_, done, total):
                return replace(self, done=done, total=total)
            case PlanMade(_, _, words):
                return replace(self, document_target=words)
            case SectionStarted():
                return self._at_section(report)
            case Pace():
                return self._paced(report)
            case TextStored(section, _, words) if section == self.section:
                return self._written(words)
            case SectionFinished(section, words, target) if section == self.section:
                return replace(self._written(words), section_target=target)
            case Paused(words, target):
                return replace(self, document_words=words, document_target=target, paused=True)
            case DocumentFinished(words, target):
                return replace(self, document_words=words, document_target=target, finished=True)
            case WritingEnded(sections):
                state = replace(self, tokens_per_second=0.0, section_seconds_left=None, document_seconds_left=None)
                return replace(state, finished=state.finished or all_written(sections))
            case _:
                return self

    def _written(self, words: int) -> RunState:
        # Until the first words of a section are counted, it is not known whether the document's hold some of it.
        more = words - self.section_words if self.section_words else 0
        return replace(self, section_words=words, document_words=self.document_words + more)

    def _at_section(self, started: SectionStarted) -> RunState:
        return replace(
            self,
            section=started.section,
            section_number=started.number,
            section_title=started.title,
            section_words=0,
            section_target=started.target,
            section_seconds_left=None,
            done=0,
            total=0,
        )

    def _paced(self, pace: Pace) -> RunState:
        return replace(
            self,
            section_words=pace.section_words,
            section_target=pace.section_target,
            document_words=pace.document_words,
            document_target=pace.document_target,
            tokens_per_second=pace.tokens_per_second,
            section_seconds_left=pace.section_seconds_left,
            document_seconds_left=pace.document_seconds_left,
        )


def all_written(sections: Sequence[Section]) -> bool:
    """Tell whether a plan has leaves and nothing is left to be written in any of them."""
    leaves = [section for section in sections if section.leaf]
    return bool(leaves) and all(leaf.status is Status.WRITTEN for leaf in leaves)


def _phase_after(report: Report) -> Phase | None:
    """Return the phase that a report shows, None where it shows none."""
    match report:
        case ModelOpening():
            return Phase.LOADING
        case PlanProgress() | PlanMade() | Asking(task="plan"):
            return Phase.PLANNING
        case Asking() | SectionFinished():
            return Phase.SUMMARISING
        case SectionStarted() | Reading():
            return Phase.READING
        case TextAdded() | Pace():
            return Phase.WRITING
        case WritingEnded():
            return Phase.IDLE
        case _:
            return None
