# SPDX-License-Identifier: Apache-2.0
"""Each command, with a real project file and a fake backend."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backends.types import ModelSettings
from studio.cli.main import COMMANDS
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.states import states_folder

KEYS = {"project", "model", "seed", "words_target", "words", "sections", "requirements", "usage"}
USAGE = {"prompt_tokens", "cached_tokens", "completion_tokens", "seconds"}


def test_write_plans_writes_and_exports(longhand, backend):
    code, out, err = longhand(
        "write", "A story about a lighthouse", "--words", "700", "--out", "story.md", "--seed", "7"
    )
    assert (code, out) == (0, "")
    assert sorted(os.listdir()) == ["story.longhand", "story.md"]
    text = Path("story.md").read_text("utf-8")
    assert text.startswith("# ")
    assert "was seen by watcher" in text
    assert "starter model" in err
    assert "seed 7" in err
    assert "Section 1 of " in err
    assert "Written to story.md" in err
    assert backend.closed


def test_write_json_is_one_object_of_the_project(longhand, backend):
    code, out, _ = longhand("write", "A story", "--words", "700", "--out", "s.md", "--seed", "7", "--json")
    report = json.loads(out)
    assert code == 0
    assert set(report) == KEYS
    assert set(report["usage"]) == USAGE
    assert report["usage"]["completion_tokens"] > 600
    assert report["model"] == "starter"
    assert (report["seed"], report["words_target"]) == (7, 700)
    assert report["words"] == sum(section["words"] for section in report["sections"])
    assert abs(report["words"] - 700) <= 21
    assert all(section["title"] and section["target"] > 0 for section in report["sections"])
    assert report["project"] == str(Path("s.longhand").absolute())


def test_without_names_the_files_are_named_by_the_brief(longhand, backend):
    for _ in range(2):
        assert longhand("write", "Über alte Karten: a tale!", "--words", "100")[0] == 0
    assert sorted(os.listdir()) == [
        "über-alte-karten-a-tale-2.longhand",
        "über-alte-karten-a-tale-2.md",
        "über-alte-karten-a-tale.longhand",
        "über-alte-karten-a-tale.md",
    ]


def test_a_seed_is_chosen_and_kept_when_none_is_given(longhand, backend):
    _, out, err = longhand("write", "A story", "--words", "100", "--json")
    assert f"seed {json.loads(out)['seed']}," in err


def test_options_and_settings_reach_the_project_and_the_model(longhand, backend, tmp_path, monkeypatch):
    config = tmp_path / "settings.toml"
    config.write_text('kind = "report"\nlanguage = "de"\nmodel = "set.gguf"\nthreads = 3\ncontext = 1024\nstates = 7\n')
    monkeypatch.setenv("LONGHAND_CONFIG", str(config))
    Path("brief.txt").write_text("\ufeffEin Bericht über Ebbe.\n", encoding="utf-8")
    code, _, err = longhand(
        "plan", "brief.txt", "--words", "1,000", "--project", "p.longhand", "--gpu-layers", "4", "--threads", "2"
    )
    assert code == 0
    assert "starter" not in err
    states = str(states_folder(Path("p.longhand")))
    assert backend.opened == [ModelSettings(str(Path("set.gguf").absolute()), 1024, 2, 4, "", states, 7 << 20)]
    with Project.open(Path("p.longhand"), Mode.READ) as project:
        brief = project.info.brief
        assert (brief.text, brief.kind, brief.language, brief.words) == ("Ein Bericht über Ebbe.", "report", "de", 1000)
        assert project.info.model == str(Path("set.gguf").absolute())


def test_plan_stops_and_resume_writes(longhand, backend):
    code, out, err = longhand("plan", "A story", "--words", "700", "--project", "p.longhand")
    assert code == 0
    assert "0 of 700" in out
    assert "Go on with: longhand resume p.longhand" in err
    assert os.listdir() == ["p.longhand"]
    code, out, _ = longhand("resume", "p.longhand", "--json")
    assert code == 0
    assert abs(json.loads(out)["words"] - 700) <= 21
    assert Path("p.md").is_file()


def test_resume_takes_another_model_and_remembers_it(longhand, backend):
    longhand("plan", "A story", "--words", "100", "--project", "p.longhand")
    assert longhand("resume", "p.longhand", "--model", "other.gguf")[0] == 0
    assert backend.opened[-1].path == str(Path("other.gguf").absolute())
    with Project.open(Path("p.longhand"), Mode.READ) as project:
        assert project.info.model == str(Path("other.gguf").absolute())


def test_resume_of_a_finished_document_needs_no_model(longhand, backend):
    longhand("write", "A story", "--words", "100", "--out", "s.md")
    Path("s.md").write_text("edited")
    opened = len(backend.opened)
    code, _, err = longhand("resume", "s.longhand")
    assert code == 0
    assert "left as it is" in err
    assert longhand("resume", "s.longhand", "--out", "new.md")[0] == 0
    assert longhand("resume", "s.longhand", "--out", "s.md")[0] == 2
    assert Path("s.md").read_text() == "edited"
    assert Path("new.md").read_text("utf-8").startswith("# ")
    assert len(backend.opened) == opened


def test_a_plan_is_taken_out_edited_and_taken_back(longhand, backend, tmp_path):
    longhand("plan", "A story", "--words", "700", "--project", "p.longhand")
    assert longhand("plan", "p.longhand", "--export", "plan.yaml")[0] == 0
    text = Path("plan.yaml").read_text("utf-8")
    Path("edited.yaml").write_text(text.replace("words: 700", "words: 650"), "utf-8")
    code, out, _ = longhand("plan", "p.longhand", "--import", "edited.yaml")
    assert code == 0
    assert "0 of 650" in out
    code, _, err = longhand("plan", "p.longhand", "--import", "edited.yaml")
    assert code == 2
    assert "another one" in err
    assert longhand("plan", "p.longhand", "--export", "plan.yaml")[0] == 2
    assert longhand("plan", "A story")[0] == 2
    assert longhand("plan", "A story", "--words", "700", "--edit")[0] == 2


def test_outlines_are_shown_and_one_is_chosen(longhand, backend):
    code, out, _ = longhand("plan", "A story", "--words", "2000", "--outlines", "2", "--project", "p.longhand")
    assert code == 0
    assert "Outline 1" in out
    assert "Diversity" in out
    assert longhand("plan", "p.longhand", "--choose", "9")[0] == 2
    code, out, _ = longhand("plan", "p.longhand", "--choose", "1")
    assert code == 0
    assert "0 of 2,000" in out
    assert longhand("plan", "p.longhand", "--choose", "1")[0] == 2


def test_status_and_export_show_an_unfinished_document(longhand, backend):
    longhand("plan", "A story", "--words", "700", "--project", "p.longhand")
    code, out, _ = longhand("status", "p.longhand")
    assert code == 0
    assert "Words    0 of 700" in out
    assert "1  " in out
    code, out, _ = longhand("status", "p.longhand", "--json")
    report = json.loads(out)
    assert set(report) == KEYS | {"title", "finished"}
    assert report["finished"] is False
    code, _, err = longhand("export", "p.longhand", "--out", "p.md")
    assert code == 0
    assert "not finished" in err
    assert Path("p.md").read_text("utf-8").count("\n## ") == len(report["sections"])
    assert longhand("export", "p.longhand", "--out", "p.md")[0] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_everything_and_says_how_to_go_on(longhand, backend, number):
    backend._on_delta = lambda count: signal.raise_signal(number) if count == 200 else None
    code, out, err = longhand(
        "write", "A story", "--words", "700", "--out", "s.md", "--project", "my p.longhand", "--json"
    )
    assert (code, out) == (130, "")
    assert "Go on with: longhand resume 'my p.longhand' --out s.md" in err
    assert not Path("s.md").exists()
    with Project.open(Path("my p.longhand"), Mode.READ) as project:
        kept = project.words()
    assert 100 < kept < 250
    code, out, _ = longhand("resume", "my p.longhand", "--out", "s.md", "--json")
    assert code == 0
    assert abs(json.loads(out)["words"] - 700) <= 21


def test_a_second_signal_stops_at_once(longhand, backend):
    def insist(count):
        if count >= 100:
            signal.raise_signal(signal.SIGINT)

    backend.cancel = lambda request_id: None
    backend._on_delta = insist
    code, _, err = longhand("write", "A story", "--words", "700", "--out", "s.md")
    assert code == 130
    assert "Go on with: longhand resume s.longhand" in err
    with Project.open(Path("s.longhand")) as project:
        assert project.words() > 50


def test_a_signal_while_the_plan_is_made(longhand, backend):
    backend._on_delta = lambda count: signal.raise_signal(signal.SIGINT)
    assert longhand("plan", "A story", "--words", "700", "--project", "p.longhand")[0] == 130
    backend._on_delta = lambda count: None
    assert longhand("resume", "p.longhand")[0] == 0


def test_the_display_needed_by_the_window_is_asked_for(longhand, monkeypatch):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    code, _, err = longhand("gui")
    assert code == 2
    assert "no display" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_stands_in_the_readme(longhand, command, capsys):
    with pytest.raises(SystemExit) as ended:
        longhand(command, "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert COMMANDS[command].lower() in " ".join(shown.lower().split())
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f"longhand {command}" in readme


def test_every_option_is_explained(longhand, capsys):
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            longhand(command, "--help")
        lines = capsys.readouterr().out.splitlines()
        bare = [line for line in lines if line.startswith("  -") and len(line.split()) < 3]
        names = [line.split()[0] for line in bare]
        following = [lines[lines.index(line) + 1] for line in bare]
        assert all(line.startswith(" " * 10) for line in following), names


def test_help_is_quick():
    code = "import time; t = time.perf_counter(); import studio.cli.main as m\ntry: m.main(['--help'])\nexcept SystemExit: pass\nimport sys; print(time.perf_counter() - t, file=sys.stderr)"
    root = Path(__file__).parents[2]
    runs = [
        float(subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stderr)
        for _ in range(5)
    ]
    assert sorted(runs)[2] < 0.3
