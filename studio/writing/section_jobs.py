# SPDX-License-Identifier: Apache-2.0
"""Does what an author asks for section by section: write it, write it again, go on from a place in its text.

Each job is an iterator of the same events as a run over the whole document. No other section's text is touched, and
what a job takes out of a section stays as a revision.
"""

from __future__ import annotations

from collections.abc import Iterator

from backends.errors import BackendError
from studio.project.errors import ProjectError
from studio.project.records import Origin, Section, SectionText, Status
from studio.project.store import Project
from studio.writing.errors import WritingError
from studio.writing.events import Paused, WritingEvent
from studio.writing.jobs import Job, JobKind, insertion_place
from studio.writing.runner import Runner


def carry_out(project: Project, runner: Runner, job: Job) -> Iterator[WritingEvent]:
    """Do a job; over the document it ends as runs do, otherwise when its section is summed up, or with ``Paused``.

    Raises UnknownSection; ProjectError for a section that is locked or has no text of its own; BackendError and
    ModelSilent with everything stored.
    """
    if job.kind is JobKind.DOCUMENT:
        return runner.write()
    section = project.section(job.section)
    if section.locked:
        raise ProjectError(f"Section {section.number}, {section.title}, is locked.", hint="Unlock it first.")
    if not section.leaf:
        raise ProjectError(f"Section {section.number}, {section.title}, has no text of its own.")
    if job.kind is JobKind.AGAIN:
        return _again(project, runner, section)
    if job.kind is JobKind.ONWARD:
        return _onward(project, runner, section, job)
    return runner.write_section(section.id)


def set_aside(project: Project, section: Section) -> None:
    """Let a leaf be written from its beginning; what it says now stays as a revision."""
    _leave_only(project, project.text(section.id), "")
    project.set_status(section.id, Status.PLANNED)


def _again(project: Project, runner: Runner, section: Section) -> Iterator[WritingEvent]:
    """Write a leaf anew. Where not a word comes, what was there comes back."""
    before = ""

    def set_all_aside(leaf: Section) -> None:
        nonlocal before
        text = project.text(leaf.id)
        before = text.body + text.tail
        set_aside(project, leaf)

    try:
        for event in runner.write_section(section.id, opening=set_all_aside):
            if isinstance(event, Paused):
                _bring_back(project, section, before)
            yield event
    except (BackendError, WritingError):
        _bring_back(project, section, before)
        raise


def _bring_back(project: Project, section: Section, before: str) -> None:
    text = project.text(section.id)
    if before and not text.body + text.tail:
        project.store_text(section.id, before, expected=text.revision, origin=Origin.RESTORED)
        project.set_status(section.id, section.status)


def _onward(project: Project, runner: Runner, section: Section, job: Job) -> Iterator[WritingEvent]:
    """Write on in front of the paragraphs that stay behind: meanwhile they are a section of their own.

    So whatever happens in the middle, all of the text stands in the document.
    """
    rest: Section | None = None

    def set_apart(leaf: Section) -> None:
        nonlocal rest
        text = project.text(leaf.id)
        whole = text.body + text.tail
        place = insertion_place(whole, job.behind)
        if whole[:place].strip() and whole[place:].strip():
            rest = project.split_section(leaf.id, place, f"{leaf.title} (continued)", expected=text.revision)

    def join(_: Section) -> None:
        if rest is not None:
            _join(project, section, rest)

    try:
        for event in runner.write_section(section.id, words=job.words, opening=set_apart, closing=join):
            if isinstance(event, Paused):
                join(section)
            yield event
    except (BackendError, WritingError):
        join(section)
        raise


def _join(project: Project, section: Section, rest: Section) -> None:
    """Put the paragraphs that were set apart behind the text again, unless the author has moved them meanwhile."""
    order = [each.id for each in project.leaves()]
    if section.id in order and order[order.index(section.id) + 1 :][:1] == [rest.id]:
        project.merge_with_next(section.id, expected=project.text(section.id).revision)
        project.edit_section(section.id, points=section.points, target=section.target)
        project.set_status(section.id, section.status)


def _leave_only(project: Project, text: SectionText, left: str) -> None:
    """Let ``left`` be what a section says; all that it said is a revision, the unsettled end too."""
    section, revision = text.section, text.revision
    if text.tail:
        whole = text.body + text.tail
        revision = project.store_text(section, whole, expected=revision, origin=Origin.GENERATED).id
    project.store_text(section, left, expected=revision, origin=Origin.REVISED)
