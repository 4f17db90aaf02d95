# SPDX-License-Identifier: Apache-2.0
"""What is not as it should be in a document, and where: lengths, demands, what is stale, repetition, terms."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from studio.planning.budget import section_goal
from studio.planning.kinds import document_kind
from studio.project.memory_records import Remembered
from studio.project.records import Section, Status
from studio.project.store import Project
from studio.writing.definitions import defined_twice, is_glossary
from studio.writing.repetition_report import (
    Place,
    Repeated,
    RepetitionReport,
    SectionProse,
    Verdict,
    report_in_steps,
)

# More of one kind say nothing new.
MOST_OF_A_KIND = 200


class FindingKind(enum.StrEnum):
    """What a finding is about."""

    LENGTH = "length"
    REQUIREMENT = "requirement"
    STALE = "stale"
    REPETITION = "repetition"
    DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: in which section (0: in the document as a whole), what it is, and the words concerned.

    ``words`` and ``target`` are set for a length, ``place`` for a repetition and for what a text defines again.
    """

    kind: FindingKind
    section: int
    text: str
    words: int = 0
    target: int = 0
    place: Place | None = None


def quick_findings(project: Project) -> tuple[Finding, ...]:
    """Return what needs no look at the texts: lengths, demands that are not met, what is stale."""
    return (*_lengths(project), *_requirements(project), *_stale(project))


def repetition_in_steps(project: Project) -> Iterator[tuple[Finding, ...] | None]:
    """Look for repetition in the whole document piece by piece: yields None after each step, what was found at last.

    Terms that are defined twice are looked for, too, where the kind of the document is to define them once.
    """
    leaves = project.leaves()
    ids = {leaf.number: leaf.id for leaf in leaves}
    for report in report_in_steps(prose_of(project, leaves)):
        yield None if report is None else (*_definitions(project, leaves, ids), *_repetition(report, ids))


def defined_again(project: Project, leaves: tuple[Section, ...]) -> tuple[Repeated, ...]:
    """Return the terms that a document defines twice, where its kind is to define them once."""
    once = document_kind(project.info.brief.kind).defines_once
    return defined_twice(prose_of(project, leaves)) if once else ()


def prose_of(project: Project, leaves: tuple[Section, ...]) -> Iterator[SectionProse]:
    """Read the sections of a document one after the other, as they are measured."""
    for leaf in leaves:
        text = project.text(leaf.id)
        yield SectionProse(leaf.number, leaf.title, text.body + text.tail)


def _lengths(project: Project) -> Iterator[Finding]:
    for leaf in project.leaves():
        if leaf.status is Status.WRITTEN and leaf.target and not section_goal(leaf.target).holds(leaf.words):
            yield Finding(FindingKind.LENGTH, leaf.id, "", words=leaf.words, target=leaf.target)


def _requirements(project: Project) -> Iterator[Finding]:
    for each in project.requirements():
        if each.problem:
            section = each.places[0].section if each.places else 0
            yield Finding(FindingKind.REQUIREMENT, section, f"{each.text}: {each.problem}")
        elif not each.places:
            yield Finding(FindingKind.REQUIREMENT, 0, each.text)
        for place in each.places:
            if place.met is False:
                yield Finding(FindingKind.REQUIREMENT, place.section, each.text)


def _stale(project: Project) -> Iterator[Finding]:
    sections = {each.id for each in project.sections()}
    for mark in project.memory.stale():
        if mark.kind is Remembered.FACT:
            yield Finding(FindingKind.STALE, 0, mark.reason)
        else:
            yield Finding(FindingKind.STALE, mark.id if mark.id in sections else 0, mark.reason)


def _definitions(project: Project, leaves: tuple[Section, ...], ids: dict[str, int]) -> Iterator[Finding]:
    for each in defined_again(project, leaves)[:MOST_OF_A_KIND]:
        place = each.places[-1]
        shown = None if is_glossary(place.title) else place
        yield Finding(FindingKind.DEFINITION, ids[place.section], each.text, place=shown)


def _repetition(report: RepetitionReport, ids: dict[str, int]) -> Iterator[Finding]:
    """Loops and worn stretches first, then what returns word by word; refrains are meant to."""
    for window in report.windows:
        if window.verdict in (Verdict.ACT, Verdict.LOOP):
            yield Finding(FindingKind.REPETITION, ids[window.place.section], "", place=window.place)
    seen: set[tuple[str, int]] = set()
    near = tuple(Repeated(each.text, each.places) for each in report.near)
    # Passages come last: what they say is in words without capital letters, and mostly in a sentence as well.
    for found in (report.neighbours, report.sentences, near, report.passages):
        for each in found[:MOST_OF_A_KIND]:
            yield from _again(each, ids, seen)


def _again(repeated: Repeated, ids: dict[str, int], seen: set[tuple[str, int]]) -> Iterator[Finding]:
    """What stands somewhere again, at its later place; one finding a paragraph."""
    place = repeated.places[-1]
    if (place.section, place.paragraph) not in seen:
        seen.add((place.section, place.paragraph))
        yield Finding(FindingKind.REPETITION, ids[place.section], repeated.text.lstrip(" .,;:!?"), place=place)
