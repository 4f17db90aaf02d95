# SPDX-License-Identifier: Apache-2.0
"""Training examples: prompts rendered by studio.prompt_templates, with the answers that the generator knows."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from resources.starter.briefs import make_facts, make_notes
from resources.starter.document import Document, Scene, Section, earlier_scenes, plan_document, write_document
from resources.starter.phrases import word_lists
from studio.memory.used_up import used_up
from studio.planning.kinds import document_kind
from studio.prompt_templates import (
    ExtendFields,
    PlanEntry,
    PlanFields,
    PromptFields,
    SummariseFields,
    WriteFields,
    render,
)

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SUMMARY_SECTIONS = 5
_MIN_PASSAGE_WORDS, _MAX_PASSAGE_WORDS = 20, 470
_MOST_BEFORE, _MOST_AFTER = 110, 40


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
    return " ".join(reversed(_within(reversed(_sentences(text)), count)))


def first_words(text: str, count: int) -> str:
    """Return the first whole sentences of a text on one line, at least one and about ``count`` words."""
    return " ".join(_within(_sentences(text), count))


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?\"])\s+", text.strip())


def _within(sentences: Iterable[str], count: int) -> list[str]:
    """Return the first sentences that have no more than ``count`` words together, at least one."""
    kept: list[str] = []
    for sentence in sentences:
        if kept and sum(len(item.split()) for item in kept) + len(sentence.split()) > count:
            break
        kept.append(sentence)
    return kept


def rounded_words(text: str, rng: random.Random) -> int:
    """Return the length of a text in words, off by up to 4 % and sometimes rounded to tens."""
    words = max(10, round(len(text.split()) * rng.uniform(0.96, 1.04)))
    return round(words, -1) if rng.random() < 0.5 else words


def _style(document: Document, rng: random.Random) -> str:
    styles = word_lists("words")["reportstyle" if document.world.premise == "report" else "style"]
    return rng.choice(styles) if rng.random() < 0.25 else ""


def _notes(document: Document, rng: random.Random) -> str:
    return make_notes(document.world) if document.world.premise != "report" and rng.random() < 0.1 else ""


def _structure(document: Document, rng: random.Random) -> str:
    """Return what the studio adds to the notes of a plan, for the kinds that have it."""
    if document.world.premise != "report":
        return document_kind("novel").structure if document.kind == "novel" else ""
    return document_kind(document.kind).structure if document.kind in ("manual", "essay") and rng.random() < 0.8 else ""


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
        notes=" ".join(filter(None, (_notes(document, rng), _structure(document, rng)))),
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


def _entries(document: Document, section: int, rng: random.Random, prefix: str = "") -> tuple[PlanEntry, ...]:
    """Return the plan around a section as the studio shows it; ``prefix`` is the number of the chapter."""
    with_points = rng.random() < 0.75
    entries = [
        PlanEntry(f"{prefix}{number}", item.title, tuple(item.points) if with_points else ())
        for number, item in enumerate(document.sections, 1)
    ]
    start = max(0, section - 3)
    return tuple(entries if len(entries) <= 6 else entries[start : start + 6])


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What of the plan and of earlier chapters a prompt shows."""

    plan: tuple[PlanEntry, ...] = ()
    chapter: tuple[PlanEntry, ...] = ()
    earlier: str = ""
    passages: tuple[str, ...] = ()


def _surroundings(document: Document, section: int, rng: random.Random) -> _Surroundings:
    """Take the document as it is, or as one chapter of a longer one whose earlier chapters are made up."""
    draw = rng.random()
    if draw < 0.4:
        return _Surroundings()
    if draw < 0.7:
        return _Surroundings(plan=_entries(document, section, rng))
    number = rng.randint(1, 4)
    scenes = earlier_scenes(document, rng.randint(number, number + 2))
    titles = [scene.title for scene in scenes]
    titles.insert(number - 1, document.sections[0].title)
    told = scenes[: rng.randint(1, len(scenes))] if number > 1 and scenes else []
    quoted = [scene.passage.split("\n\n")[0] for scene in told[-2:] if rng.random() < 0.35]
    return _Surroundings(
        tuple(PlanEntry(str(place), title) for place, title in enumerate(titles, 1)) if rng.random() < 0.85 else (),
        _entries(document, section, rng, f"{number}."),
        " ".join(scene.summary for scene in told) if rng.random() < 0.9 else "",
        tuple(quoted),
    )


def unused(before: Sequence[Scene], answer: str) -> tuple[str, ...]:
    """Return what a prompt says is used up after these scenes, but for what the answer takes up nevertheless."""
    text = "\n\n".join(scene.passage for scene in before)
    return tuple(each for each in used_up(text) if each not in answer)


