# SPDX-License-Identifier: Apache-2.0
"""Damaged files: never written to, read as far as they can be, and their texts right or refused."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.project.errors import ProjectDamaged, ProjectError
from studio.project.records import CallOutcome, Mode, ModelCall, Origin, SectionText
from studio.project.search import Match, Query
from studio.project.store import Project
from tests.project.conftest import BRIEF, PLAN, raw


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with several pages of text, a log, summaries and one backup."""
    folder = tmp_path_factory.mktemp("original")
    with Project.create(folder / "sea.longhand", BRIEF) as project:
        project.set_plan("Sea", PLAN)
        write_all(project)
        project.back_up()
    return folder


@pytest.fixture
def written(original: Path, tmp_path: Path) -> Path:
    """The path of a copy of the original project, with its backup."""
    shutil.copytree(original, tmp_path / "copy")
    return tmp_path / "copy" / "sea.longhand"


def write_all(project: Project) -> None:
    for leaf in project.leaves():
        newest = 0
        for number in range(4):
            body = "\n\n".join(f"{leaf.title} paragraph {each} " + "salt water " * 90 for each in range(number + 1))
            run = project.start_call(ModelCall("write", leaf.id, "m", 1, "{}", body + "?", 1))
            newest = project.store_text(leaf.id, body, expected=newest, origin=Origin.GENERATED, run=run).id
            project.finish_call(run, CallOutcome("landed", body, body, ("x",), 1, 0, 1, 0.1))
        project.store_tail(leaf.id, "\n\nNot sett", expected=newest)
        project.set_summary(leaf.id, f"About {leaf.title}", project.text_sha256(leaf.id))


def texts_of(path: Path) -> dict[int, SectionText]:
    with Project.open(path, Mode.READ) as project:
        return {leaf.id: project.text(leaf.id) for leaf in project.leaves()}


def empty(content: bytes) -> bytes:
    return b""


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_inside_the_header(content: bytes) -> bytes:
    return content[:60]


def noise(content: bytes) -> bytes:
    return random.Random(3).randbytes(len(content))


def another_format(content: bytes) -> bytes:
    return b"PK\x03\x04" + content[4:]


def header_flipped(content: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in content[:16]) + content[16:]


def first_page_flipped(content: bytes) -> bytes:
    return content[:100] + bytes(byte ^ 0xFF for byte in content[100:164]) + content[164:]


def page_zeroed(content: bytes) -> bytes:
    page = content.index(b"Map paragraph 3 salt") // 4096 * 4096
    return content[:page] + bytes(4096) + content[page + 4096 :]


@pytest.mark.parametrize(
    "damage",
    [empty, cut_short, cut_inside_the_header, noise, another_format, header_flipped, first_page_flipped, page_zeroed],
)
def test_damaged_file_is_refused_for_writing_and_left_alone(written: Path, damage: Callable[[bytes], bytes]) -> None:
    content = damage(written.read_bytes())
    written.write_bytes(content)
    with pytest.raises(ProjectDamaged) as caught:
        Project.open(written)
    assert str(written) in str(caught.value)
    assert ".backups" in caught.value.hint
    assert "000001" in caught.value.hint
    assert written.read_bytes() == content
    assert {each.name for each in written.parent.iterdir()} == {written.name, written.name + ".backups"}


