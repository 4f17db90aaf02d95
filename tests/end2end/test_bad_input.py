# SPDX-License-Identifier: Apache-2.0
"""Bad input to the real program: one clear sentence, what to do, no traceback, nothing lost, nothing half-written."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backends.engine.scripted import write_script
from studio.project.records import Brief
from studio.project.store import Project
from tests.end2end.program import longhand
from tests.models import make_model

NEW = ("--words", 100, "--out", "s.md")
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path, quick):
    Path(tmp_path / "empty.txt").touch()
    Path(tmp_path / "large.txt").write_text("A story about a very long list of things to say. " * 2000)
    write_script(tmp_path / "small.script.json", context_tokens=2048)
    whole = make_model(tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "whole.gguf").unlink()
    (tmp_path / "truncated.gguf").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "head.gguf").write_bytes(whole[:49])
    (tmp_path / "nothing.gguf").touch()
    (tmp_path / "other.gguf").write_bytes(b"PK\x03\x04" + bytes(4000))
    (tmp_path / "not.longhand").write_bytes(b"just a text\n" * 100)
    Project.create(tmp_path / "newer.longhand", Brief("A story", 100)).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "newer.longhand")) as connection:
        connection.execute("PRAGMA user_version = 9999")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (("write", "", *NEW), "brief is empty", 2),
        (("write", "empty.txt", *NEW), "empty.txt is empty", 2),
        (("write", "large.txt", *NEW, "--model", "small.script.json"), "too long for this model", 2),
        (("write", "A story", "--words", 0), "between 20 and 1,000,000", 2),
        (("write", "A story", "--words", 5_000_000), "between 20 and 1,000,000", 2),
        (("write", "A story", *NEW, "--model", "missing.gguf"), "missing.gguf", 2),
        (("write", "A story", *NEW, "--model", "truncated.gguf"), "truncated.gguf", 2),
        (("write", "A story", *NEW, "--model", "head.gguf"), "head.gguf", 2),
        (("write", "A story", *NEW, "--model", "nothing.gguf"), "nothing.gguf", 2),
        (("write", "A story", *NEW, "--model", "other.gguf"), "other.gguf", 2),
        (("write", "A story", *NEW, "--model", "large.txt"), "large.txt", 2),
        (("write", "A story", *NEW, "--model", "."), "", 2),
        (("write", "A story", *NEW, "--project", "newer.longhand"), "already there", 2),
        (("resume", "newer.longhand"), "newer version", 2),
        (("resume", "not.longhand"), "not.longhand", 1),
        (("status", "not.longhand"), "not.longhand", 1),
        (("export", "not.longhand", "--out", "s.md"), "not.longhand", 1),
    ],
)
def test_a_clear_sentence_and_nothing_left(folder, words, says, code):
    before = snapshot(folder)
    done = longhand(folder, *words)
    assert done.code == code, done.err
    check_words(done, says)
    assert snapshot(folder) == before


def test_a_newer_project_can_still_be_looked_at(folder):
    done = longhand(folder, "status", "newer.longhand")
    assert done.code == 0, done.err
    assert "0 of 100" in done.out


@pytest.mark.skipif(sys.platform != "linux", reason="root needs Linux capabilities to be refused anything")
def test_a_read_only_folder(tmp_path, quick):
    closed = tmp_path / "closed"
    closed.mkdir()
    shutil.copy(quick, closed / "m.script.json")
    Project.create(closed / "p.longhand", Brief("A story", 100)).close()
    before = snapshot(closed)
    closed.chmod(0o555)
    try:
        commands = (
            ("write", "A story", "--words", 100, "--model", quick),
            ("write", "A story", *NEW, "--model", quick),
            ("resume", "p.longhand", "--model", quick),
            ("export", "p.longhand", "--out", "p.md"),
        )
        for words in commands:
            done = longhand(closed, *words, preexec_fn=obey_permissions)
            assert done.code == 2, done.err
            check_words(done, "closed", lines=None)
        assert longhand(closed, "status", "p.longhand", preexec_fn=obey_permissions).code == 0
    finally:
        closed.chmod(0o755)
    assert snapshot(closed) == before


def obey_permissions() -> None:
    """Take from root what lets it write everywhere; does nothing for other users."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes; skips where this user may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    mounted = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def leave_free(disk: Path, amount: int) -> Path:
    """Fill the disk up to so many bytes."""
    filler = disk / "filler"
    system = os.statvfs(disk)
    filler.write_bytes(bytes(system.f_bavail * system.f_frsize - amount))
    return filler


@pytest.mark.parametrize("free", [0, 4096, 65536])
def test_a_disk_without_room_for_a_project(small_disk, quick, free):
    leave_free(small_disk, free)
    done = longhand(small_disk, "write", "A story", *NEW, "--model", quick)
    assert done.code == 1, done.err
    check_words(done, "disk", lines=None)
    assert os.listdir(small_disk) == ["filler"] or free >= 65536


@pytest.mark.parametrize("free", [90_000, 130_000])
def test_a_disk_that_fills_up_while_writing(small_disk, quick, free):
    filler = leave_free(small_disk, free)
    done = longhand(small_disk, "write", "A story", "--words", 2000, "--out", "s.md", "--model", quick)
    assert done.code == 1, done.err
    check_words(done, "disk", lines=None)
    assert not (small_disk / "s.md").exists()
    filler.unlink()
    done = longhand(small_disk, "resume", "s.longhand")
    assert done.code == 0, done.err
    assert (small_disk / "s.md").stat().st_size > 10_000


def test_a_disk_without_room_for_the_output(tmp_path, small_disk, quick):
    leave_free(small_disk, 0)
    out = small_disk / "s.md"
    done = longhand(
        tmp_path, "write", "A story", "--words", 100, "--project", "s.longhand", "--out", out, "--model", quick
    )
    assert done.code == 1, done.err
    check_words(done, "disk", lines=None)
    assert os.listdir(small_disk) == ["filler"]
    assert longhand(tmp_path, "resume", "s.longhand").code == 0
    assert (tmp_path / "s.md").is_file()


def check_words(done, says: str, lines: int | None = 2) -> None:
    assert done.out == ""
    assert "Traceback" not in done.err
    said = [line for line in done.err.splitlines() if line.startswith("longhand: ")]
    assert len(said) == 1, done.err
    assert says in said[0]
    assert said[0].endswith(".")
    hint = done.err.splitlines()[done.err.splitlines().index(said[0]) + 1]
    assert hint.startswith("  ")
    assert hint.endswith((".", "md", "longhand", "--help"))
    if lines is not None:
        assert len(done.err.strip().splitlines()) == lines, done.err
