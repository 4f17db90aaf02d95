# SPDX-License-Identifier: Apache-2.0
"""The main job with the real program: brief in, document out, whatever is killed meanwhile."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from backends.engine.scripted import write_script
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence, sentences
from studio.writing.endings import whole_sentences
from studio.writing.session import starter_model
from tests.end2end.program import Program, is_alive, longhand, texts_in, wait_for, words_in

BRIEF = "A report on a harbour town and its ferries"
WORDS = 800
TOLERANCE = 0.03
KILLS = 10

linux = pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")


def test_500_words_with_json(tmp_path, quick):
    done = longhand(
        tmp_path, "write", BRIEF, "--words", 500, "--model", quick, "--out", "town.md", "--seed", 11, "--json"
    )
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert set(report) == {"project", "model", "seed", "words_target", "words", "sections", "usage", "requirements"}
    assert set(report["usage"]) == {"prompt_tokens", "cached_tokens", "completion_tokens", "seconds"}
    assert report["model"] == str(quick)
    assert (report["seed"], report["words_target"]) == (11, 500)
    assert abs(report["words"] - 500) <= 500 * TOLERANCE
    assert [set(section) for section in report["sections"]] == [{"title", "target", "words"}]
    assert report["usage"]["completion_tokens"] > 500
    assert 0 <= report["usage"]["cached_tokens"] <= report["usage"]["prompt_tokens"]
    assert report["usage"]["seconds"] > 0
    check_document(tmp_path / "town.longhand", tmp_path / "town.md", 500)
    assert sorted(os.listdir(tmp_path)) == ["quick.script.json", "town.longhand", "town.md"]


def test_the_same_seed_gives_the_same_text(tmp_path, quick):
    for name in ("one.md", "two.md"):
        done = longhand(tmp_path, "write", BRIEF, "--words", 150, "--model", quick, "--out", name, "--seed", 5)
        assert done.code == 0, done.err
    assert (tmp_path / "one.md").read_text() == (tmp_path / "two.md").read_text()


@pytest.mark.parametrize("seed", range(2))
def test_ctrl_c_keeps_everything_and_resume_finishes(tmp_path, slow_writer, seed):
    project = tmp_path / "town.longhand"
    program = start(tmp_path, slow_writer, seed)
    wait_until_written(program, project, random.Random(seed).uniform(0.05, 0.7))
    program.interrupt()
    done = program.end()
    assert done.code == 130, done.err
    assert done.out == ""
    assert "Go on with: longhand resume town.longhand" in done.err
    assert "Traceback" not in done.err
    kept = texts_in(project)
    assert not (tmp_path / "town.md").exists()
    resume(tmp_path)
    check_continuation(kept, project)
    check_document(project, tmp_path / "town.md")


def test_ctrl_c_while_the_model_is_loaded_leaves_nothing(tmp_path, slow_writer):
    program = start(tmp_path, slow_writer, 1)
    program.worker()
    program.interrupt()
    done = program.end()
    assert done.code == 130
    assert "Traceback" not in done.err
    if not (tmp_path / "town.longhand").exists():
        assert sorted(os.listdir(tmp_path)) == ["slow.script.json"]


def test_status_reads_beside_the_writer_and_a_second_writer_is_refused(tmp_path, slow_writer):
    project = tmp_path / "town.longhand"
    program = start(tmp_path, slow_writer, 1)
    wait_until_written(program, project, 0.1)
    status = longhand(tmp_path, "status", "town.longhand", "--json")
    assert status.code == 0, status.err
    assert json.loads(status.out)["words"] > 0
    refused = longhand(tmp_path, "resume", "town.longhand")
    assert program.running
    assert refused.code == 2
    assert "Traceback" not in refused.err
    assert len(refused.err.strip().splitlines()) == 2
    assert program.end().code == 0
    check_document(project, tmp_path / "town.md")


def test_text_is_stored_at_least_once_a_second(tmp_path):
    """Seen from outside while one section is written, with half a second for a busy machine.

    Its ending comes last and at once: it is chosen of several that were no text of the document before.
    """
    model = write_script(tmp_path / "steady.script.json", behaviour="endless_paragraph", delay_ms=4.0)
    words = ("write", BRIEF, "--words", 400, "--model", model, "--out", "town.md", "--seed", 1)
    program, project = Program(tmp_path, *words), tmp_path / "town.longhand"
    changes, seen = [], 0
    while program.running:
        if project.exists() and (now := words_in(project)) != seen:
            seen = now
            changes.append(time.monotonic())
        time.sleep(0.02)
    assert program.end().code == 0
    assert len(changes) >= 4
    assert max(after - before for before, after in itertools.pairwise(changes[:-1])) < 1.5


@pytest.mark.skipif(starter_model() is None, reason="the starter model is not installed")
def test_the_starter_model_writes(tmp_path):
    brief = "A story about a lighthouse keeper"
    done = longhand(tmp_path, "write", brief, "--words", 500, "--seed", 3, "--out", "s.md", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["model"] == "starter"
    assert abs(report["words"] - 500) <= 500 * TOLERANCE
    lines = done.err.splitlines()
    assert len([line for line in lines if "starter model" in line and "--model" in line]) == 1


def kills(short: int):
    """Seeded moments; all of them are slow, the first ones are in every run."""
    return [pytest.param(seed, marks=[pytest.mark.slow] if seed >= short else []) for seed in range(KILLS)]


@pytest.mark.parametrize("seed", kills(short=2))
def test_a_killed_program_loses_nothing(tmp_path, slow_writer, seed):
    project = tmp_path / "town.longhand"
    program = start(tmp_path, slow_writer, seed)
    moment = random.Random(seed)
    worker = program.worker() if sys.platform == "linux" else None
    # Seed 0 is killed while it plans.
    wait_until_written(program, project, moment.uniform(0.0, 0.7) if seed else 0.0)
    before = texts_in(project)
    time.sleep(moment.uniform(0.0, 0.2))
    program.kill()
    assert program.end().code == -signal.SIGKILL
    kept = texts_in(project)
    check_continuation(before, project)
    if worker is not None:
        wait_for(lambda: not is_alive(worker), "the end of the orphaned worker")
    resume(tmp_path)
    check_continuation(kept, project)
    check_document(project, tmp_path / "town.md")


@linux
@pytest.mark.parametrize("seed", kills(short=2))
def test_a_killed_worker_loses_nothing(tmp_path, slow_writer, seed):
    project = tmp_path / "town.longhand"
    program = start(tmp_path, slow_writer, seed)
    moment = random.Random(1000 + seed)
    worker = program.worker()
    wait_until_written(program, project, moment.uniform(0.0, 0.7) if seed else 0.0)
    before = texts_in(project)
    time.sleep(moment.uniform(0.0, 0.2))
    os.kill(worker, signal.SIGKILL)
    done = program.end()
    assert done.code == 0, done.err
    check_continuation(before, project)
    check_document(project, tmp_path / "town.md")


def start(folder: Path, model: Path, seed: int) -> Program:
    words = ("write", BRIEF, "--words", WORDS, "--kind", "report", "--model", model, "--out", "town.md", "--seed", seed)
    return Program(folder, *words)


def wait_until_written(program: Program, project: Path, share: float) -> None:
    wait_for(lambda: project.exists() and words_in(project) >= share * WORDS, f"{share:.0%} of the text", program)


def resume(folder: Path) -> None:
    done = longhand(folder, "resume", "town.longhand")
    assert done.code == 0, done.err


def check_continuation(kept: list[tuple[str, str]], project: Path) -> None:
    """What was on the disk is still there: all that was settled, and the whole sentences of the tail."""
    now = texts_in(project)
    for (body, tail), (final, rest) in zip(kept, now, strict=False):
        assert (final + rest).startswith(body + whole_sentences(tail))


def check_document(project: Path, output: Path, words: int = WORDS) -> None:
    """The document is whole: right length, sound paragraphs, no sentence twice, and the output says the same."""
    bodies = [body for body, tail in texts_in(project) if not tail]
    assert len(bodies) == len(texts_in(project))
    assert abs(sum(map(count_words, bodies)) - words) <= words * TOLERANCE
    paragraphs = [paragraph for body in bodies for paragraph in body.split("\n\n")]
    for paragraph in paragraphs:
        assert ends_sentence(paragraph), paragraph
        assert paragraph[0].isupper(), paragraph
    told = Counter(
        paragraph[span.start : span.end].strip() for paragraph in paragraphs for span in sentences(paragraph)
    )
    assert not [sentence for sentence, times in told.items() if times > 1]
    lines = output.read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == paragraphs
