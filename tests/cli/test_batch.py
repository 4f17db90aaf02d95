# SPDX-License-Identifier: Apache-2.0
"""``longhand batch`` and ``longhand status DIR`` from the command line."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path

import pytest

from backends.remote import RemoteBackend
from studio.cli import run
from studio.cli.bars import LiveLines, bar, padded
from studio.cli.screen import width_of
from tests.backends.chat_author import ChatAuthor
from tests.backends.openai_server import OpenAIServer, Reply
from tests.batch.authors import SharedAuthor


@pytest.fixture
def author(monkeypatch):
    made = SharedAuthor()
    monkeypatch.setattr(run, "open_model", lambda settings: made)
    return made


def write_jobs(*names, **more):
    lines = [json.dumps({"name": name, "brief": f"A story called {name}", "words": 150, **more}) for name in names]
    Path("jobs.jsonl").write_text("\n".join(lines), "utf-8")


def test_a_job_file_becomes_documents_a_report_and_one_object(longhand, author):
    write_jobs("a", "b", "c", formats=["md", "docx"])
    code, out, err = longhand("batch", "jobs.jsonl", "--out", "books/new", "--parallel", "2", "--json")
    assert code == 0, err
    report = json.loads(out)
    assert [(each["name"], each["state"]) for each in report["documents"]] == [
        ("a", "done"),
        ("b", "done"),
        ("c", "done"),
    ]
    assert (report["done"], report["failed"], report["words_target"]) == (3, 0, 450)
    assert author.most_at_once == 2
    names = sorted(path.name for path in Path("books/new").iterdir())
    files = [f"{name}.{suffix}" for name in "abc" for suffix in ("docx", "longhand", "md")]
    assert names == ["_batch.ledger", "_report.html", *files]
    page = Path("books/new/_report.html").read_text("utf-8")
    assert page.count("<svg") == 4
    assert "http" not in page
    assert "<script" not in page
    assert "3 of 3 documents finished" in err
    assert "█" not in err
    assert longhand("batch", "jobs.jsonl", "--out", "books/new")[0] == 0


def test_failures_are_named_and_are_the_exit_code(longhand, monkeypatch):
    from backends.errors import ContextOverflow

    spoiled = SharedAuthor(lambda request: ContextOverflow("It is too long.") if "called b" in str(request) else None)
    monkeypatch.setattr(run, "open_model", lambda settings: spoiled)
    write_jobs("a", "b")
    code, _, err = longhand("batch", "jobs.jsonl", "--out", "out")
    assert (code, "b failed: It is too long." in err) == (1, True)
    code, out, _ = longhand("status", "out")
    assert code == 1
    assert "1 of 2 documents finished, 1 failed" in out
    code, out, _ = longhand("status", "out", "--json", "--report", "r.html")
    assert [each["error"] for each in json.loads(out)["documents"]] == ["", "It is too long."]
    assert "It is too long." in Path("r.html").read_text("utf-8")


def test_ctrl_c_stops_with_everything_kept_and_the_same_command_goes_on(longhand, author):
    write_jobs("a", "b", "c")
    author._on_delta = lambda count: signal.raise_signal(signal.SIGINT) if count == 60 else None
    number = iter(range(1, 10**6))
    next_event = author.next_event
    author.next_event = lambda timeout=None: (author._on_delta(next(number)), next_event(timeout))[1]
    code, _, err = longhand("batch", "jobs.jsonl", "--out", "out")
    assert (code, "the same command again goes on" in err) == (130, True)
    author._on_delta = lambda count: None
    code, _, err = longhand("batch", "jobs.jsonl", "--out", "out")
    assert (code, "3 of 3 documents finished" in err) == (0, True)


def test_wrong_lines_are_said_at_once_and_nothing_is_made(longhand, author):
    Path("jobs.jsonl").write_text('{"name": "a"}\n[]\n{"name": "b", "brief": "B", "words": 100}\n', "utf-8")
    code, _, err = longhand("batch", "jobs.jsonl", "--out", "out")
    assert code == 2
    assert "2 lines of jobs.jsonl cannot be used" in err
    assert "line 1: brief and words must be given" in err
    assert "line 2: it is not a JSON object" in err
    assert not Path("out").exists()
    assert longhand("batch", "none.jsonl", "--out", "out")[0] == 2
    write_jobs("a")
    Path("file").touch()
    assert longhand("batch", "jobs.jsonl", "--out", "file/out")[0] == 2
    assert longhand("status", ".")[0] == 2
    assert longhand("batch", "jobs.jsonl", "--out", "out", "--parallel", "0")[0] == 2


def test_documents_are_written_through_a_server_several_at_once(longhand):
    with OpenAIServer(ChatAuthor("chats around the text")) as server:
        # Two in a hundred are what servers are held to at this length; of 150 words a sentence is eight.
        write_jobs("a", "b", "c", words=1000)
        code, out, err = longhand("batch", "jobs.jsonl", "--out", "out", "--endpoint", server.address, "--json")
    assert code == 0, err
    assert all(abs(each["length_error"]) <= 0.02 for each in json.loads(out)["documents"])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(("<html>not a model</html>",), status=404), "404"),
        (Reply((b'{"error": {"message": "no"}}',), status=400), "no"),
        (Reply((b"data: {nonsense}\n\n",), finish=""), "not JSON"),
    ],
)
def test_what_a_server_does_to_one_document_leaves_the_others(longhand, reply, words, monkeypatch):
    monkeypatch.setattr("studio.writing.writer.MAX_FAILURES", 2)
    monkeypatch.setattr("studio.writing.runner.MAX_FAILURES", 2)
    monkeypatch.setitem(RemoteBackend.__init__.__kwdefaults__, "retry_seconds", (0.01,))
    author = ChatAuthor("plain")
    with OpenAIServer(lambda question: reply if "called b" in question.text else author(question)) as server:
        write_jobs("a", "b", "c")
        code, _, err = longhand("batch", "jobs.jsonl", "--out", "out", "--endpoint", server.address)
    assert code == 1
    assert "2 of 3 documents finished, 1 failed" in err
    line = next(line for line in err.splitlines() if line.startswith("b failed:"))
    assert words in line


def test_a_server_that_is_down_or_wants_another_key_is_one_line(longhand):
    write_jobs("a", "b")
    code, _, err = longhand("batch", "jobs.jsonl", "--out", "out", "--endpoint", "http://127.0.0.1:9")
    assert (code, err.count("cannot be reached")) == (1, 1)
    with OpenAIServer(lambda _: Reply(), key="other") as server:
        code, _, err = longhand("batch", "jobs.jsonl", "--out", "out", "--endpoint", server.address)
    assert (code, err.count("LONGHAND_API_KEY")) == (2, 1)
    assert "failed" not in err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_fill_from_empty_to_full():
    assert bar(0, 4) == "░░░░"
    assert bar(0.5, 4) == "██░░"
    assert bar(2, 4) == "████"
    assert len({bar(share / 32, 4) for share in range(33)}) == 33
    assert width_of(padded("灯台守と海図の物語", 10)) == 10


def test_live_lines_are_drawn_over_and_lines_stay_above_them(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LINES", "3")
    monkeypatch.setenv("COLUMNS", "20")
    screen = LiveLines(Terminal())
    assert screen.due
    screen.draw(["one", "two", "three", "all"])
    screen.line("said")
    shown = screen._stream.getvalue()
    assert shown == "\x1b[2Kone\n\x1b[2Kall\n\x1b[J\x1b[2F\x1b[Jsaid\n"
    quiet = LiveLines(io.StringIO())
    quiet.draw(["one"])
    assert not quiet.due
    assert quiet._stream.getvalue() == ""
