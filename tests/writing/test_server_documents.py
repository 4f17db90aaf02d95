# SPDX-License-Identifier: Apache-2.0
"""Documents of 1,000 words through servers with bad habits: whatever they send, the length is the one asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.server_address import ServerSettings
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence, sentences
from studio.project.records import Brief, Status
from studio.project.store import Project
from studio.writing.errors import ModelSilent
from studio.writing.events import DocumentFinished, TextAdded, TextTakenBack
from studio.writing.runner import Runner
from studio.writing.session import open_model
from tests.backends.chat_author import HABITS, ChatAuthor
from tests.backends.openai_server import OpenAIServer

WORDS = 1000


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", WORDS), seed=7) as made:
        yield made


@pytest.mark.parametrize("habit", HABITS)
def test_a_document_has_its_length_and_nothing_else(project: Project, habit: str) -> None:
    shown: dict[int, str] = {}
    with OpenAIServer(ChatAuthor(habit)) as server, open_model(ServerSettings(server.address)) as backend:
        for event in Runner(project, backend).write():
            if isinstance(event, TextAdded):
                shown[event.section] = shown.get(event.section, "") + event.text
            elif isinstance(event, TextTakenBack):
                shown[event.section] = shown[event.section][: -event.characters]
        assert event == DocumentFinished(project.words(), WORDS)
    bodies = {leaf.id: project.text(leaf.id).body for leaf in project.leaves()}
    assert shown == bodies
    text = "\n\n".join(bodies.values())
    assert abs(count_words(text) - WORDS) <= 0.02 * WORDS
    assert all(map(ends_sentence, bodies.values()))
    lines = [text[span.start : span.end] for span in sentences(text)]
    assert len(set(lines)) == len(lines)
    for sign in ("#", "**", "```", "Sure", "Certainly", "Here", "Let me know", "Word count", "think>", "Of course"):
        assert sign not in text
    assert all(run.call.model == f"scripted at {server.address}" for run in project.runs())


def test_a_server_that_says_nothing_is_an_error_and_nothing_is_saved(project: Project) -> None:
    author = ChatAuthor("leaves all replies empty")
    with OpenAIServer(author) as server, open_model(ServerSettings(server.address)) as backend:
        with pytest.raises(ModelSilent) as raised:
            list(Runner(project, backend).write())
        assert raised.value.hint
        assert len(server.questions) < 20
    assert project.sections() == ()
    assert project.words() == 0


def test_a_server_that_falls_silent_while_writing_saves_nothing_of_the_section(project: Project) -> None:
    author, empty = ChatAuthor("plain"), ChatAuthor("leaves all replies empty")

    def answer(question):
        return author(question) if question.text.startswith("You plan") else empty(question)

    with OpenAIServer(answer) as server, open_model(ServerSettings(server.address)) as backend:
        with pytest.raises(ModelSilent):
            list(Runner(project, backend).write())
        assert len(server.questions) < 20
    first = project.leaves()[0]
    assert first.status is Status.WRITING
    assert project.revisions(first.id) == ()
    assert project.words() == 0
