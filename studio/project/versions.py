# SPDX-License-Identifier: Apache-2.0
"""The versions of a section: its revisions, and the snapshots that hold it, in one list."""

from __future__ import annotations

from dataclasses import dataclass

from studio.project.records import Origin, Revision, Section, Snapshot
from studio.project.store import Project


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a section that can be read, compared and brought back: of a revision or in a snapshot.

    ``words`` of a snapshot of the whole project are those of the project.
    """

    created: str
    words: int
    revision: Revision | None = None
    snapshot: Snapshot | None = None

    @property
    def origin(self) -> Origin | None:
        """Where the text came from; a snapshot has no origin."""
        return self.revision.origin if self.revision is not None else None

    @property
    def run(self) -> int | None:
        """The model call that wrote it, None where no model did."""
        return self.revision.run if self.revision is not None else None


def versions(project: Project, section_id: int) -> tuple[Version, ...]:
    """Return the versions of a leaf, the newest first."""
    of_section = [Version(each.created, each.words, revision=each) for each in project.revisions(section_id)]
    kept = [each for each in project.snapshots() if each.section in (None, section_id)]
    in_snapshots = [Version(each.created, each.words, snapshot=each) for each in kept]
    # Of what was made in the same second the snapshot comes later: it was made of the revision.
    everything = sorted([*of_section, *in_snapshots], key=lambda each: (each.created, each.snapshot is not None))
    return tuple(reversed(everything))


def text_of(project: Project, section_id: int, version: Version) -> str:
    """Return what a section said in a version; empty where a snapshot does not have it."""
    if version.revision is not None:
        return project.revision_body(version.revision.id)
    assert version.snapshot is not None
    return project.snapshot_text(version.snapshot.id, section_id) or ""


def text_now(project: Project, section_id: int) -> str:
    """Return what a section says now, tail included."""
    text = project.text(section_id)
    return text.body + text.tail


def restore(project: Project, section_id: int, version: Version) -> Section:
    """Make a section say what it said in a version. What it says now stays a version.

    Raises ``StaleRevision``; ``ProjectError`` where a snapshot does not have the section.
    """
    if version.revision is not None:
        project.restore(section_id, version.revision.id, project.section(section_id).revision)
    else:
        assert version.snapshot is not None
        project.restore_snapshot(version.snapshot.id, [section_id])
    return project.section(section_id)


def restore_part(project: Project, section_id: int, version: Version, number: int) -> Section:
    """Bring back one difference (its number as ``word_diff.differences`` has it) between now and a version."""
    then = text_of(project, section_id, version)
    project.restore_parts(section_id, then, (number,), project.section(section_id).revision)
    return project.section(section_id)
