# SPDX-License-Identifier: Apache-2.0
"""Brings what is stale up to the texts: summaries and facts, and sections where the author asks for it.

What is locked is never touched. A section that is written again keeps its text as a revision, behind a snapshot.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

from studio.project.memory_records import Remembered
from studio.project.records import Section, Status
from studio.project.store import Project
from studio.writing.events import Notice, Paused, WritingEvent
from studio.writing.remembering import WHOLE_DOCUMENT, Remembering
from studio.writing.runner import Runner
from studio.writing.section_jobs import set_aside

SNAPSHOT = "Before writing stale sections again"


def needs_model(project: Project) -> bool:
    """Say whether there is anything that ``refresh_memory`` would ask a model for."""
    summaries = any(each.kind is Remembered.SUMMARY and not each.locked for each in project.memory.stale())
    return summaries or bool(_changed_leaves(project))


def refresh(project: Project, runner: Runner, *, sections: Collection[int] = ()) -> Iterator[WritingEvent]:
    """Make stale summaries and facts anew, then write these sections again where they are stale and not locked.

    Ends with ``Paused`` where the author stopped, and may be asked for again at any time.
    """
    yield from refresh_memory(project, runner)
    if runner.stopping:
        yield Paused(project.words(), project.info.brief.words)
        return
    marks = {each.id: each for each in project.memory.stale() if each.kind is Remembered.TEXT}
    wanted = [leaf for leaf in project.leaves() if leaf.id in sections and leaf.id in marks]
    for leaf in wanted:
        if leaf.locked:
            yield Notice(f"Section {leaf.number}, {leaf.title}, is locked and stays as it is.")
    again = [leaf for leaf in wanted if not leaf.locked]
    if again:
        _set_aside(project, again)
        yield from runner.write([leaf.id for leaf in again])
        if not runner.stopping:
            yield from refresh_memory(project, runner)


def refresh_memory(project: Project, runner: Runner) -> Iterator[WritingEvent]:
    """Make stale summaries anew, from the sections up, and look again through texts that were changed since."""
    remembering = runner.remembering
    marks = [each for each in project.memory.stale() if each.kind is Remembered.SUMMARY]
    for mark in marks:
        if mark.locked:
            yield Notice(f"A locked summary stays as it is, though {mark.reason}.")
    for leaf in _changed_leaves(project):
        if not (yield from remembering.read(leaf)):
            return
    yield from _refresh_parents(project, remembering)
    if not runner.stopping:
        yield from remembering.summarise_complete()


def _changed_leaves(project: Project) -> list[Section]:
    """The finished leaves whose text was not summarised, or not looked through for facts, as it is now."""
    stale = {each.id for each in project.memory.stale() if each.kind is Remembered.SUMMARY and not each.locked}
    changed = stale | set(project.memory.unread())
    return [leaf for leaf in project.leaves() if leaf.status is Status.WRITTEN and leaf.id in changed]


def _refresh_parents(project: Project, remembering: Remembering) -> Iterator[WritingEvent]:
    sections = project.sections()
    stale = {each.id for each in project.memory.stale() if each.kind is Remembered.SUMMARY and not each.locked}
    for parent in [each for each in reversed(sections) if not each.leaf and each.id in stale]:
        parts = [each.id for each in sections if each.parent == parent.id]
        if not (yield from remembering.summarise_parts(parent.id, parent.title, parts)):
            return
    if WHOLE_DOCUMENT in stale:
        tops = [each.id for each in sections if each.parent is None]
        yield from remembering.summarise_parts(WHOLE_DOCUMENT, project.info.title, tops)


def _set_aside(project: Project, leaves: Collection[Section]) -> None:
    """Let sections be written from their beginning; what they say now is kept."""
    used = {each.name for each in project.snapshots()}
    numbered = (f"{SNAPSHOT} ({number})" for number in itertools.count(2))
    project.take_snapshot(next(name for name in itertools.chain([SNAPSHOT], numbered) if name not in used))
    for leaf in leaves:
        set_aside(project, leaf)
