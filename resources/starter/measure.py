# SPDX-License-Identifier: Apache-2.0
"""Measures the converted model in llama.cpp on held-out worlds and on briefs typed by hand; writes measured.json."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import llama_cpp
import numpy as np
import torch
from tokenizers import Tokenizer

from resources.starter.dataset import generated
from resources.starter.examples import Example, chat_text
from resources.starter.model import StarterModel
from studio.planning.planner import plan_grammar
from studio.prompt_templates import PlanFields, PromptFields, WriteFields

_MEASURE_SEED = 700_001
_MAX_ANSWER_TOKENS = 700
_LOOP_SHARE = 0.2
_SAMPLE_CHARACTERS = 1500
_COMMON = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "of",
        "to",
        "in",
        "on",
        "at",
        "by",
        "for",
        "with",
        "from",
        "is",
        "are",
        "be",
        "her",
        "his",
        "their",
        "its",
        "how",
        "what",
        "who",
        "about",
    ]
)
FREE_BRIEFS = (
    "A story of 2,000 words about a lighthouse keeper who finds a map",
    "A boy builds a rocket in his garden.",
    "A short story about an old nurse who looks for her lost sister",
    "Write a story about a fox who wants to learn to read.",
    "A tale about a baker who wins a cooking contest",
    "A story about two sisters who keep a secret, set in a mining town.",
    "A report of 1,500 words about the water supply of Dunmore",
    "A manual for a coffee machine",
    "A detective in a small city loses his memory.",
    "A story about Clara, a train driver, who saves her town from a flood.",
)
FREE_POINTS = (
    ("a lighthouse keeper", ("Mara finds a map behind the lamp", "Mara shows the map to Tobin the fisherman")),
    ("a boy who builds a rocket", ("Niko collects tin cans for the rocket", "Niko's uncle laughs at the rocket")),
    ("a nurse and her sister", ("Hedda asks at the station for her sister", "a porter remembers a red suitcase")),
    ("a fox who learns to read", ("Rusk the fox steals a newspaper", "an old teacher teaches Rusk the letters")),
    ("a baker in a contest", ("Lotte bakes twelve honey cakes", "the judge spits out the first cake")),
    ("a miner with a secret", ("Gareth hides the silver in the well", "the dog digs at the well")),
    ("a pilot on an island", ("Ines lands on the beach with a broken engine", "Ines trades her watch for a boat")),
    ("a gardener and a king", ("the king asks Bruno for a blue rose", "Bruno paints a white rose at night")),
    ("a girl and a wolf", ("Tilly meets a wolf in the snow", "Tilly gives the wolf her bread")),
    ("a train driver in a flood", ("Clara sees water on the rails", "Clara drives the train back to the station")),
)  # fmt: skip


def open_model(path: Path, threads: int = 2, logits_all: bool = False) -> llama_cpp.Llama:
    """Open a GGUF; the extra buffer types are off, because they crash on some processors with quantised weights."""
    original = llama_cpp.llama_model_default_params

    def parameters() -> llama_cpp.llama_model_params:
        values = original()
        values.use_extra_bufts = False
        return values

    llama_cpp.llama_model_default_params = parameters
    llama_cpp.llama_cpp.llama_model_default_params = parameters
    return llama_cpp.Llama(
        str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, logits_all=logits_all, verbose=False
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model wrote, whether it ended by itself, and the decoding speed in tokens per second."""

    text: str
    ended: bool
    speed: float


def answer(model: llama_cpp.Llama, fields: PromptFields, seed: int, grammar: str = "") -> Answer:
    """Generate an answer as the studio does: temperature 0.7, min-p 0.05, no penalties."""
    prompt = model.tokenize(chat_text(fields).encode(), add_bos=False, special=True)
    started = time.monotonic()
    constraint = llama_cpp.LlamaGrammar.from_string(grammar, verbose=False) if grammar else None
    room = min(_MAX_ANSWER_TOKENS, model.n_ctx() - len(prompt) - 1)
    result = model.create_completion(
        prompt, max_tokens=room, temperature=0.7, min_p=0.05, top_p=1.0, top_k=60, repeat_penalty=1.0,
        seed=seed, grammar=constraint,
    )  # fmt: skip
    choice, used = result["choices"][0], result["usage"]["completion_tokens"]
    return Answer(choice["text"], choice["finish_reason"] == "stop", used / (time.monotonic() - started))


