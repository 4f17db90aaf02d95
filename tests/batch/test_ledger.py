# SPDX-License-Identifier: Apache-2.0
"""The ledger: what it says is on the disk, and one process writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.batch.errors import BatchFolderUnusable
from studio.batch.ledger import LEDGER_NAME, DocumentState, Figures, Ledger, NewEntry
from studio.project.errors import ProjectInUse

NEW = (NewEntry("a", "1", 300, ("md",)), NewEntry("b", "2", 500, ("md", "docx")))


def test_what_happens_to_documents_is_kept(tmp_path: Path):
    with Ledger.open(tmp_path) as ledger:
        ledger.take_up(NEW)
        ledger.begin("a")
        ledger.begin("b")
        ledger.fail("b", "It failed.", "Try again.", Figures(words=10))
    with Ledger.open(tmp_path) as ledger:
        first, second = ledger.entries()
        assert (first.state, first.target, first.began != "", first.ended) == (DocumentState.BEGUN, 300, True, "")
        assert (second.state, second.error, second.hint, second.figures.words) == (
            DocumentState.FAILED,
            "It failed.",
            "Try again.",
            10,
        )
        ledger.begin("b")
        assert ledger.entry("b").error == ""
        ledger.finish("b", Figures(505, 2.5, 100, 600, 0.01))
        done = ledger.entry("b")
    assert (done.state, done.formats_done, done.figures.repetition) == (DocumentState.DONE, ("md", "docx"), 0.01)
    assert done.length_error == pytest.approx(0.01)


def test_a_longer_job_file_adds_and_keeps_what_is_there(tmp_path: Path):
    with Ledger.open(tmp_path) as ledger:
        ledger.take_up(NEW)
        ledger.begin("a")
        ledger.finish("a", Figures(words=300))
        ledger.take_up([NewEntry("c", "3", 100, ("md",)), NewEntry("b", "2", 500, ("txt",)), NEW[0]])
        entries = ledger.entries()
    assert [(each.name, each.formats, each.state) for each in entries] == [
        ("c", ("md",), DocumentState.WAITING),
        ("b", ("txt",), DocumentState.WAITING),
        ("a", ("md",), DocumentState.DONE),
    ]


def test_one_process_writes_and_others_read(tmp_path: Path):
    with Ledger.open(tmp_path) as ledger:
        ledger.take_up(NEW)
        with pytest.raises(ProjectInUse):
            Ledger.open(tmp_path)
        with Ledger.read(tmp_path) as reading:
            assert len(reading.entries()) == 2
    with Ledger.open(tmp_path):
        pass


def test_what_is_no_ledger_is_said(tmp_path: Path):
    with pytest.raises(BatchFolderUnusable, match="no batch"):
        Ledger.read(tmp_path)
    (tmp_path / LEDGER_NAME).write_bytes(b"this is no database, " * 100)
    for opening in (Ledger.open, Ledger.read):
        with pytest.raises(BatchFolderUnusable, match="no ledger"):
            opening(tmp_path)
    assert not list(tmp_path.glob("*.lock"))


def test_a_ledger_that_was_only_begun_is_made(tmp_path: Path):
    (tmp_path / LEDGER_NAME).touch()
    with Ledger.open(tmp_path) as ledger:
        assert ledger.entries() == ()
