# SPDX-License-Identifier: Apache-2.0
"""What the model would see next for a section, with the room that its context has for it. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

from backends.base import Backend
from studio.memory.context import Context
from studio.project.records import Section, Status
from studio.project.store import Project
from studio.writing.pace import Stopwatch
from studio.writing.room import Room
from studio.writing.writer import SectionWriter, WriterSettings


@dataclass(frozen=True, slots=True)
class Preview:
    """The context of the next request for a section; ``room`` is what the model has for prompt and answer (tokens)."""

    section: Section
    context: Context
    room: Room

    @property
    def instruction_tokens(self) -> int:
        """What of the prompt belongs to no piece: instructions, headings, and the chat template of the model."""
        return max(0, self.context.tokens - sum(piece.tokens for piece in self.context.pieces))

    @property
    def free_tokens(self) -> int:
        """What of the prompt's room nothing takes."""
        return max(0, self.room.prompt_tokens - self.context.tokens)


def preview(project: Project, backend: Backend, section: Section) -> Preview:
    """Compose the prompt for a leaf as writing would. Raises ``UnknownSection``, ``ContextOverflow``."""
    composed = SectionWriter(project, backend, WriterSettings(), Stopwatch()).preview(section)
    return Preview(section, composed.context, composed.room)


def next_section(project: Project) -> Section | None:
    """Return the leaf that is written next, the last one where all are; None without a plan."""
    leaves = project.leaves()
    waiting = (leaf for leaf in leaves if leaf.status is not Status.WRITTEN and not leaf.locked)
    return next(waiting, leaves[-1] if leaves else None)
