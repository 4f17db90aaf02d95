# SPDX-License-Identifier: Apache-2.0
"""Makes the golden project of the version that this checkout writes: ``python -m tests.project.golden.make FILE``.

Run once, by the last commit before the version is raised; the file is then kept for good.
"""

from __future__ import annotations

import sys
from pathlib import Path

from studio.project.records import (
    Brief,
    CallOutcome,
    ModelCall,
    Origin,
    PlannedRequirement,
    PlannedSection,
    RequirementScope,
)
from studio.project.store import Project

BRIEF = Brief("A keeper finds a map.\n\nEr fürchtet das Meer.", 900, "story", "en", "plain", "no dragons")
PLAN = (
    PlannedSection("Sea", 0, (), (PlannedSection("Fog", 300, ("a ship is late",)), PlannedSection("Map", 300))),
    PlannedSection("Land", 200),
    PlannedSection("Left out", 100),
)
PARAGRAPHS = tuple(
    f"Paragraph {number}: the keeper “waited” at the window — naïve, as always. " + "Waves came in. " * (number % 5)
    for number in range(12)
)


def fill(project: Project) -> None:
    """Give a project everything that a file can hold: revisions, a tail, summaries, calls, a deleted section, requirements."""
    project.set_plan("The Light", PLAN)
    fog, chart, land, out = project.leaves()
    newest = 0
    for count in (2, 5, 12):
        call = ModelCall("write", fog.id, "m.gguf", count, '{"temperature": 0.8}', "Write.\n\n" * 40 + str(count), 1)
        run = project.start_call(call)
        body = "\n\n".join(PARAGRAPHS[:count])
        newest = project.store_text(fog.id, body, expected=newest, origin=Origin.GENERATED, run=run, tail=" And").id
        project.finish_call(run, CallOutcome("landed", body + " And", body, ("gone", "lost"), 900, 600, 120, 1.5))
    project.start_call(ModelCall("summarise", fog.id, "m.gguf", 1, "{}", "Summarise.", 1))
    first = project.store_text(chart.id, "\n\nOdd\r\n\n\n\0 text.\n\n", expected=0, origin=Origin.TYPED)
    second = project.store_text(chart.id, PARAGRAPHS[0], expected=first.id, origin=Origin.REVISED)
    project.restore(chart.id, first.id, second.id)
    project.store_text(out.id, "Deleted, not lost.", expected=0, origin=Origin.IMPORTED)
    project.delete_section(out.id)
    project.set_summary(fog.id, "Fog comes.", project.text_sha256(fog.id))
    project.set_summary(land.id, "Nothing yet.", "0" * 64)
    demand = PlannedRequirement(
        "a ship is late", "The ship must be late.", RequirementScope.ANYWHERE, (fog.id, land.id)
    )
    project.set_met(fog.id, {project.add_requirement(demand): True}, project.text_sha256(fog.id))


if __name__ == "__main__":
    with Project.create(Path(sys.argv[1]), BRIEF, title="Light", seed=7, model="m.gguf") as made:
        fill(made)