def content_words(text: str) -> list[str]:
    """Return the words of a point that carry its meaning, cut to stems of six letters."""
    return [word[:6] for word in re.findall(r"[a-z']+", text.lower()) if word not in _COMMON]


def covered(point: str, text: str) -> bool:
    """Tell if at least 60 % of the content words of a point are in a text."""
    wanted, present = content_words(point), set(content_words(text))
    return sum(word in present for word in wanted) >= 0.6 * len(wanted)


def repeated_four_grams(text: str) -> float:
    """Return the share of 4-grams of words that occurred before in the same text."""
    words = re.findall(r"[\w']+", text.lower())
    grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _plan_valid(text: str, sections: int) -> bool:
    try:
        rows = json.loads(text)["sections"]
        return len(rows) == sections and all(row["title"] and 2 <= len(row["points"]) <= 4 for row in rows)
    except (ValueError, KeyError, TypeError):
        return False


def measure_write(model: llama_cpp.Llama, examples: list[Example]) -> dict[str, object]:
    """Measure names, points, length, repetition and ends on WRITE prompts."""
    answers = [answer(model, example.fields, index) for index, example in enumerate(examples)]
    points = [(p, a.text) for e, a in zip(examples, answers, strict=True) for p in e.points]
    names = [(n, a.text) for e, a in zip(examples, answers, strict=True) for n in e.names]
    ratios = [len(a.text.split()) / e.fields.words for e, a in zip(examples, answers, strict=True)]
    return {
        "prompts": len(examples),
        "names": f"{sum(n in t for n, t in names)}/{len(names)}",
        "points": f"{sum(covered(p, t) for p, t in points)}/{len(points)}",
        "points_of_next_prompt": _chance(examples, answers),
        "length_ratio_mean": round(float(np.mean(ratios)), 2),
        "length_within_30_percent": f"{sum(0.7 <= r <= 1.3 for r in ratios)}/{len(ratios)}",
        "repeated_4_grams": round(float(np.mean([repeated_four_grams(a.text) for a in answers])), 4),
        "repeated_4_grams_of_references": round(float(np.mean([repeated_four_grams(e.answer) for e in examples])), 4),
        "ended": f"{sum(a.ended for a in answers)}/{len(answers)}",
        "looped": f"{sum(repeated_four_grams(a.text) > _LOOP_SHARE for a in answers)}/{len(answers)}",
        "tokens_per_second": round(float(np.median([a.speed for a in answers]))),
        "samples": [a.text[:_SAMPLE_CHARACTERS] for a in answers[:3]],
    }


def _chance(examples: list[Example], answers: list[Answer]) -> str:
    """Count points found in the answer to another prompt: the level that means nothing."""
    pairs = [(p, answers[(i + 1) % len(answers)].text) for i, e in enumerate(examples) for p in e.points]
    return f"{sum(covered(p, t) for p, t in pairs)}/{len(pairs)}"


def measure_plans(model: llama_cpp.Llama, prompts: list[PlanFields]) -> dict[str, object]:
    """Measure valid plans with the right number of sections, without and with a grammar."""
    free = [answer(model, fields, index).text for index, fields in enumerate(prompts)]
    bound = [answer(model, f, i, plan_grammar(f.sections)).text for i, f in enumerate(prompts)]
    words = [set(content_words(f.brief)) - {"story", "words", "report", "tale", "write"} for f in prompts]
    used = [len(w & set(content_words(text))) / max(1, len(w)) for w, text in zip(words, bound, strict=True)]

    def valid(texts: list[str]) -> str:
        good = sum(_plan_valid(text, fields.sections) for text, fields in zip(texts, prompts, strict=True))
        return f"{good}/{len(texts)}"

    return {
        "prompts": len(prompts),
        "valid_without_grammar": valid(free),
        "valid_with_grammar": valid(bound),
        "words_of_brief_used": round(float(np.mean(used)), 2),
        "samples": bound[:3],
    }


