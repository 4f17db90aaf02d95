# SPDX-License-Identifier: Apache-2.0
"""Book prose as WRITE examples: passages of public-domain books with points, last words and renamed people."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from resources.starter.examples import Example, last_words, rounded_words
from resources.starter.world import draw_name
from studio.prompt_templates import WriteFields

_NAME = re.compile(r"(?<=[a-z,;] )([A-Z][a-z]{2,})\b")
_SENTENCE = re.compile(r"[^.!?]+[.!?]+[\"']?\s*")
_TITLES = frozenset(
    [
        "The",
        "And",
        "But",
        "Mr",
        "Mrs",
        "Miss",
        "Dr",
        "Sir",
        "Lord",
        "Lady",
        "God",
        "Monday",
        "Sunday",
        "English",
        "French",
        "King",
        "Queen",
    ]
)
_ARCHAIC = re.compile(r"\b(?:thou|thee|thy|hath|doth|unto|ye)\b", re.IGNORECASE)
_CHAPTER = re.compile(r"^chapter [\divxlc]+\W*|^(?:chapter )?[ivxlc\d]+\W+", re.IGNORECASE)
_MIN_NAME_COUNT = 25
_RENAMED_SHARE = 0.6


def read_book(path: Path) -> list[str]:
    """Return the paragraphs of a book; headings start with ``## ``."""
    text = path.read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


def book_people(paragraphs: list[str]) -> dict[str, str]:
    """Return the names of a book with the gender that the pronouns near them suggest."""
    text = "\n".join(paragraphs)
    counts = Counter(_NAME.findall(text))
    people = {}
    for name, count in counts.most_common(30):
        if count < _MIN_NAME_COUNT or name in _TITLES or text.count(name.lower()) > count // 4:
            continue
        near = " ".join(match[1] for match in re.finditer(rf"\b{name}\b(.{{0,80}})", text))
        female, male = (len(re.findall(rf"\b(?:{words})\b", near)) for words in ("she|her", "he|his|him"))
        people[name] = "f" if female > male else "m"
    return people


def rename(text: str, people: dict[str, str], rng: random.Random) -> tuple[str, list[str]]:
    """Give the people of a passage new names; returns the text and the names in it."""
    present = [name for name in people if re.search(rf"\b{name}\b", text)]
    if rng.random() > _RENAMED_SHARE:
        return text, present
    new_names = {name: draw_name(people[name], rng, held_out=False).split()[0] for name in present}
    if not present:
        return text, []
    pattern = re.compile(rf"\b({'|'.join(present)})\b")
    return pattern.sub(lambda match: new_names[match[1]], text), list(new_names.values())


def _points(passage: str, rng: random.Random) -> tuple[str, ...]:
    """Take the first clauses of a few sentences, in order: what a reader would note."""
    clauses = []
    for sentence in _SENTENCE.findall(passage):
        clause = re.split(r"[,;:\"—]", sentence.strip())[0].rstrip(".!? ")
        if 4 <= len(clause.split()) <= 12 and '"' not in sentence and clause[0].isupper():
            clauses.append(clause)
    count = min(len(clauses), rng.randint(1, 3))
    return tuple(clauses[index] for index in sorted(rng.sample(range(len(clauses)), count)))


def _passages(paragraphs: list[str], rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield (heading, text before, passage of 60-400 words)."""
    heading, before, gathered, target = "", "", [], rng.randint(60, 380)
    for paragraph in paragraphs:
        if paragraph.startswith("## "):
            heading, before, gathered = _CHAPTER.sub("", paragraph[3:].strip()).title(), "", []
            continue
        gathered.append(paragraph)
        words = sum(len(item.split()) for item in gathered)
        if words >= target:
            text = "\n\n".join(gathered)
            if words <= 420 and not _ARCHAIC.search(text):
                yield heading, before, text
            before, gathered, target = text, [], rng.randint(60, 380)


def book_examples(path: Path, rng: random.Random) -> Iterator[Example]:
    """Yield the examples of one book."""
    paragraphs = read_book(path)
    people = book_people(paragraphs)
    for heading, before, passage in _passages(paragraphs, rng):
        text, names = rename(f"{before}\f{passage}", people, rng)
        earlier, _, answer = text.partition("\f")
        points = _points(answer, rng)
        if not points:
            continue
        title = heading if 3 < len(heading) < 50 and rng.random() < 0.5 else " ".join(points[0].split()[:5])
        brief = f"A story about {' and '.join(names[:3])}." if names else f"A story: {points[0]}."
        fields = WriteFields(
            "novel",
            brief,
            title,
            rounded_words(answer, rng),
            points=points,
            recent=last_words(earlier, rng.randint(40, 120)) if earlier else "",
        )
        yield Example("book", fields, answer, points, tuple(names))
