# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.project.records import Brief, PlannedSection
from studio.project.store import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    chapters = tuple(
        PlannedSection(f"Chapter {number}", 0, (), tuple(PlannedSection(f"Part {number}.{i}", 300) for i in (1, 2, 3)))
        for number in (1, 2, 3)
    )
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 2700)) as made:
        made.set_plan("The Map", chapters)
        yield made