def _summary_line(document: Document, section: int, rng: random.Random) -> str:
    earlier = [item.summary() for item in document.sections[max(0, section - _SUMMARY_SECTIONS) : section]]
    return " ".join(earlier) if rng.random() < 0.85 else ""


def _scenes_before(document: Document, section: int, part: int) -> list[Scene]:
    scenes = [scene for item in document.sections[:section] for scene in item.scenes]
    return scenes + [scene for group in document.sections[section].parts[:part] for scene in group]


def _text_before(document: Document, section: int, part: int) -> str:
    return "\n\n".join(scene.passage for scene in _scenes_before(document, section, part)[-3:])


def _references(document: Document, rng: random.Random) -> tuple[str, ...]:
    """Return what an author's notes might hold: a passage of something else altogether."""
    if rng.random() > 0.08:
        return ()
    other = plan_document(rng, 1, rng.random() < 0.5, document.world.held_out, document.world.wide)
    write_document(other)
    return tuple(scene.passage.split("\n\n")[0] for scene in other.sections[0].scenes[:2])


def write_example(document: Document, section: int, part: int, rng: random.Random) -> Example:
    """Make the example of one request of a section; ``words`` is the length of its passage."""
    item = document.sections[section]
    scenes = item.parts[part]
    shown = [scene for scene in scenes if scene.is_point]
    before = _text_before(document, section, part)
    answer = "\n\n".join(scene.passage for scene in scenes)
    story = document.world.premise != "report"
    early = _text_before(document, section - 1, 0) if section > 2 and rng.random() < 0.1 else ""
    around = _surroundings(document, section, rng)
    facts = make_facts(document.world) if story and rng.random() < 0.3 else []
    pinned = facts[:2] if rng.random() < 0.3 else []
    references = _references(document, rng)
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
        pinned=tuple(pinned),
        plan=around.plan,
        earlier=around.earlier,
        chapter=around.chapter,
        chapter_passages=around.passages,
        summary=_summary_line(document, section, rng),
        facts=tuple(facts[len(pinned) :]),
        passages=(early.split("\n\n")[0],) if early else (),
        references=references,
        used=unused(_scenes_before(document, section, part), answer) if rng.random() < 0.4 else (),
        recent=last_words(before, rng.choice((25, 40, 60, 60, 90, 120, 150))) if before else "",
        has_notes=bool(references) or rng.random() < 0.02,
    )
    points = fields.points
    names = tuple(person.name for person in document.world.people.values() if any(person.name in p for p in points))
    return Example("write", fields, answer, points, names)


def extend_example(document: Document, section: Section, rng: random.Random) -> Example | None:
    """Make the example of text between two passages: a middle scene of a section, or nothing where there is none."""
    if len(section.scenes) < 3:
        return None
    place = rng.randint(1, len(section.scenes) - 2)
    answer = section.scenes[place].passage
    before = "\n\n".join(scene.passage for scene in section.scenes[:place])
    after = "\n\n".join(scene.passage for scene in section.scenes[place + 1 :])
    words, rest = len(answer.split()), len(before.split()) + len(after.split())
    fields = ExtendFields(
        kind=document.kind,
        brief=document.brief,
        title=section.title,
        before=last_words(before, _MOST_BEFORE),
        after=first_words(after, _MOST_AFTER),
        has=rest,
        wanted=rest + words,
        words=words,
        points=(section.scenes[place].point,) if rng.random() < 0.5 else (),
        style=_style(document, rng),
        notes=_notes(document, rng),
    )
    return Example("extend", fields, answer, fields.points)


def summary_example(document: Document, section: Section) -> Example:
    """Make the example of the summary of one section."""
    text = "\n\n".join(scene.passage for scene in section.scenes)
    return Example(
        "summarise", SummariseFields(document.kind, section.title, " ".join(text.split())), section.summary()
    )


def world_examples(rng: random.Random, held_out: bool = False, wide: bool = False) -> list[Example]:
    """Make the examples of one world: its plan or a refinement, two requests of sections, perhaps a summary.

    A ``wide`` one draws on all texts.
    """
    story = rng.random() < 0.76
    if rng.random() < 0.12:
        return [chapter_example(plan_document(rng, rng.randint(6, 20), story, held_out, wide), rng)]
    document = plan_document(rng, rng.choice((1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9, 10)), story, held_out, wide)
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
    if rng.random() < 0.12 and (extension := extend_example(document, rng.choice(document.sections), rng)):
        examples.append(extension)
    by_length = sorted(document.sections, key=lambda section: sum(len(scene.passage) for scene in section.scenes))
    examples += [summary_example(document, section) for section in by_length[: rng.choice((0, 1, 1))]]
    return examples
