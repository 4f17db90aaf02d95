# SPDX-License-Identifier: Apache-2.0
"""Vectors across the border: from the worker that writes, and from one of their own beside it."""

from __future__ import annotations

import os
import signal

import pytest

from backends.client import WorkerBackend
from backends.embedder import beside
from backends.engine.scripted import write_script
from backends.errors import InvalidRequest, ModelNotFound, WorkerLost
from backends.types import OWN_EMBEDDINGS, GenerationRequest, ModelSettings, Prompt
from tests.backends.fakes import alive, text_of
from tests.models import make_embedding_model, make_model

TEXTS = ["the sea", "a lamp in the tower", ""] * 20


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_embedding_model(tmp_path_factory.mktemp("models") / "bert.gguf")


@pytest.fixture
def writer(tmp_path):
    return WorkerBackend(ModelSettings(str(write_script(tmp_path / "model.script.json"))))


def test_the_model_that_writes_gives_vectors_where_it_was_told_to(tmp_path):
    path = str(make_model(tmp_path / "model.gguf"))
    with WorkerBackend(ModelSettings(path, threads=1)) as plain:
        assert plain.capabilities.embedding_model == ""
        with pytest.raises(InvalidRequest, match="not opened for embeddings"):
            plain.embed(["sea"])
        text = text_of(plain.generate(GenerationRequest(Prompt(raw="the sea"), max_tokens=20, seed=4)))
    with WorkerBackend(ModelSettings(path, threads=1, embeddings=OWN_EMBEDDINGS)) as both:
        assert both.capabilities.embedding_model
        vectors = both.embed(TEXTS)
        assert len(vectors) == len(TEXTS)
        assert vectors[:3] == vectors[3:6]
        assert text_of(both.generate(GenerationRequest(Prompt(raw="the sea"), max_tokens=20, seed=4))) == text


def test_a_model_without_vectors_is_not_opened_for_them(tmp_path):
    script = str(write_script(tmp_path / "model.script.json"))
    with pytest.raises(InvalidRequest, match="gives no vectors"):
        WorkerBackend(ModelSettings(script, embeddings=OWN_EMBEDDINGS))


def test_a_second_model_gives_vectors_beside_the_one_that_writes(writer, model):
    with beside(writer, ModelSettings(str(model), threads=1)) as both:
        assert both.capabilities.embedding_model
        assert both.capabilities.model_name == writer.capabilities.model_name
        assert [len(vector) for vector in both.embed(TEXTS)] == [32] * len(TEXTS)
        assert text_of(both.generate(GenerationRequest(Prompt(raw="Write."), max_tokens=5)))
        assert both.count_tokens(["one two"]) == writer.count_tokens(["one two"])
        assert both.stderr_tail.startswith(writer.stderr_tail)


def test_a_second_model_that_cannot_be_opened_closes_the_first(writer, tmp_path):
    pid = writer.worker_pid
    with pytest.raises(ModelNotFound):
        beside(writer, ModelSettings(str(tmp_path / "none.gguf")))
    assert not alive(pid)


def test_a_model_for_vectors_only_takes_no_requests(model):
    with WorkerBackend(ModelSettings(str(model), threads=1, only_embeds=True)) as embedder:
        with pytest.raises(InvalidRequest, match="No model is open"):
            list(embedder.generate(GenerationRequest(Prompt(raw="Write."), max_tokens=5)))
        assert any(embedder.embed(["sea"])[0])


def test_a_worker_that_dies_over_vectors_is_started_again(model):
    with WorkerBackend(ModelSettings(str(model), threads=1, only_embeds=True)) as embedder:
        before = embedder.embed(["sea"])
        assert embedder.worker_pid is not None
        os.kill(embedder.worker_pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        try:
            again = embedder.embed(["sea"])
        except WorkerLost:
            again = embedder.embed(["sea"])
        assert again == before
