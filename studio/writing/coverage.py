# SPDX-License-Identifier: Apache-2.0
"""Which planned points and demands a text carries, by rule: told as far as their content words are there.

It knows no synonyms, so it is a lower bound, good for comparing two versions of one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.text.keywords import told
from studio.project.records import Requirement, RequirementPlace, Status
from studio.project.store import Project

# So much of a demand's words must be in the text: as many as the starter model is measured by (resources/starter).
MET_SHARE = 0.6


def is_met(demand: str, text: str) -> bool:
    """Whether a text tells what is demanded, by the stems of its words."""
    return told(demand, text) >= MET_SHARE


def unmet(demands: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the demands that a text does not meet."""
    return tuple(demand for demand in demands if not is_met(demand, text))


def coverage(points: Sequence[str], text: str) -> float:
    """Return how far ``text`` tells the points, on average: 0 to 1; 1 without points."""
    return sum(told(point, text) for point in points) / len(points) if points else 1.0


def looked_at(project: Project) -> tuple[Requirement, ...]:
    """Return what is demanded, with a look at the present texts of finished sections where there was none yet.

    Nothing is stored: an author may ask while another process writes.
    """
    written = {leaf.id for leaf in project.leaves() if leaf.status is Status.WRITTEN and leaf.words}

    def looked(place: RequirementPlace, demand: str) -> RequirementPlace:
        if place.met is not None or place.section not in written:
            return place
        text = project.text(place.section)
        return replace(place, met=is_met(demand, text.body + text.tail))

    return tuple(
        replace(each, places=tuple(looked(place, each.text) for place in each.places))
        for each in project.requirements()
    )
