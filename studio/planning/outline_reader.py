# SPDX-License-Identifier: Apache-2.0
"""Reads a level of a plan from whatever a model answered: JSON, JSON among other text or cut off, or a plain list."""

from __future__ import annotations

import json
import re
from typing import Any

from backends.text.thinking import MARKS
from studio.planning.plan import Outline

# Models without a grammar call things by names of their own.
_SECTIONS = ("sections", "chapters", "parts", "scenes", "outline", "plan")
_TITLES = ("title", "name", "heading", "section_title", "chapter_title", "section", "chapter")
_POINTS = ("points", "key_points", "bullets", "events", "content", "description", "summary")

_THOUGHTS = tuple(
    re.compile(rf"{re.escape(marks.opening)}.*?(?:{re.escape(marks.closing)}|\Z)", re.DOTALL) for marks in MARKS
)
_TITLE_FIELD = re.compile(r'"title"\s*:\s*"([^"\\]*)"')
_SECTION_START = re.compile(r'\{\s*"(?:' + "|".join(_TITLES) + r')"')
_ENTRY = re.compile(
    r"(?:#{1,6}\s+|\*\*)?(?:(?:section|chapter|part|scene)\s+)?\d{1,2}(?:[.):]|\s*[-–—])\s*(?P<title>\S.*)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{2,6}\s+(?P<title>\S.*)")
_BULLET = re.compile(r"[-*+•]\s+(?P<point>\S.*)")
_DOCUMENT_TITLE = re.compile(r"(?:#\s+|\*{0,2}title\*{0,2}:\s*)(?P<title>\S.*)", re.IGNORECASE)


def parse_outline(answer: str) -> Outline:
    """Read an answer as far as it is what was asked for; anything else is simply not there.

    Of an answer that was cut off, its complete sections count.
    """
    for thought in _THOUGHTS:
        answer = thought.sub("", answer)
    outline = _of_json(answer)
    return outline if outline.sections or "{" in answer else _of_lines(answer)


def _of_json(answer: str) -> Outline:
    data = _object(answer) or _salvage(answer)
    found = next((data[name] for name in _SECTIONS if isinstance(data.get(name), list)), [])
    return Outline(_text(data.get("title")), tuple(map(_section, found)))


def _object(answer: str) -> dict[str, Any] | None:
    """The first JSON object in a text that is whole, None where there is none."""
    start = answer.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(answer, start)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _salvage(answer: str) -> dict[str, Any]:
    """Return the title and the complete sections of an object that is not whole."""
    start = answer.find("[")
    if start < 0:
        return {}
    title = _TITLE_FIELD.search(answer[:start])
    decoder, sections = json.JSONDecoder(strict=False), []
    for match in _SECTION_START.finditer(answer, start):
        try:
            sections.append(decoder.raw_decode(answer, match.start())[0])
        except (ValueError, RecursionError):
            break
    return {"title": title[1] if title else "", "sections": sections}


def _section(item: object) -> tuple[str, tuple[str, ...]]:
    if isinstance(item, str):
        return item, ()
    if not isinstance(item, dict):
        return "", ()
    title = next((item[name] for name in _TITLES if isinstance(item.get(name), str)), "")
    points = next((item[name] for name in _POINTS if item.get(name)), ())
    return title, _points(points)


def _points(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(filter(None, re.split(r"[;\n]\s*", value)))
    return tuple(map(_text, value)) if isinstance(value, list) else ()


def _of_lines(answer: str) -> Outline:
    """Read numbered lines or headings as sections, and the list entries below each as its points."""
    title, sections = "", []
    for raw in answer.splitlines():
        line = raw.strip()
        if match := _ENTRY.fullmatch(line) or _HEADING.fullmatch(line):
            sections.append((_plain(match["title"]), []))
        elif (match := _BULLET.fullmatch(line)) and sections:
            sections[-1][1].append(_plain(match["point"]))
        elif not sections and (match := _DOCUMENT_TITLE.fullmatch(line)):
            title = _plain(match["title"])
    return Outline(title, tuple((name, tuple(points)) for name, points in sections))


def _plain(text: str) -> str:
    return text.replace("**", "").replace("__", "").strip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
