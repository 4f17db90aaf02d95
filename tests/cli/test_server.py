# SPDX-License-Identifier: Apache-2.0
"""Commands with a model on a server, from the command line to the server's socket."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backends.remote import RemoteBackend
from backends.server_address import ServerSettings
from studio.cli import run
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.supervised import SupervisedBackend
from tests.backends.chat_author import ChatAuthor
from tests.backends.openai_server import MODEL, OpenAIServer, Reply


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("LONGHAND_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_document_is_written_and_resumed_through_a_server(longhand, monkeypatch):
    monkeypatch.setenv("LONGHAND_API_KEY", "sk-secret")
    with OpenAIServer(ChatAuthor("chats around the text"), key="sk-secret") as server:
        asked = ("--endpoint", server.address.removesuffix("/v1"), "--model", MODEL)
        assert longhand("plan", "A story", "--words", "300", "--project", "s.longhand", *asked)[0] == 0
        code, out, err = longhand("resume", "s.longhand", "--json")
        assert code == 0, err
        assert abs(json.loads(out)["words"] - 300) <= 6
        assert "starter" not in err
    with Project.open(Path("s.longhand"), Mode.READ) as project:
        assert project.info.model == f"{server.address}#{MODEL}"
        assert {call.call.model for call in project.runs()} == {f"{MODEL} at {server.address}"}
    assert b"sk-secret" not in Path("s.longhand").read_bytes()
    assert Path("s.md").read_text("utf-8").startswith("# ")


def test_a_server_that_says_nothing_is_an_error_and_writes_no_file(longhand):
    with OpenAIServer(lambda _: Reply()) as server:
        code, _, err = longhand("write", "A story", "--words", "300", "--out", "s.md", "--endpoint", server.address)
    assert code == 1
    assert "empty" in err
    assert "longhand resume s.longhand" in err
    assert not Path("s.md").exists()


def test_what_is_wrong_with_a_server_is_said_before_anything_is_made(longhand):
    def refused(*options):
        code, _, err = longhand("write", "A story", "--words", "300", "--out", "s.md", *options)
        assert not list(Path.cwd().iterdir())
        return code, err

    code, err = refused("--endpoint", "http://example.org/v1", "--model", "m")
    assert (code, "not encrypted" in err, "--plain-http" in err) == (2, True, True)
    code, err = refused("--endpoint", "localhost", "--model", "m")
    assert (code, "not the address" in err) == (2, True)
    code, err = refused("--endpoint", "http://127.0.0.1:9/v1", "--model", "m")
    assert (code, "cannot be reached" in err) == (1, True)
    with OpenAIServer(lambda _: Reply(), key="other") as server:
        code, err = refused("--endpoint", server.address)
        assert (code, "LONGHAND_API_KEY" in err) == (2, True)
    with OpenAIServer(lambda _: Reply()) as server:
        code, err = refused("--endpoint", server.address, "--model", "wrong")
        assert (code, MODEL in err) == (2, True)


def test_text_that_leaves_the_machine_is_announced_once_and_first(longhand, monkeypatch):
    class Away(RemoteBackend):
        """A server on loopback that passes for one that is far away."""

        @property
        def capabilities(self):
            return replace(super().capabilities, leaves_machine=True)

    with OpenAIServer(ChatAuthor("plain")) as server:
        monkeypatch.setattr(run, "open_model", lambda _: SupervisedBackend(Away(ServerSettings(server.address))))
        code, _, err = longhand("write", "A story", "--words", "100", "--out", "s.md", "--endpoint", server.address)
    assert code == 0
    line = f"The brief and the text leave this machine: {MODEL} runs at {server.address}."
    assert err.count(line) == 1
    assert err.index(line) < err.index("Plan: ")