def test_other_database_is_no_project(path: Path) -> None:
    with raw(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
    content = path.read_bytes()
    for mode in Mode:
        with pytest.raises(ProjectDamaged, match="not a Longhand project") as caught:
            Project.open(path, mode)
        assert "no backup" in caught.value.hint
    assert path.read_bytes() == content


def test_file_that_was_not_finished_is_no_project(written: Path) -> None:
    with raw(written) as connection:
        connection.execute("PRAGMA user_version = 0")
    for mode in Mode:
        with pytest.raises(ProjectDamaged, match="no version"):
            Project.open(written, mode)


def test_lost_table_is_damage(written: Path) -> None:
    with raw(written) as connection:
        connection.execute("DROP TABLE summary")
    with pytest.raises(ProjectDamaged, match="summary"):
        Project.open(written)
    with Project.open(written, Mode.READ) as project:
        assert len(project.sections()) == 4
        with pytest.raises(ProjectDamaged, match="summary"):
            project.summaries()


def test_altered_paragraph_is_found_and_the_other_sections_are_read(written: Path) -> None:
    good = texts_of(written)
    content = written.read_bytes()
    assert content.count(b"Map paragraph 3 salt") == 1
    written.write_bytes(content.replace(b"Map paragraph 3 salt", b"Map paragraph 3 malt"))
    with pytest.raises(ProjectDamaged, match=r"paragraph .* was altered") as caught:
        Project.open(written)
    backup = Path(caught.value.hint.split("backup is ")[1].split(";")[0])
    assert texts_of(backup) == good
    with Project.open(written, Mode.READ) as project:
        fog, chart, land = project.leaves()
        with pytest.raises(ProjectDamaged, match="damaged"):
            project.text(chart.id)
        assert {each: project.text(each) for each in (fog.id, land.id)} == {
            each: good[each] for each in (fog.id, land.id)
        }
        older = project.revisions(chart.id)[2]
        assert "Map paragraph 2" in project.revision_body(older.id)
        assert len(project.damage()) == 1


def test_a_paragraph_that_became_nothing_is_found(written: Path) -> None:
    with raw(written) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'body TEXT NOT NULL', 'body TEXT')")
    with raw(written) as connection:
        connection.execute("DROP TRIGGER block_no_update")
        connection.execute("UPDATE block SET body = NULL WHERE id = 3")
    with pytest.raises(ProjectDamaged, match="paragraph 3 was altered"):
        Project.open(written)


@pytest.mark.usefixtures("indexed")
def test_damaged_index_of_words_is_made_anew_and_stops_nobody(written: Path) -> None:
    with raw(written) as connection:
        connection.execute("UPDATE block_index_data SET block = x'00ff00ff00ff' WHERE id > 1")
    with Project.open(written) as project:
        assert len(project.search(Query("salt water"))) == 3 * 4 * 90
        leaf = project.leaves()[0]
        now = project.text(leaf.id)
        project.store_text(leaf.id, "New words.\n\nzebra crossing", expected=now.revision, origin=Origin.TYPED)
        assert [hit.found for hit in project.search(Query("ZEBRA", Match.WORD))] == ["zebra"]
        assert project.damage() == ()


def test_altered_list_of_paragraphs_is_found(written: Path) -> None:
    with raw(written) as connection:
        connection.execute("DROP TRIGGER revision_no_update")
        connection.execute("UPDATE revision SET blocks = x'0a01' WHERE id = 4")
    with Project.open(written, Mode.READ) as project, pytest.raises(ProjectDamaged, match="section"):
        project.text(project.leaves()[0].id)
    with raw(written) as connection:
        connection.execute("UPDATE revision SET blocks = x'ffff' WHERE id = 4")
    with pytest.raises(ProjectDamaged, match="revision 4 was altered"):
        Project.open(written)


def test_altered_tail_is_found(written: Path) -> None:
    written.write_bytes(written.read_bytes().replace(b"Not sett", b"Not bett"))
    with Project.open(written, Mode.READ) as project, pytest.raises(ProjectDamaged):
        project.text(project.leaves()[0].id)


def test_damaged_log_neither_stops_the_author_nor_replaces_good_backups(written: Path) -> None:
    with raw(written) as connection:
        connection.execute("DROP TRIGGER log_text_no_update")
        connection.execute("UPDATE log_text SET body = x'00' WHERE id = 1")
    with Project.open(written) as project:
        before = project.backups()
        with pytest.raises(ProjectDamaged, match="run log"):
            project.back_up()
        assert project.backups() == before
        project.rename("Goes on")


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_is_refused_or_harmless(written: Path, seed: int) -> None:
    """Whatever bytes are flipped: only project errors come, and a text that is given out is the right one."""
    good = texts_of(written)
    rng = random.Random(seed)
    content = bytearray(written.read_bytes())
    start = rng.randrange(100 if seed % 4 == 0 else len(content))
    for position in range(start, min(start + rng.choice((1, 8, 64, 5000)), len(content))):
        content[position] ^= rng.randrange(1, 256)
    written.write_bytes(content)
    try:
        with Project.open(written, Mode.READ) as project:
            for section in good:
                read_or_refuse(project, section, good)
            for read in (project.sections, project.summaries, project.runs, project.damage, lambda: project.info):
                refuse_or(read)
    except ProjectError:
        pass
    assert written.read_bytes() == content
    refuse_or(lambda: Project.open(written).close())


def read_or_refuse(project: Project, section: int, good: dict[int, SectionText]) -> None:
    try:
        assert project.text(section) == good[section]
    except ProjectError:
        return


def refuse_or(read: Callable[[], object]) -> None:
    try:
        read()
    except ProjectError:
        return
