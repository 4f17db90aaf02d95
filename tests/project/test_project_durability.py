# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is in the file: after kill -9 at any moment and on a full disk."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.project.errors import DiskFull
from studio.project.records import Mode, Origin
from studio.project.store import Project
from tests.project.conftest import BRIEF
from tests.project.processes import CREATE, FILL, WRITE, start


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """On a real disk, where the moments between the steps of a commit are longest."""
    return tmp_path / "light house.longhand"


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="uses signals and limits of POSIX")


def paragraph(number: int) -> str:
    return f"\n\nParagraph {number} " + "of the sea " * (number % 40)


def settled_numbers(body: str) -> list[int]:
    numbers = [int(part.split()[1]) for part in body.split("\n\n")[1:]]
    assert body == "".join(paragraph(number) for number in numbers)
    return numbers


@posix_only
def test_killed_writer_loses_and_doubles_nothing(closed: Path) -> None:
    """Ten kills in a row on one file, each at a seeded moment of a commit; the next writer goes on."""
    rng = random.Random(20261123)
    expected = 0
    for _ in range(10):
        writer = start(WRITE, closed, expected)
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(rng.randrange(1, 30))]
        time.sleep(rng.random() * 0.02)
        writer.kill()
        rest, errors = writer.communicate()
        assert errors == ""
        acknowledged = [line.strip() for line in [*lines, *rest.splitlines(keepends=True)] if line.endswith("\n")]
        expected = check_file(closed, acknowledged, expected)


def check_file(path: Path, acknowledged: list[str], before: int) -> int:
    """Check that the file has what was acknowledged and at most one step more; return the next paragraph's number."""
    settled = max([int(line[1:]) + 1 for line in acknowledged if line[0] == "r"], default=before)
    with Project.open(path, Mode.WRITE) as project:
        assert project.damage() == ()
        text = project.text(project.leaves()[0].id)
        numbers = settled_numbers(text.body)
        assert numbers == list(range(len(numbers)))
        assert settled <= len(numbers) <= settled + 1
        if acknowledged[-1][0] == "t" and len(numbers) == settled:
            assert text.tail == paragraph(int(acknowledged[-1][1:]))
        assert text.tail in ("", paragraph(len(numbers)))
        return len(numbers)


@posix_only
def test_killed_creation_leaves_a_whole_project_or_none(path: Path) -> None:
    rng = random.Random(5)
    outcomes = set()
    for _ in range(4):
        maker = start(CREATE, path)
        assert maker.stdout is not None
        maker.stdout.readline()
        time.sleep(rng.random() * 0.06)
        maker.kill()
        maker.communicate()
        outcomes.add(path.exists())
        if path.exists():
            with Project.open(path) as project:
                assert project.info.brief == BRIEF
                assert project.damage() == ()
            path.unlink()
    Project.create(path, BRIEF).close()
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []


@posix_only
@pytest.mark.parametrize("room", [0, 41_000])
def test_full_disk_stores_what_was_acknowledged_and_goes_on_with_space(closed: Path, room: int) -> None:
    filler = start(FILL, closed, room)
    out, errors = filler.communicate(timeout=60)
    assert filler.returncode == 0, errors
    failures, at_failure, stored = map(int, out.split())
    assert failures == 1
    assert stored == 59
    with Project.open(closed) as project:
        body = project.text(project.leaves()[0].id).body
        numbers = [int(part.split(":")[0].split()[1]) for part in body.split("\n\n")[:-1]]
        assert numbers == [number for number in range(60) if number != at_failure]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        sys.platform == "linux"
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
    except OSError:
        return filler
    raise AssertionError("the disk has no end")


def test_full_disk_during_writing(small_disk: Path) -> None:
    path = small_disk / "a.longhand"
    with Project.create(path, BRIEF) as project:
        leaf = project.add_section("One", 100).id
        first = project.store_text(leaf, "Stored.", expected=0, origin=Origin.TYPED)
        filler = fill(small_disk)
        with pytest.raises(DiskFull):
            project.store_text(leaf, "word " * 20_000, expected=first.id, origin=Origin.TYPED)
        assert project.text(leaf).body == "Stored."
        with Project.open(path, Mode.READ) as reader:
            assert reader.text(leaf).body == "Stored."
        filler.unlink()
        project.store_text(leaf, "word " * 20_000, expected=first.id, origin=Origin.TYPED)
        assert project.damage() == ()
        assert project.words() == 20_000


def test_full_disk_makes_no_half_project(small_disk: Path) -> None:
    filler = fill(small_disk)
    with pytest.raises(DiskFull):
        Project.create(small_disk / "a.longhand", BRIEF)
    assert list(small_disk.iterdir()) == [filler]


def test_full_disk_at_opening_is_noticed_but_not_fatal(small_disk: Path) -> None:
    path = small_disk / "a.longhand"
    Project.create(path, BRIEF, title="Mine").close()
    filler = fill(small_disk)
    with filler.open("rb+") as file:
        file.truncate(filler.stat().st_size - 8192)
    with Project.open(path) as project:
        assert project.info.title == "Mine"
        assert len(project.notices) == 1
        assert "No backup was made" in project.notices[0]
        assert project.backups() == ()
