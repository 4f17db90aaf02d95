# SPDX-License-Identifier: Apache-2.0
"""Training examples: prompts rendered by studio.prompt_templates, with the answers that the generator knows."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass

from resources.starter.briefs import make_facts, make_notes
from resources.starter.document import Document, Section, plan_document, write_document
from resources.starter.phrases import word_lists
from studio.prompt_templates import PlanEntry, PlanFields, PromptFields, SummariseFields, WriteFields, render

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SUMMARY_SECTIONS = 5
_MIN_PASSAGE_WORDS, _MAX_PASSAGE_WORDS = 20, 470


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and its answer. ``points`` and ``names`` are what the evaluation looks for in an answer."""

    task: str
    fields: PromptFields
    answer: str
    points: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def chat_text(fields: PromptFields) -> str:
    """Render a prompt as the text that the model reads, up to the start of its answer."""
    messages = render(fields).messages
    turns = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages)
    return f"{turns}<|im_start|>assistant\n"


def last_words(text: str, count: int) -> str:
    """Return the last whole sentences of a text on one line, at least one and about ``count`` words."""
    kept: list[str] = []
    for sentence in reversed(re.split(r"(?<=[.!?\"])\s+", text.strip())):
        if kept and sum(len(item.split()) for item in kept) + len(sentence.split()) > count:
            break
        kept.append(sentence)
    return " ".join(reversed(kept))


def rounded_words(text: str, rng: random.Random) -> int:
    """Return the length of a text in words, off by up to 4 % and sometimes rounded to tens."""
    words = max(10, round(len(text.split()) * rng.uniform(0.96, 1.04)))
    return round(words, -1) if rng.random() < 0.5 else words


def _style(document: Document, rng: random.Random) -> str:
    styles = word_lists("words")["reportstyle" if document.world.premise == "report" else "style"]
    return rng.choice(styles) if rng.random() < 0.25 else ""


def _notes(document: Document, rng: random.Random) -> str:
    return make_notes(document.world) if document.world.premise != "report" and rng.random() < 0.1 else ""


def plan_answer(title: str, sections: list[tuple[str, list[str]]]) -> str:
    """Return a plan as the JSON text that the grammar of the studio accepts."""
    rows = [{"title": name, "points": points} for name, points in sections]
    return json.dumps({"title": title, "sections": rows}, ensure_ascii=False)


def _plan_words(document: Document, rng: random.Random) -> int:
    digits = "".join(ch for ch in document.brief.split(" words")[0].split("-word")[0].split()[-1] if ch.isdigit())
    return int(digits) if len(digits) > 2 else len(document.sections) * rng.choice((200, 300, 400, 500, 700, 1000))


def plan_example(document: Document, rng: random.Random) -> Example:
    """Make the example of the plan of a whole document."""
    answer = plan_answer(document.title, [(section.title, section.points) for section in document.sections])
    fields = PlanFields(
        document.kind,
        document.brief,
        len(document.sections),
        _plan_words(document, rng),
        style=_style(document, rng),
        notes=_notes(document, rng),
    )
    return Example("plan", fields, answer, names=(document.world.people["H"].name,))


def chapter_example(document: Document, rng: random.Random) -> Example:
    """Make the example of a refinement: sections become chapters of two to four, one of them is planned."""
    size = rng.randint(2, 4)
    chapters = [document.sections[start : start + size] for start in range(0, len(document.sections), size)]
    entries = tuple(
        PlanEntry(str(number), chapter[0].title, tuple(rng.choice(section.points) for section in chapter))
        for number, chapter in enumerate(chapters, 1)
    )
    index = rng.randrange(len(chapters))
    shown = tuple(
        entry if place == index else PlanEntry(entry.number, entry.title) for place, entry in enumerate(entries)
    )
    chapter, entry = chapters[index], entries[index]
    name = rng.choice((f"{entry.number} {entry.title}", entry.title, f"{entry.number} {entry.title}"))
    used = tuple(section.title for earlier in chapters[:index] for section in earlier)[-8:]
    fields = PlanFields(
        document.kind,
        document.brief,
        len(chapter),
        len(chapter) * rng.choice((400, 600, 800, 1000)),
        style=_style(document, rng),
        chapters=shown,
        chapter=name,
        used_titles=used if rng.random() < 0.2 else (),
    )
    return Example("plan", fields, plan_answer(entry.title, [(part.title, part.points) for part in chapter]))


