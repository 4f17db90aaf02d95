# SPDX-License-Identifier: Apache-2.0
"""The starter model's recipe: the generator is deterministic and agrees with itself, conversion keeps the numbers."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from resources.starter.document import (
    REPORTS,
    Document,
    Scene,
    Section,
    earlier_scenes,
    plan_document,
    write_document,
)
from resources.starter.examples import chat_text, last_words, world_examples
from resources.starter.phrases import load_events, title_case, with_article
from resources.starter.world import is_held_out, story_world
from studio.prompt_templates import prompt_version

STARTER = Path(__file__).parents[2] / "resources" / "starter" / "starter.gguf"
MAX_BYTES = 32_000_000


def _examples(seed: int, worlds: int, wide: bool = False) -> list:
    rng = random.Random(seed)
    return [example for _ in range(worlds) for example in world_examples(rng, wide=wide)]


def test_same_seed_gives_the_same_examples() -> None:
    assert _examples(5, 20) == _examples(5, 20)
    assert _examples(5, 20) != _examples(6, 20)


def test_prompts_are_rendered_and_nothing_is_left_unfilled() -> None:
    for example in (*_examples(3, 60), *_examples(3, 60, wide=True)):
        text = chat_text(example.fields) + example.answer
        assert text.startswith("<|im_start|>system\n")
        assert not re.search(r"[{}\[\]|]", example.answer) or example.task == "plan", example.answer
        assert len(text.split()) < 1400


def test_plans_have_the_number_of_sections_asked_for() -> None:
    plans = [example for example in _examples(4, 80) if example.task == "plan"]
    assert plans
    for example in plans:
        plan = json.loads(example.answer)
        assert json.dumps(plan, ensure_ascii=False) == example.answer
        assert len(plan["sections"]) == example.fields.sections
        assert all(2 <= len(section["points"]) <= 4 for section in plan["sections"])


def test_length_asked_for_is_the_length_of_the_passage() -> None:
    for example in _examples(7, 60):
        if example.task == "write":
            assert example.fields.words == pytest.approx(len(example.answer.split()), rel=0.07, abs=11)


def test_what_is_used_up_stands_before_the_passage_and_not_in_it() -> None:
    shown = [example for example in _examples(11, 80) if example.task == "write" and example.fields.used]
    assert len(shown) > 10
    for example in shown:
        assert not any(phrase in example.answer for phrase in example.fields.used)


def test_prompts_show_chapters_and_earlier_ones_as_the_studio_does() -> None:
    fields = [example.fields for example in _examples(12, 80) if example.task == "write"]
    deep = [each for each in fields if each.chapter]
    assert len(deep) > 20
    for each in deep:
        chapter = each.chapter[0].number.partition(".")[0]
        assert all(entry.number.startswith(f"{chapter}.") for entry in each.chapter)
        assert all("." not in entry.number and not entry.points for entry in each.plan)
    assert any(each.earlier for each in deep)
    assert any(each.chapter_passages for each in deep)
    assert any(each.pinned for each in fields)
    assert any(each.references for each in fields)


def test_a_report_that_tells_of_everything_has_no_earlier_chapters() -> None:
    document = plan_document(random.Random(2), 20, story=False)
    told = {scene.event.name for section in document.sections for scene in section.scenes}
    assert all(scene.event.name not in told for scene in earlier_scenes(document, 4))
    scenes = [Scene(event, {}, "", "", "") for event in load_events(*REPORTS)]
    assert earlier_scenes(Document(document.kind, document.world, "", "", [Section("", scenes)]), 4) == []


def test_text_between_two_passages_has_the_length_that_is_missing() -> None:
    extensions = [example for example in _examples(13, 200) if example.task == "extend"]
    assert extensions
    for example in extensions:
        fields = example.fields
        assert fields.words == fields.wanted - fields.has == len(example.answer.split())
        assert fields.before not in example.answer
        assert fields.after not in example.answer


def test_a_document_does_not_repeat_a_sentence() -> None:
    repeated, total = 0, 0
    for seed in range(10):
        document = plan_document(random.Random(seed), 4, story=True, wide=seed > 4)
        write_document(document)
        text = " ".join(scene.passage for section in document.sections for scene in section.scenes)
        sentences = [s for s in re.split(r"(?<=[.!?])\s+", text) if len(s.split()) >= 8]
        repeated += len(sentences) - len(set(sentences))
        total += len(sentences)
    assert repeated <= 0.01 * total


def test_held_out_names_never_meet_training_names() -> None:
    for seed in range(30):
        for held_out in (False, True):
            people = story_world(random.Random(seed), held_out).people.values()
            assert all(is_held_out(person.name.split()[0]) == held_out for person in people if " " not in person.name)


def test_last_words_are_whole_sentences_on_one_line() -> None:
    assert last_words("One two.\n\nThree four. Five six.", 4) == "Three four. Five six."
    assert last_words("A sentence of six words here.", 2) == "A sentence of six words here."


def test_phrases() -> None:
    assert with_article("old map") == "an old map"
    assert with_article("boots") == "some boots"
    assert title_case("the map in the Dark of {x}") == "The Map in the Dark of {x}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """A tiny untrained model and its GGUF."""
    torch = pytest.importorskip("torch", reason="the training of the starter model needs torch")
    pytest.importorskip("gguf", reason="the conversion of the starter model needs gguf")
    pytest.importorskip("tokenizers", reason="the tokenizer of the starter model needs tokenizers")
    from resources.starter.convert import write_gguf
    from resources.starter.dataset import generated
    from resources.starter.model import ModelShape, StarterModel
    from resources.starter.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    texts = (chat_text(example.fields) + example.answer for example in generated(1, 30))
    tokenizer = train_tokenizer(texts, folder / "tokenizer.json")
    torch.manual_seed(0)
    shape = ModelShape(vocabulary=tokenizer.get_vocab_size(), width=256, heads=4, feed_forward=256, layers=3)
    model = StarterModel(shape)
    write_gguf(model, folder / "tokenizer.json", folder / "tiny.gguf")
    return model, tokenizer, folder / "tiny.gguf"


def test_untrained_model_copies(tiny: tuple) -> None:
    import torch

    model, _, _ = tiny
    half = torch.randint(10, model.shape.vocabulary, (2, 100), generator=torch.Generator().manual_seed(1))
    ids = torch.cat((half, half), 1)
    with torch.no_grad():
        right = model(ids)[:, 100:-1].argmax(-1) == ids[:, 101:]
    assert right.float().mean() > 0.15


def test_llama_cpp_computes_the_same_logits(tiny: tuple) -> None:
    pytest.importorskip("llama_cpp", reason="the comparison needs llama-cpp-python")
    import numpy as np
    import torch

    from resources.starter.measure import open_model

    model, tokenizer, path = tiny
    text = chat_text(_examples(9, 1)[0].fields)
    ids = tokenizer.encode(text).ids[:200]
    engine = open_model(path, threads=1, logits_all=True)
    assert engine.tokenize(text.encode(), add_bos=False, special=True)[:200] == ids
    engine.eval(ids)
    with torch.no_grad():
        ours = model(torch.tensor([ids]))[0].numpy()
    theirs = np.array(engine.scores[: len(ids)])
    assert np.abs(ours - theirs).max() < 0.25
    assert (ours.argmax(-1) == theirs.argmax(-1)).mean() > 0.98


def test_shipped_model_fits_the_prompts() -> None:
    if not STARTER.exists():
        pytest.skip("starter.gguf has not been made yet (python -m resources.starter.make)")
    gguf = pytest.importorskip("gguf", reason="reading the metadata needs gguf")
    assert STARTER.stat().st_size <= MAX_BYTES
    fields = gguf.GGUFReader(STARTER).fields
    assert fields["longhand.prompt_version"].contents() == prompt_version()
    assert fields["general.name"].contents() == "Longhand starter"
    assert fields["llama.context_length"].contents() == 2048
    assert "<|im_start|>" in fields["tokenizer.chat_template"].contents()


def test_a_run_that_goes_on_has_the_rates_of_its_own_settings() -> None:
    torch = pytest.importorskip("torch", reason="the training of the starter model needs torch")
    from resources.starter.train import TrainSettings, make_optimisers, restore

    named = [("layer", torch.nn.Parameter(torch.ones(4, 4))), ("norm", torch.nn.Parameter(torch.ones(4)))]
    first = make_optimisers(named, TrainSettings(100, matrix_rate=0.5, embedding_rate=0.4))
    for _, parameter in named:
        parameter.grad = torch.ones_like(parameter)
    for optimiser in first:
        optimiser.step()
    later = make_optimisers(named, TrainSettings(100, matrix_rate=0.05, embedding_rate=0.04))
    restore(later, [optimiser.state_dict() for optimiser in first])
    assert [optimiser.param_groups[0]["peak"] for optimiser in later] == [0.05, 0.04]
    assert torch.equal(later[0].state[named[0][1]]["velocity"], first[0].state[named[0][1]]["velocity"])
