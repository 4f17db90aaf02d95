# SPDX-License-Identifier: Apache-2.0
"""A project: one SQLite file with the brief, the plan, all texts and all that models were asked for them.

Every operation is one transaction: when it returns, its change is on the disk. A project is used by the thread that
opened it. Besides the errors that an operation names, each may raise ``DiskFull``, ``ProjectDamaged`` and, for a change
to a project opened for reading, ``ProjectReadOnly``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from studio.project import (
    bans,
    division,
    files,
    head,
    plan,
    plan_edits,
    requirements,
    run_log,
    search,
    snapshots,
    summaries,
    texts,
)
from studio.project.backup import back_up, backups
from studio.project.connection import Database
from studio.project.errors import ProjectDamaged, ProjectError
from studio.project.failures import translated
from studio.project.integrity import all_damage
from studio.project.lock import ProjectLock
from studio.project.memory_store import ProjectMemory
from studio.project.open_file import OpenFile
from studio.project.records import (
    Brief,
    CallOutcome,
    EditedSection,
    LogTotals,
    Mode,
    ModelCall,
    Origin,
    PlannedRequirement,
    PlannedSection,
    ProjectInfo,
    Requirement,
    RequirementOrigin,
    Revision,
    Run,
    Section,
    SectionText,
    Snapshot,
    SnapshotText,
    Status,
    Summary,
)

_FOUND_IN_BRIEF = frozenset({RequirementOrigin.RULE, RequirementOrigin.MODEL})


class Project(OpenFile):
    """An open project file; made by ``create`` and ``open``, ended by ``close``.

    ``notices`` says in sentences what could not be done at opening and does not stop the work: a backup that failed.
    """

    def __init__(self, database: Database, lock: ProjectLock | None, notices: tuple[str, ...] = ()) -> None:
        super().__init__(database, lock)
        self.notices = notices

    @classmethod
    def create(cls, path: Path, brief: Brief, *, title: str = "", seed: int = 0, model: str = "") -> Self:
        """Make a project file that was not there and open it for writing; it appears whole or not at all.

        Raises ``ProjectExists``, ``ProjectInUse``, ``ProjectReadOnly`` (folder missing or not writable), ``DiskFull``.
        """
        database, lock = files.create(path, lambda c: head.write(c, brief, title=title, seed=seed, model=model))
        return cls(database, lock)

    @classmethod
    def open(cls, path: Path, mode: Mode = Mode.WRITE) -> Self:
        """Open a project file. For writing it is locked, checked, updated to this version and backed up if that is due.

        Reading works beside a writer and on damaged, newer and read-only files as far as they can be read.
        Raises ``ProjectNotFound``, ``ProjectInUse``, ``ProjectTooNew``, ``ProjectDamaged``, ``ProjectReadOnly``.
        """
        if mode is Mode.READ:
            return cls(files.open_for_reading(path), None)
        return cls(*files.open_for_writing(path))

    # The head

    @property
    def info(self) -> ProjectInfo:
        """The head of the project, read anew."""
        with self._database.reading() as connection:
            return head.read(connection, self._database.path, read_only=not self._database.writable)

    def rename(self, title: str) -> None:
        """Change the title."""
        with self._database.writing() as connection:
            head.change(connection, title=title)

    def set_model(self, model: str) -> None:
        """Name the model last used by its path, empty for the starter model."""
        with self._database.writing() as connection:
            head.change(connection, model=model)

    def set_brief(self, brief: Brief) -> None:
        """Replace the brief; the plan stays as it is."""
        with self._database.writing() as connection:
            head.set_brief(connection, brief)

    # The plan

    def set_plan(self, title: str, sections: Sequence[PlannedSection]) -> None:
        """Replace title and plan. Raises ``ProjectError`` if any section has text."""
        with self._database.writing() as connection:
            plan.set_plan(connection, sections)
            head.change(connection, title=title)

    def apply_plan(self, title: str, sections: Sequence[EditedSection]) -> None:
        """Replace title and plan by what the author made of them; sections keep their texts by their ids.

        Sections that are not named leave the plan. Raises ``UnknownSection``; ``ProjectError`` for an id that comes
        twice, or for children of a section that has text; then nothing is changed.
        """
        with self._database.writing() as connection:
            plan_edits.apply(connection, sections)
            head.change(connection, title=title)

    def sections(self) -> tuple[Section, ...]:
        """Return the plan depth-first in reading order, parents included."""
        with self._database.reading() as connection:
            return plan.sections(connection)

    def leaves(self) -> tuple[Section, ...]:
        """Return the sections that are written, in reading order."""
        return tuple(each for each in self.sections() if each.leaf)

    def section(self, section_id: int) -> Section:
        """Return one section. Raises ``UnknownSection``."""
        with self._database.reading() as connection:
            return plan.section(connection, section_id)

    def edit_section(
        self,
        section_id: int,
        *,
        title: str | None = None,
        points: tuple[str, ...] | None = None,
        target: int | None = None,
        locked: bool | None = None,
    ) -> Section:
        """Change what is given, keep the rest. Raises ``UnknownSection``; ``ProjectError`` for a parent's target."""
        with self._database.writing() as connection:
            return plan.edit_section(connection, section_id, title=title, points=points, target=target, locked=locked)

    def add_section(
        self,
        title: str,
        target: int,
        *,
        parent: int | None = None,
        after: int | None = None,
        points: tuple[str, ...] = (),
    ) -> Section:
        """Add a leaf behind ``after``, or as the last child of ``parent``, or at the end of the plan.

        Raises ``UnknownSection``; ``ProjectError`` if ``after`` is not under ``parent`` or the parent has text.
        """
        with self._database.writing() as connection:
            return plan.add_section(connection, title, target, parent=parent, after=after, points=points)

    def move_section(self, section_id: int, *, parent: int | None, position: int) -> None:
        """Put a section with all under it at ``position`` (from 0, without it) among the children of ``parent``.

        Raises ``UnknownSection``; ``ProjectError`` for a parent inside the section, with text, or a wrong position.
        """
        with self._database.writing() as connection:
            plan.move_section(connection, section_id, parent, position)

    def delete_section(self, section_id: int) -> None:
        """Take a section with all under it out of the plan; its revisions stay. Raises ``UnknownSection``."""
        with self._database.writing() as connection:
            plan.delete_section(connection, section_id)

    def restore_section(self, section_id: int) -> Section:
        """Bring back what ``delete_section`` took. Raises ``UnknownSection`` if no such section was deleted."""
        with self._database.writing() as connection:
            return plan.restore_section(connection, section_id)

    def split_section(self, section_id: int, place: int, title: str, *, expected: int) -> Section:
        """Make a new leaf of a leaf's text from ``place`` (code points) on, and return it; the target is shared.

        Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` for a parent, a locked section, or an empty part.
        """
        with self._database.writing() as connection:
            return division.split(connection, section_id, place, title, expected=expected)

    def merge_with_next(self, section_id: int, *, expected: int) -> Section:
        """Put the next leaf under the same parent behind this one's text; that leaf then leaves the plan.

        Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` for locked sections, or where there is none.
        """
        with self._database.writing() as connection:
            return division.merge(connection, section_id, expected=expected)

    def set_targets(self, targets: Mapping[int, int]) -> None:
        """Set the targets (words) of several leaves. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
        with self._database.writing() as connection:
            plan.set_targets(connection, targets)

    def set_status(self, section_id: int, status: Status) -> None:
        """Set how far a leaf is. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
        with self._database.writing() as connection:
            plan.set_status(connection, section_id, status)

    def words(self) -> int:
        """Return the words of the whole document, tails included."""
        with self._database.reading() as connection:
            return plan.words(connection)

    # What the brief demands

    def requirements(self) -> tuple[Requirement, ...]:
        """Return all requirements in the order in which they were found."""
        with self._database.reading() as connection:
            return requirements.requirements(connection)

    def set_requirements(
        self, found: Sequence[PlannedRequirement], *, replacing: Collection[RequirementOrigin] = _FOUND_IN_BRIEF
    ) -> None:
        """Put these in the place of all that were found in the brief, or of those of other origins.

        Raises ``UnknownSection``; ``ProjectError`` for a section that is no leaf.
        """
        with self._database.writing() as connection:
            requirements.set_requirements(connection, found, replacing=replacing)

    def add_requirement(self, planned: PlannedRequirement) -> int:
        """Add a requirement and return its id. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
        with self._database.writing() as connection:
            return requirements.add_requirement(connection, planned)

    def place_requirement(self, requirement_id: int, sections: Sequence[int]) -> None:
        """Assign a requirement to these leaves only. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
        with self._database.writing() as connection:
            requirements.place_requirement(connection, requirement_id, sections)

    def edit_requirement(self, requirement_id: int, text: str) -> None:
        """Let the author say what is demanded; the requirement is the author's then. Raises ``ProjectError``."""
        with self._database.writing() as connection:
            requirements.edit_requirement(connection, requirement_id, text)

    def delete_requirement(self, requirement_id: int) -> None:
        """Take a requirement out. Raises ``ProjectError`` if there is none."""
        with self._database.writing() as connection:
            requirements.delete_requirement(connection, requirement_id)

    # What may not be written

    def bans(self) -> tuple[str, ...]:
        """Return what may not be written in this document, entries as in a ban list."""
        with self._database.reading() as connection:
            return bans.entries(connection)

    def add_bans(self, entries: Sequence[str]) -> None:
        """Ban more; what is banned already stays so."""
        with self._database.writing() as connection:
            bans.add(connection, entries)

    def remove_ban(self, entry: str) -> None:
        """Allow again what an entry banned. Raises ``ProjectError`` if there is none."""
        with self._database.writing() as connection:
            bans.remove(connection, entry)

    def set_met(self, section_id: int, met: Mapping[int, bool], source_sha256: str) -> None:
        """Say which requirements (by id) the text of a leaf with this SHA-256 (``text_sha256``) meets."""
        with self._database.writing() as connection:
            requirements.set_met(connection, section_id, met, source_sha256)

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Have all that is read in the block of one state of the project; nothing can be written there."""
        with self._database.reading():
            yield

    # The texts

    def text(self, section_id: int) -> SectionText:
        """Return the text of a section; that of a parent is empty. Raises ``UnknownSection``."""
        return self.section_texts([section_id])[0]

    def section_texts(self, section_ids: Sequence[int]) -> tuple[SectionText, ...]:
        """Return the texts of these sections in this order; those of parents are empty. Raises ``UnknownSection``."""
        with self._database.reading() as connection:
            return texts.section_texts(connection, section_ids)

    def store_text(
        self,
        section_id: int,
        body: str,
        *,
        expected: int,
        origin: Origin,
        run: int | None = None,
        tail: str = "",
    ) -> Revision:
        """Store a settled body with the tail behind it; a new revision unless the body is the newest one's.

        A typed revision may take the place of the typed one before it: see ``studio.project.texts``.
        Raises ``UnknownSection``, ``StaleRevision`` unless ``expected`` is the newest revision (0 before the first),
        ``ProjectError`` for a parent.
        """
        with self._database.writing() as connection:
            return texts.store_text(connection, section_id, body, expected=expected, origin=origin, run=run, tail=tail)

    def store_tail(self, section_id: int, tail: str, *, expected: int) -> None:
        """Replace the unsettled text behind the newest revision. Raises as ``store_text`` does."""
        with self._database.writing() as connection:
            texts.store_tail(connection, section_id, tail, expected=expected)

    def revisions(self, section_id: int) -> tuple[Revision, ...]:
        """Return the revisions of a section, deleted ones too, oldest first."""
        with self._database.reading() as connection:
            return texts.revisions(connection, section_id)

    def brought_by(self, section_id: int, passage: str) -> Revision | None:
        """Return the revision that brought a passage which a section has now, None if no settled text has it."""
        with self._database.reading() as connection:
            plan.require(connection, section_id)
            return texts.brought_by(connection, section_id, passage)

    def revision_body(self, revision_id: int) -> str:
        """Return the body of a revision. Raises ``ProjectError`` if there is none."""
        with self._database.reading() as connection:
            return texts.revision_body(connection, revision_id)

    def restore(self, section_id: int, revision_id: int, expected: int) -> Revision:
        """Make an older revision the newest one; what a tail held becomes a revision before that.

        Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` for a revision of another section.
        """
        with self._database.writing() as connection:
            return texts.restore(connection, section_id, revision_id, expected)

    def restore_parts(self, section_id: int, then: str, parts: Collection[int], expected: int) -> Revision:
        """Bring parts of an older text of a section back: those differences (``word_diff``) between now and then.

        ``parts`` are their numbers, from 1; what a tail held becomes a revision before that. Raises ``UnknownSection``,
        ``StaleRevision``; ``ProjectError`` for a number that no difference has.
        """
        with self._database.writing() as connection:
            return texts.restore_parts(connection, section_id, then, parts, expected)

    # Snapshots

    def take_snapshot(self, name: str, section_id: int | None = None) -> Snapshot:
        """Make a snapshot of the project, or of one leaf. Raises ``UnknownSection``; ``ProjectError`` for a used name.

        It holds the plan, the settled texts and the tails.
        """
        with self._database.writing() as connection:
            return snapshots.take(connection, name, section_id=section_id)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return all snapshots, oldest first."""
        with self._database.reading() as connection:
            return snapshots.snapshots(connection)

    def snapshot_texts(self, snapshot_id: int) -> tuple[SnapshotText, ...]:
        """Return what the leaves said then, in the reading order of then. Raises ``ProjectError`` if there is none."""
        with self._database.reading() as connection:
            return snapshots.snapshot_texts(connection, snapshot_id)

    def snapshot_text(self, snapshot_id: int, section_id: int) -> str | None:
        """Return what one section said then, None where it was not in the plan. Raises as ``snapshot_texts`` does."""
        with self._database.reading() as connection:
            return snapshots.snapshot_text(connection, snapshot_id, section_id)

    def restore_snapshot(self, snapshot_id: int, sections: Collection[int] | None = None) -> tuple[int, ...]:
        """Bring a snapshot back, whole or the texts of these sections only; return the sections whose text changed.

        A snapshot of what is there now is made first. Raises ``ProjectError`` for one that is not there.
        """
        with self._database.writing() as connection:
            return snapshots.restore(connection, snapshot_id, sections)

    # Search and replace

    def search(self, query: search.Query, *, most: int | None = None) -> tuple[search.Hit, ...]:
        """Return the hits in the whole document in reading order. Raises ``ProjectError`` for a wrong expression."""
        candidates = self._candidates(query)
        with self._database.reading() as connection:
            return search.search(connection, query, candidates, most=most)

    def preview_replace(
        self, query: search.Query, replacement: str, *, most: int | None = None
    ) -> tuple[search.Change, ...]:
        """Return what ``replace`` would do. Raises ``ProjectError`` for a wrong expression or replacement."""
        candidates = self._candidates(query)
        with self._database.reading() as connection:
            return search.preview(connection, query, replacement, candidates, most=most)

    def replace(self, query: search.Query, replacement: str) -> search.Replacement:
        """Replace every hit outside of locked sections, after a snapshot. Raises as ``preview_replace`` does."""
        candidates = self._candidates(query)
        with self._database.writing() as connection:
            return search.replace(connection, query, replacement, candidates)

    def _candidates(self, query: search.Query) -> search.Candidates:
        """Ask the index of words; where it is damaged all paragraphs are read instead."""
        try:
            with self._database.reading() as connection:
                return search.candidates_for(connection, query)
        except ProjectDamaged:
            return None

    def undo_replace(self, snapshot_id: int | None = None) -> tuple[int, ...]:
        """Undo a replacement, the last one unless its snapshot is named; return the sections that are as before.

        Sections that were changed after it are left alone. Raises ``ProjectError`` if there is nothing to undo.
        """
        with self._database.writing() as connection:
            found = snapshots.newest_replacement(connection) if snapshot_id is None else snapshot_id
            if found is None:
                raise ProjectError("Nothing was replaced in this project.")
            return snapshots.undo_replacement(connection, found)

    # Summaries

    def summary(self, section_id: int) -> Summary | None:
        """Return the summary of a section, None without one. Raises ``UnknownSection``."""
        with self._database.reading() as connection:
            return summaries.summary(connection, section_id)

    def summaries(self) -> tuple[Summary, ...]:
        """Return all summaries of the plan in reading order."""
        with self._database.reading() as connection:
            return summaries.summaries(connection)

    def set_summary(self, section_id: int, text: str, source_sha256: str) -> None:
        """Set or replace the summary of a section, made from the text with this SHA-256 (``text_sha256``)."""
        with self._database.writing() as connection:
            summaries.set_summary(connection, section_id, text, source_sha256)

    def text_sha256(self, section_id: int) -> str:
        """Return the SHA-256 (hexadecimal, of UTF-8) of body and tail of a leaf.

        For a parent it is that of the hashes of its leaves that have text. Raises ``UnknownSection``.
        """
        with self._database.reading() as connection:
            plan.require(connection, section_id)
            return summaries.source_sha256(connection, section_id)

    # What the project remembers

    @property
    def memory(self) -> ProjectMemory:
        """Facts, notes, summaries in the author's hand, and what is stale."""
        return ProjectMemory(self._database)

    # The run log

    def start_call(self, call: ModelCall) -> int:
        """Log a model call before it starts and return its id. Raises ``UnknownSection``."""
        with self._database.writing() as connection:
            return run_log.start_call(connection, call)

    def finish_call(self, run_id: int, outcome: CallOutcome) -> None:
        """Log what came of a call. Raises ``ProjectError`` for an unknown or finished one."""
        with self._database.writing() as connection:
            run_log.finish_call(connection, run_id, outcome)

    def set_kept(self, run_id: int, kept: str) -> None:
        """Say what of a finished call's answer was kept. Raises ``ProjectError`` for an unknown or open one."""
        with self._database.writing() as connection:
            run_log.set_kept(connection, run_id, kept)

    def run(self, run_id: int) -> Run:
        """Return one call. Raises ``ProjectError`` if there is none."""
        with self._database.reading() as connection:
            return run_log.run(connection, run_id)

    def log_totals(self) -> LogTotals:
        """Return the sums over all finished calls."""
        with self._database.reading() as connection:
            return run_log.totals(connection)

    def runs(self, section_id: int | None = None, *, newest: int | None = None) -> tuple[Run, ...]:
        """Return the calls for a section, or all, oldest first; only the last ``newest`` ones if given."""
        with self._database.reading() as connection:
            return run_log.runs(connection, section_id, newest=newest)

    # Safety

    def back_up(self) -> Path:
        """Make a checked backup now and return its path. Raises ``ProjectDamaged``; the older ones then all stay."""
        with translated(self._database.path):
            return back_up(self._database.driver, self._database.path)

    def backups(self) -> tuple[Path, ...]:
        """Return the backups of this project, oldest first."""
        return backups(self._database.path)

    def damage(self) -> tuple[str, ...]:
        """Check the whole file and return what is damaged, each finding in a few words; empty for a sound file."""
        with translated(self._database.path):
            return all_damage(self._database.driver)
