# SPDX-License-Identifier: Apache-2.0
"""The text forms of the generator: word lists, event files, ``[a|b]`` alternatives, articles and title case."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
_VERB = re.compile(r"([a-z ]+?)/([a-z_]+)")
_SMALL_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "of",
        "on",
        "or",
        "the",
        "to",
        "with",
        "under",
        "into",
        "out",
        "over",
        "behind",
    ]
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a story or one theme of a report: its points, titles, summaries and lines in order.

    ``lines`` holds (required, text); ``verbs`` holds (present, past) of an open event.
    """

    name: str
    phase: str
    premises: frozenset[str]
    needs: frozenset[str]
    gives: frozenset[str]
    points: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    lines: list[tuple[bool, str]] = field(default_factory=list)
    verbs: list[tuple[str, str]] = field(default_factory=list)


def _set(options: dict[str, str], key: str) -> frozenset[str]:
    return frozenset(filter(None, options.get(key, "").split(",")))


def _add_line(event: Event, mark: str, text: str) -> None:
    if mark in "CX":
        event.lines.append((mark == "C", text))
    elif mark == "V":
        event.verbs.extend((present.strip(), past.replace("_", " ")) for present, past in _VERB.findall(text))
    else:
        {"P": event.points, "T": event.titles, "S": event.summaries}[mark].append(text)


@cache
def load_events(*names: str) -> tuple[Event, ...]:
    """Read event files: ``== name phase=..`` heads; lines P point, T title, S summary, C core, X extra, V verbs."""
    events: list[Event] = []
    for name in names:
        for line in (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                head, *rest = line[3:].split()
                options = dict(part.split("=") for part in rest)
                sets = (_set(options, key) for key in ("prem", "needs", "gives"))
                events.append(Event(head, options["phase"], *sets))
            elif line and not line.startswith("#"):
                _add_line(events[-1], line[0], line[2:].strip())
    return tuple(events)


@cache
def load_fillers(*names: str) -> tuple[tuple[str, str], ...]:
    """Return the lines of filler files as (what must be in the story, text)."""
    fillers, needs = [], ""
    for name in names:
        for line in (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                needs = line.partition("|")[2]
            elif line and not line.startswith("#"):
                fillers.append((needs, line))
    return tuple(fillers)


@cache
def word_lists(name: str) -> dict[str, tuple[str, ...]]:
    """Read ``data/<name>.txt``: one list a line, ``name: entry, entry``."""
    lists = {}
    for line in (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        key, colon, entries = line.partition(": ")
        if colon and not line.startswith("#"):
            lists[key] = tuple(entry.strip() for entry in entries.split(","))
    return lists


@cache
def pairs(name: str) -> dict[str, str]:
    """Read a list of ``key=value`` entries."""
    return dict(entry.split("=") for entry in word_lists("words")[name])


def choose_alternatives(text: str, rng: random.Random) -> str:
    """Resolve ``[a|b]``, innermost first."""
    while "[" in text:
        text = _ALTERNATIVES.sub(lambda match: rng.choice(match[1].split("|")), text)
    return text


def with_article(phrase: str) -> str:
    """Put ``a`` or ``an`` before a noun phrase; plural ``boots`` and the like take ``some``."""
    if phrase.endswith("s") and not phrase.endswith(("ss", "us", "compass")):
        return f"some {phrase}"
    sounds_like_consonant = phrase.lower().startswith(("uni", "use", "one"))
    starts_with_vowel = phrase[0].lower() in "aeiou" or phrase.startswith(("hon", "hour"))
    return f"{'an' if starts_with_vowel and not sounds_like_consonant else 'a'} {phrase}"


def capitalised(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def title_case(text: str) -> str:
    """Return a title with capitals on all but the small words."""
    words = text.split()
    return " ".join(
        word.lower() if index and word.lower() in _SMALL_WORDS else capitalised(word)
        for index, word in enumerate(words)
    )