def measure_summaries(model: llama_cpp.Llama, examples: list[Example]) -> dict[str, object]:
    """Measure the share of a summary's content words that stand in the text, and names kept."""
    answers = [answer(model, example.fields, index) for index, example in enumerate(examples)]
    found = [
        len(set(content_words(a.text)) & set(content_words(e.fields.text))) / max(1, len(set(content_words(a.text))))
        for e, a in zip(examples, answers, strict=True)
    ]
    hero = [re.findall(r"[A-Z]\w+", e.answer)[0] for e in examples]
    return {
        "prompts": len(examples),
        "content_words_from_text": round(float(np.mean(found)), 2),
        "first_name_kept": f"{sum(h in a.text for h, a in zip(hero, answers, strict=True))}/{len(hero)}",
        "words_mean": round(float(np.mean([len(a.text.split()) for a in answers]))),
        "samples": [a.text[:_SAMPLE_CHARACTERS] for a in answers[:3]],
    }


def measure_parity(
    path: Path, torch_model: StarterModel, tokenizer: Tokenizer, examples: list[Example]
) -> dict[str, object]:
    """Compare logits on one prompt and token ids on all prompts between torch and llama.cpp."""
    model = open_model(path, logits_all=True)
    texts = [chat_text(e.fields) + e.answer for e in examples] + ["naïve café — 東京 🙂\n\n \t x", "  two  spaces "]
    same = sum(model.tokenize(t.encode(), add_bos=False, special=True) == tokenizer.encode(t).ids for t in texts)
    ids = tokenizer.encode(texts[0]).ids[:600]
    model.eval(ids)
    theirs = np.array(model.scores[: len(ids)])
    with torch.no_grad():
        ours = torch_model(torch.tensor([ids]))[0].numpy()
    return {
        "tokenizer_same": f"{same}/{len(texts)}",
        "logits_max_difference": round(float(np.abs(ours - theirs).max()), 4),
        "argmax_same": f"{int((ours.argmax(-1) == theirs.argmax(-1)).sum())}/{len(ids)}",
    }


def free_write_examples() -> list[Example]:
    """Return WRITE prompts typed by hand, with points in words that the generator does not have."""
    examples = []
    for brief, points in FREE_POINTS:
        fields = WriteFields("story", f"A story about {brief}", f"Chapter {len(examples) + 1}", 150, points=points)
        names = tuple(dict.fromkeys(re.findall(r"\b[A-Z][a-z]+", " ".join(points))))
        examples.append(Example("write", fields, "", points, names))
    return examples


def _of_task(task: str, count: int) -> list[Example]:
    examples = [e for e in generated(_MEASURE_SEED, count * 4, held_out=True) if e.task == task]
    return random.Random(1).sample(examples, count)


def measure(
    path: Path, checkpoint: Path, tokenizer_path: Path, count: int, report: Callable[[str], None] = print
) -> dict[str, object]:
    """Run all measurements; ``count`` is the number of held-out prompts a task."""
    torch_model = StarterModel()
    torch_model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    writes, model = _of_task("write", count), open_model(path)
    plan_prompts = [e.fields for e in _of_task("plan", count // 2)]
    free_plans = [PlanFields("report" if "report" in b or "manual" in b else "story", b, 4, 2000) for b in FREE_BRIEFS]
    steps: dict[str, Callable[[], dict[str, object]]] = {
        "parity": lambda: measure_parity(path, torch_model, Tokenizer.from_file(str(tokenizer_path)), writes),
        "write_held_out": lambda: measure_write(model, writes),
        "write_free": lambda: measure_write(model, free_write_examples()),
        "plan_held_out": lambda: measure_plans(model, plan_prompts),
        "plan_free": lambda: measure_plans(model, free_plans),
        "summarise_held_out": lambda: measure_summaries(model, _of_task("summarise", count // 2)),
    }
    results: dict[str, object] = {"bytes": path.stat().st_size, "sampling": "temperature 0.7, min-p 0.05, no penalties"}
    for name, step in steps.items():
        results[name] = step()
        report(f"{name}: {json.dumps(results[name], ensure_ascii=False)}")
    return results
