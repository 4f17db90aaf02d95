# SPDX-License-Identifier: Apache-2.0
"""Bad input inside the test's process: one sentence, what to do, the right code, and nothing left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from backends.errors import BackendError, ContextOverflow, ModelNotFound, OutOfMemory, WorkerGaveUp
from studio.cli import run
from studio.cli.errors import UserError, explain
from studio.formats.errors import ExportError, OutputExists
from studio.project.errors import DiskFull, ProjectDamaged, ProjectInUse, ProjectNotFound, ProjectTooNew
from studio.writing.errors import ModelSilent
from tests.cli.fake_backend import FakeBackend


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("Nope"), 2),
        (ModelNotFound("Nope"), 2),
        (ContextOverflow("Nope"), 2),
        (ProjectNotFound("Nope"), 2),
        (ProjectInUse("Nope"), 2),
        (ProjectTooNew("Nope"), 2),
        (OutputExists("Nope"), 2),
        (PermissionError(errno.EACCES, "Nope", "x"), 2),
        (OutOfMemory("Nope"), 1),
        (WorkerGaveUp("Nope"), 1),
        (ProjectDamaged("Nope"), 1),
        (DiskFull("Nope"), 1),
        (ExportError("Nope"), 1),
        (ModelSilent("Nope"), 1),
        (OSError(errno.EIO, "Nope"), 1),
        (ZeroDivisionError("Nope"), 1),
    ],
)
def test_every_error_has_a_sentence_and_a_code(error, code):
    words = explain(error)
    assert words.code == code
    assert "Nope" in words.sentence
    assert words.sentence.endswith(".")
    assert "\n" not in words.sentence + words.hint


def test_a_full_disk_is_named():
    assert explain(OSError(errno.ENOSPC, "No space left on device", "a.md")).sentence == "The disk is full (a.md)."


def test_the_traceback_is_shown_only_when_asked_for(longhand, backend, monkeypatch):
    def fail(settings):
        raise BackendError("It broke")

    monkeypatch.setattr(run, "open_model", fail)
    code, out, err = longhand("write", "A story", "--words", "100")
    assert (code, out) == (1, "")
    assert "longhand: It broke.\n" in err
    assert "Traceback" not in err
    monkeypatch.setenv("LONGHAND_DEBUG", "1")
    assert "Traceback" in longhand("write", "A story", "--words", "100")[2]
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["write", "", "--words", "100"], "The brief is empty."),
        (["write", " \n", "--words", "100"], "The brief is empty."),
        (["write", "empty.txt", "--words", "100"], "empty.txt is empty."),
        (["write", "missing.txt", "--words", "100"], "There is no file missing.txt."),
        (["write", "latin.txt", "--words", "100"], "latin.txt is not a text file in UTF-8 (byte 1)."),
        (["write", "nul.txt", "--words", "100"], "nul.txt is not a text file."),
        (["write", "huge.txt", "--words", "100"], "huge.txt is too large for a brief."),
        (["write", "folder", "--words", "100"], "folder is a folder."),
        (["write", "A \udcff story", "--words", "100"], "The brief is not UTF-8 text."),
        (["write", "A story", "--words", "0"], "Argument --words: 0 is not between 20 and 1,000,000."),
        (["write", "A story", "--words", "5,000,000"], "Argument --words: 5,000,000 is not between 20 and 1,000,000."),
        (["write", "A story", "--words", "many"], "Argument --words: 'many' is not a whole number."),
        (["write", "A story"], "The document has no length."),
        (
            ["write", "A story", "--words", "100", "--seed", "-1"],
            "Argument --seed: -1 is not between 0 and 4,294,967,295.",
        ),
        (["write", "A story", "--words", "100", "--language", "the cat"], "Argument --language: 'the cat' is not a"),
        (["write", "A story", "--words", "100", "--kind", "poem"], "Argument --kind: invalid choice: 'poem'"),
        (
            ["write", "A story", "--words", "100", "--gpu-layers", "x"],
            "Argument --gpu-layers: 'x' is not a whole number.",
        ),
        (
            ["write", "A story", "--words", "100", "--out", "mine.md"],
            "mine.md is already there and is not overwritten.",
        ),
        (["write", "A story", "--words", "100", "--out", "p.md"], "The project p.longhand is already there"),
        (["write", "A story", "--words", "100", "--project", "p.longhand"], "The project p.longhand is already there"),
        (["write", "A story", "--words", "100", "--out", "no/s.md"], "There is no folder "),
        (["write", "A story", "--words", "100", "--project", "no/s.longhand"], "There is no folder "),
        (
            ["write", "A story", "--words", "100", "--out", "a.longhand"],
            "a.longhand cannot be both project and output.",
        ),
        (["resume", "no.longhand"], "There is no project "),
        (["write", "A story", "--words", "100", "--out", "folder"], "folder is a folder."),
        (["write", "A story", "--words", "100", "--out", "."], ". is a folder."),
        (["write", "A story", "--words", "100", "--project", ".."], ".. is a folder."),
        (["write", "A story", "--words", "100", "--out", "n" * 300], "The name nnn"),
        (["resume", "folder"], "folder is a folder."),
        (["export", "folder", "--out", "x.md"], "folder is a folder."),
        (["status", "no.longhand"], "There is no project "),
        (["export", "no.longhand", "--out", "x.md"], "There is no project "),
        (["export", "p.longhand"], "The following arguments are required: --out."),
        (["wirte", "A story"], "Argument COMMAND: invalid choice: 'wirte'"),
        (["--words"], "Unrecognized arguments: --words."),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_made(longhand, backend, words, sentence):
    Path("empty.txt").touch()
    Path("latin.txt").write_bytes("fünf".encode("latin-1"))
    Path("nul.txt").write_bytes(b"a\0b")
    Path("huge.txt").write_bytes(b"a" * 1_000_001)
    Path("folder").mkdir()
    Path("mine.md").write_text("mine")
    Path("p.longhand").write_text("not a project")
    before = sorted(os.listdir())
    code, out, err = longhand(*words)
    assert (code, out) == (2, "")
    assert f"longhand: {sentence}" in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 2, "a sentence, and what to do"
    assert sorted(os.listdir()) == before
    assert backend.opened == []


def test_a_refusal_names_a_free_name_and_resume(longhand, backend):
    for name in ("s.md", "s-2.md"):
        Path(name).touch()
    assert "--out s-3.md" in longhand("write", "A story", "--words", "100", "--out", "s.md")[2]
    Path("my p.longhand").touch()
    err = longhand("write", "A story", "--words", "100", "--project", "my p.longhand")[2]
    assert "longhand resume 'my p.longhand'" in err
    assert "--project 'my p-2.longhand'" in err


def test_a_brief_larger_than_the_context_leaves_nothing(longhand, monkeypatch):
    monkeypatch.setattr(run, "open_model", lambda settings: FakeBackend(context=2048))
    Path("brief.txt").write_text("many words " * 1500)
    code, _, err = longhand("write", "brief.txt", "--words", "100", "--out", "s.md")
    assert code == 2
    assert "brief is too long" in err
    assert os.listdir() == ["brief.txt"]


def test_an_output_taken_while_writing_is_kept(longhand, backend):
    backend._on_delta = lambda count: Path("s.md").write_text("mine") if count == 50 else None
    code, out, err = longhand("write", "A story", "--words", "100", "--out", "s.md", "--json")
    assert (code, out) == (2, "")
    assert "s.md is already there and was left as it is." in err
    assert Path("s.md").read_text() == "mine"
    assert longhand("export", "s.longhand", "--out", "t.md")[0] == 0


def test_an_error_while_writing_says_how_to_go_on(longhand, backend):
    def fail(count):
        if count == 120:
            raise OutOfMemory("The model does not fit")

    backend._on_delta = fail
    code, _, err = longhand("write", "A story", "--words", "700", "--out", "s.md")
    assert code == 1
    assert "longhand: The model does not fit.\n" in err
    assert "Go on with: longhand resume s.longhand\n" in err
    backend._on_delta = lambda count: None
    assert longhand("resume", "s.longhand")[0] == 0


def test_settings_that_cannot_be_used_are_said_once(longhand, backend, tmp_path, monkeypatch):
    config = tmp_path / "c.toml"
    config.write_text("words = [")
    monkeypatch.setenv("LONGHAND_CONFIG", str(config))
    code, _, err = longhand("write", "A story", "--words", "100", "--out", "s.md")
    assert code == 0
    assert err.count("are not used") == 1


def test_a_reader_that_went_away_is_no_error(longhand, backend, monkeypatch):
    import sys

    longhand("plan", "A story", "--words", "100", "--project", "p.longhand")

    class Gone:
        def write(self, text):
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

        flush = write

    monkeypatch.setattr(sys, "stdout", Gone())
    assert longhand("status", "p.longhand")[0] == 1