def _plan_lines(document: Document, section: int, rng: random.Random) -> tuple[PlanEntry, ...]:
    if rng.random() < 0.4:
        return ()
    with_points = rng.random() < 0.65
    entries = [
        PlanEntry(str(number), item.title, tuple(item.points) if with_points else ())
        for number, item in enumerate(document.sections, 1)
    ]
    start = max(0, section - 3)
    return tuple(entries if len(entries) <= 6 else entries[start : start + 6])


def _summary_line(document: Document, section: int, rng: random.Random) -> str:
    earlier = [item.summary() for item in document.sections[max(0, section - _SUMMARY_SECTIONS) : section]]
    return " ".join(earlier) if rng.random() < 0.85 else ""


def _text_before(document: Document, section: int, part: int) -> str:
    scenes = [scene for item in document.sections[:section] for scene in item.scenes]
    scenes += [scene for group in document.sections[section].parts[:part] for scene in group]
    return "\n\n".join(scene.passage for scene in scenes[-3:])


def write_example(document: Document, section: int, part: int, rng: random.Random) -> Example:
    """Make the example of one request of a section; ``words`` is the length of its passage."""
    item = document.sections[section]
    scenes = item.parts[part]
    shown = [scene for scene in scenes if scene.is_point]
    before = _text_before(document, section, part)
    answer = "\n\n".join(scene.passage for scene in scenes)
    story = document.world.premise != "report"
    early = _text_before(document, section - 1, 0) if section > 2 and rng.random() < 0.1 else ""
    fields = WriteFields(
        document.kind,
        document.brief,
        item.title,
        rounded_words(answer, rng),
        points=tuple(scene.point for scene in shown),
        part=part + 1,
        part_count=len(item.parts),
        style=_style(document, rng),
        notes=_notes(document, rng),
        plan=_plan_lines(document, section, rng),
        summary=_summary_line(document, section, rng),
        facts=tuple(make_facts(document.world)) if story and rng.random() < 0.15 else (),
        passages=(early.split("\n\n")[0],) if early else (),
        recent=last_words(before, rng.choice((25, 40, 40, 60, 120))) if before else "",
    )
    points = fields.points
    names = tuple(person.name for person in document.world.people.values() if any(person.name in p for p in points))
    return Example("write", fields, answer, points, names)


def summary_example(document: Document, section: Section) -> Example:
    """Make the example of the summary of one section."""
    text = "\n\n".join(scene.passage for scene in section.scenes)
    return Example(
        "summarise", SummariseFields(document.kind, section.title, " ".join(text.split())), section.summary()
    )


def world_examples(rng: random.Random, held_out: bool = False) -> list[Example]:
    """Make the examples of one world: its plan or a refinement, two requests of sections, perhaps a summary."""
    story = rng.random() < 0.76
    if rng.random() < 0.12:
        return [chapter_example(plan_document(rng, rng.randint(6, 20), story, held_out), rng)]
    document = plan_document(rng, rng.choice((1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9, 10)), story, held_out)
    examples = [plan_example(document, rng)] if rng.random() < 0.75 else []
    if len(document.sections) > 5:
        return examples
    write_document(document)
    places = [(i, j) for i, item in enumerate(document.sections) for j in range(len(item.parts))]
    chosen = rng.sample(places, min(3, len(places)))
    written = [write_example(document, i, j, rng) for i, j in chosen]
    lengths = [len(item.answer.split()) for item in written]
    fitting = zip(written, lengths, strict=True)
    examples += [item for item, words in fitting if _MIN_PASSAGE_WORDS <= words <= _MAX_PASSAGE_WORDS]
    by_length = sorted(document.sections, key=lambda section: sum(len(scene.passage) for scene in section.scenes))
    examples += [summary_example(document, section) for section in by_length[: rng.choice((1, 1, 2))]]
    return examples
