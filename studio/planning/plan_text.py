# SPDX-License-Identifier: Apache-2.0
"""A plan as a YAML text that people edit: titles, words, points, the tree; the ids say which section is which."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.errors import ExplainedError
from studio.project.records import EditedSection, Section

_HEAD = """\
# The plan of a document. Change titles, words and points, move sections, divide them (those without text), take them
# out, add new ones without an id. The ids say which section is which; made_from which plan this was.
"""


class PlanTextInvalid(ExplainedError):
    """A text is no plan."""

    hint = "`longhand plan PROJECT --export FILE` writes the present plan in the right form."
    retryable = True


@dataclass(frozen=True, slots=True)
class EditedPlan:
    """A plan that was read from a text; ``made_from`` is the mark of the plan that the text was made from."""

    title: str
    made_from: str
    sections: tuple[EditedSection, ...]

    @property
    def words(self) -> int:
        """The words of all leaves."""
        return sum(_words(section) for section in self.sections)


def plan_mark(sections: Sequence[Section]) -> str:
    """Return what tells a plan from any other: a hash of its tree, titles, points and targets."""
    content = [(each.id, each.parent, each.title, each.points, each.target if each.leaf else 0) for each in sections]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def to_yaml(title: str, sections: Sequence[Section]) -> str:
    """Return a plan as YAML."""
    import yaml

    tree = [_value(each, sections) for each in sections if each.parent is None]
    value = {"title": title, "made_from": plan_mark(sections), "sections": tree}
    return _HEAD + yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=120)


def from_yaml(text: str) -> EditedPlan:
    """Read a plan. Raises PlanTextInvalid, naming the first thing that is wrong."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise PlanTextInvalid(f"The plan is no YAML{_where(error)}.") from None
    if not isinstance(value, dict) or not isinstance(value.get("sections"), list):
        raise PlanTextInvalid("The plan has no list of sections.")
    sections = tuple(_section(each, 1) for each in value["sections"])
    return EditedPlan(str(value.get("title") or ""), str(value.get("made_from") or ""), sections)


def _value(section: Section, sections: Sequence[Section]) -> dict[str, Any]:
    value: dict[str, Any] = {"id": section.id, "title": section.title}
    if section.points:
        value["points"] = list(section.points)
    if section.leaf:
        return {**value, "words": section.target}
    return {**value, "sections": [_value(each, sections) for each in sections if each.parent == section.id]}


_DEEPEST = 12


def _section(value: object, depth: int) -> EditedSection:
    if not isinstance(value, dict) or depth > _DEEPEST:
        raise PlanTextInvalid("A section of the plan is no table with a title.")
    title, children = str(value.get("title") or "").strip(), value.get("sections") or []
    words, points, section_id = value.get("words", 0), value.get("points") or [], value.get("id")
    if unknown := set(value) - {"id", "title", "words", "points", "sections"}:
        raise PlanTextInvalid(f"“{title}” has the unknown entry {min(map(str, unknown))}.")
    if not isinstance(words, int) or isinstance(words, bool) or words < 0:
        raise PlanTextInvalid(f"“{title}” has {words!r} words.")
    if not isinstance(points, list) or not isinstance(children, list):
        raise PlanTextInvalid(f"“{title}” has points or sections that are no list.")
    if section_id is not None and (not isinstance(section_id, int) or isinstance(section_id, bool)):
        raise PlanTextInvalid(f"“{title}” has the id {section_id!r}, which is no number.")
    below = tuple(_section(each, depth + 1) for each in children)
    return EditedSection(section_id, title, 0 if below else words, tuple(str(point) for point in points), below)


def _words(section: EditedSection) -> int:
    return sum(map(_words, section.children)) if section.children else section.words


def _where(error: Exception) -> str:
    """Where reading failed, in words; empty where the reader does not say."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    said = f" in line {mark.line + 1}" if mark is not None else ""
    return f"{said}: {problem}" if problem else said
