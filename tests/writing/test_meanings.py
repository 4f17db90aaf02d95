# SPDX-License-Identifier: Apache-2.0
"""A real embedding model, of random weights, beside a scripted one that writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.base import Backend
from backends.engine.scripted import write_script
from backends.errors import InvalidRequest, ModelNotFound
from backends.server_address import ServerSettings
from backends.types import OWN_EMBEDDINGS, ModelSettings
from studio.memory.remember import add_fact
from studio.project.memory_records import Author, Remembered, Statement
from studio.project.records import Brief, Mode, PlannedSection
from studio.project.store import Project
from studio.writing.meanings import ModelMeanings, meanings_of
from studio.writing.preview import next_section, preview
from studio.writing.runner import Runner
from studio.writing.session import open_model
from tests.models import WORDS, make_embedding_model

FACTS = ("the captain left a silver letter", "rain fell on the road", "a bird waited under the bridge")


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_embedding_model(tmp_path_factory.mktemp("models") / "bert.gguf")


def settings(folder: Path, embeddings: Path | str, **script: object) -> ModelSettings:
    path = write_script(folder / "model.script.json", **script)
    return ModelSettings(str(path), threads=1, embeddings=str(embeddings))


@pytest.fixture
def backend(tmp_path: Path, embedder: Path) -> Iterator[Backend]:
    with open_model(settings(tmp_path, embedder)) as opened:
        yield opened


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A storm", 240)) as made:
        made.set_plan("The Storm", (PlannedSection("Night", 120), PlannedSection("Morning", 120)))
        for text in FACTS:
            add_fact(made, Statement(text), Author.AUTHOR)
        made.memory.add_note("weather", tuple(" ".join(WORDS[n : n + 4]) for n in range(0, 160, 4)))
        yield made


def test_all_that_is_remembered_is_read_once(project: Project, backend: Backend) -> None:
    meanings = meanings_of(project, backend)
    assert meanings is not None
    model = backend.capabilities.embedding_model
    assert meanings.near(Remembered.NOTE, "storm", 8) == ()
    meanings.refresh(lambda: False)
    assert len(project.memory.meanings(Remembered.FACT, model)) == len(FACTS)
    assert len(project.memory.meanings(Remembered.NOTE, model)) == 40
    passage = project.memory.note_passages()[7]
    assert meanings.near(Remembered.NOTE, passage.text, 8)[0].id == passage.id


def test_reading_stops_when_it_is_told_to_and_keeps_what_was_read(project: Project, backend: Backend) -> None:
    meanings = ModelMeanings(project, backend)
    answers = iter((False, False, True))
    meanings.refresh(lambda: next(answers))
    model = backend.capabilities.embedding_model
    assert len(project.memory.meanings(Remembered.FACT, model)) == len(FACTS)
    assert len(project.memory.meanings(Remembered.NOTE, model)) == 32


def test_a_document_is_written_with_what_is_near(project: Project, backend: Backend) -> None:
    for _ in Runner(project, backend).write():
        pass
    assert project.words() > 200
    model = backend.capabilities.embedding_model
    for kind in (Remembered.FACT, Remembered.SUMMARY, Remembered.NOTE):
        assert project.memory.meanings(kind, model)


def test_a_preview_changes_nothing(project: Project, backend: Backend) -> None:
    path = project.info.path
    project.close()
    before = path.read_bytes()
    with Project.open(path, Mode.READ) as reader:
        section = next_section(reader)
        assert section is not None
        preview(reader, backend, section)
    assert path.read_bytes() == before


def test_without_embeddings_nothing_is_read(project: Project, tmp_path: Path) -> None:
    with open_model(settings(tmp_path, "")) as plain:
        assert meanings_of(project, plain) is None
        for _ in Runner(project, plain).write():
            pass
    assert project.memory.meanings(Remembered.FACT, "") == ()


def test_what_cannot_give_vectors_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="gives no vectors"):
        open_model(settings(tmp_path, OWN_EMBEDDINGS))
    with pytest.raises(ModelNotFound) as missing:
        open_model(settings(tmp_path, tmp_path / "none.gguf"))
    assert "--embeddings" in missing.value.hint
    with pytest.raises(InvalidRequest, match="on a server"):
        open_model(ServerSettings("http://127.0.0.1:9/v1", embeddings=OWN_EMBEDDINGS))
