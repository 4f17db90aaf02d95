# SPDX-License-Identifier: Apache-2.0
"""A section while it is written."""

from __future__ import annotations

from dataclasses import dataclass

from backends.text.keywords import told
from studio.planning.budget import Goal
from studio.planning.planner import WORDS_OF_A_POINT
from studio.project.records import Section

PARAGRAPH = "\n\n"


@dataclass(slots=True)
class Draft:
    """A section while it is written.

    ``base`` is what stood before the present call, whose text follows it; ``settled`` is the body in the project file.
    ``demands`` are what the brief demands of it, ``asked`` those that the present call was asked to meet.
    """

    section: Section
    goal: Goal
    revision: int
    base: str
    settled: str
    demands: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    part: int = 1
    fruitless: int = 0
    landed: bool = False
    stored: float = 0.0

    @property
    def prefix(self) -> str:
        """What stands before the text of the present call, the paragraph break included."""
        return self.base + PARAGRAPH if self.base else ""

    @property
    def points(self) -> tuple[str, ...]:
        """What is demanded of the section, then its planned points, as many as there is room for."""
        room = max(0, self.goal.target // WORDS_OF_A_POINT - len(self.demands)) if self.demands else None
        planned = [point for point in self.section.points if not any(told(each, point) == 1 for each in self.demands)]
        return (*self.demands, *planned[:room])
