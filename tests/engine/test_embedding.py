# SPDX-License-Identifier: Apache-2.0
"""Vectors of texts: of a model that writes, of one that does nothing else, and of none."""

from __future__ import annotations

import contextlib
import math
import random

import pytest

from backends.engine import open_embedder, open_engine
from backends.engine.base import Embedder
from backends.engine.scripted import write_script
from backends.errors import InvalidRequest, ModelInvalid, ModelNotFound
from backends.types import ModelSettings
from tests.models import WORDS, make_embedding_model, make_model

KINDS = ["llama", "mamba", "lfm2", "bert"]


@pytest.fixture(scope="module", params=KINDS)
def embedder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    with contextlib.ExitStack() as stack:
        if request.param == "bert":
            opened = open_embedder(ModelSettings(str(make_embedding_model(folder / "bert.gguf")), threads=1))
        else:
            path = make_model(folder / "model.gguf", architecture=request.param)
            engine = open_engine(ModelSettings(str(path), threads=1, context_tokens=512))
            stack.callback(engine.close)
            opened = engine.embedder()
        yield opened
        opened.close()
        with pytest.raises(InvalidRequest):
            opened.embed(["sea"])


def text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_vector_has_length_one_and_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    rng = random.Random(1)
    texts = [text(rng, rng.choice((1, 5, 20, 700))) for _ in range(40)]
    together = embedder.embed(texts)
    for vector, each in zip(together, texts, strict=True):
        assert math.isclose(cosine(vector, vector), 1.0, abs_tol=1e-3)
        assert cosine(vector, embedder.embed([each])[0]) > 0.999


def test_an_empty_text_means_nothing(embedder: Embedder) -> None:
    empty, full = embedder.embed(["", "sea"])
    assert not any(empty)
    assert any(full)
    assert embedder.embed([]) == []


def test_another_text_means_something_else(embedder: Embedder) -> None:
    one, other = embedder.embed(["the sea wind", "a silver letter from father"])
    assert cosine(one, other) < 0.999


def test_a_long_text_means_what_its_parts_mean(embedder: Embedder) -> None:
    part = text(random.Random(2), 8)
    once, often = embedder.embed([part, " ".join([part] * 300)])
    assert cosine(once, often) > 0.8


def test_vectors_of_another_file_or_pooling_are_told_apart(tmp_path) -> None:
    paths = [
        make_embedding_model(tmp_path / "one.gguf", seed=1),
        make_embedding_model(tmp_path / "two.gguf", seed=2),
        make_embedding_model(tmp_path / "first.gguf", seed=1, pooling=2),
    ]
    opened = [open_embedder(ModelSettings(str(path), threads=1)) for path in paths]
    assert len({each.identity for each in opened}) == 3
    assert all(each.capabilities.embedding_model == each.identity for each in opened)
    for each in opened:
        each.close()


def test_what_gives_no_vectors_is_refused(tmp_path) -> None:
    ranker = make_embedding_model(tmp_path / "ranker.gguf", pooling=4)
    with pytest.raises(ModelInvalid, match="ranks texts"):
        open_embedder(ModelSettings(str(ranker), threads=1))
    with pytest.raises(ModelNotFound):
        open_embedder(ModelSettings(str(tmp_path / "none.gguf")))
    script = open_engine(ModelSettings(str(write_script(tmp_path / "model.script.json"))))
    with pytest.raises(InvalidRequest, match="gives no vectors") as refused:
        script.embedder()
    assert "--embeddings" in refused.value.hint


def test_a_model_for_vectors_does_not_write(tmp_path) -> None:
    with pytest.raises(ModelInvalid, match="does not write"):
        open_engine(ModelSettings(str(make_embedding_model(tmp_path / "bert.gguf")), threads=1))
