# SPDX-License-Identifier: Apache-2.0
"""What a project is, in one object for programs and in lines for people."""

from __future__ import annotations

import json
from typing import Any

from studio.cli.screen import plain
from studio.project.records import Section, Status
from studio.project.store import Project
from studio.writing.coverage import looked_at

STARTER = "starter"
"""How reports call the model that comes with the program."""


def project_report(project: Project) -> dict[str, Any]:
    """Return what ``--json`` prints: the sections are the leaves; usage sums all model calls in the run log."""
    info = project.info
    return {
        "project": str(info.path),
        "model": info.model or STARTER,
        "seed": info.seed,
        "words_target": info.brief.words,
        "words": project.words(),
        "sections": [{"title": leaf.title, "target": leaf.target, "words": leaf.words} for leaf in project.leaves()],
        "requirements": requirement_report(project),
        "usage": _usage(project),
    }


def requirement_report(project: Project) -> list[dict[str, Any]]:
    """Return what is demanded and where; ``met`` is None as long as nothing of it is written or looked at."""
    titles = {leaf.id: f"{leaf.number} {leaf.title}" for leaf in project.leaves()}
    return [
        {
            "id": each.id,
            "text": each.text,
            "origin": str(each.origin),
            "scope": str(each.scope),
            "problem": each.problem,
            "sections": [{"section": titles[place.section], "met": place.met} for place in each.places],
        }
        for each in looked_at(project)
    ]


def requirement_lines(project: Project) -> list[str]:
    """Return what the brief demands and what of it is told, and by name what is not or cannot be; empty without any."""
    found = looked_at(project)
    if not found:
        return []
    titles = {leaf.id: f"{leaf.number} {plain(leaf.title)}" for leaf in project.leaves()}
    places = [(each, place) for each in found for place in each.places]
    told = sum(place.met is True for _, place in places)
    lines = ["", f"Requirements of the brief: {told} of {len(places)} are told"]
    lines += [f"  not told in {titles[at.section]}: {plain(each.text)}" for each, at in places if at.met is False]
    lines += [f"  {plain(each.text)}: {plain(each.problem)}" for each in found if each.problem]
    lines += [f"  no section is left for: {plain(each.text)}" for each in found if not (each.places or each.problem)]
    return lines


def print_json(report: dict[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(report, ensure_ascii=False, indent=2))


def is_finished(project: Project) -> bool:
    """Say whether every section that may be written is written."""
    leaves = project.leaves()
    return bool(leaves) and all(leaf.status is Status.WRITTEN or leaf.locked or not leaf.target for leaf in leaves)


def outline(project: Project) -> list[str]:
    """Return the state of a project as lines: the head, then each section with its words and target."""
    info, sections = project.info, project.sections()
    head = [
        f"Title    {plain(info.title) or '(none yet)'}",
        f"Project  {info.path}",
        f"Model    {info.model or 'the starter model'}",
        f"Seed     {info.seed}",
        f"Words    {project.words():,} of {info.brief.words:,}",
    ]
    if not sections:
        return [*head, "", "There is no plan yet."]
    return [*head, "", *map(_outline_line, sections), *requirement_lines(project)]


def _outline_line(section: Section) -> str:
    indent = "  " * section.number.count(".")
    state = f", {section.status}" if section.leaf else ""
    return f"{indent}{section.number}  {plain(section.title)}  ({section.words:,} of {section.target:,} words{state})"


def _usage(project: Project) -> dict[str, int | float]:
    totals = project.log_totals()
    return {
        "prompt_tokens": totals.prompt_tokens,
        "cached_tokens": totals.cached_tokens,
        "completion_tokens": totals.completion_tokens,
        "seconds": round(totals.seconds, 3),
    }
