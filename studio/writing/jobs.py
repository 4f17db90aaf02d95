# SPDX-License-Identifier: Apache-2.0
"""What an author can ask to be written, as the window queues it; ``studio.writing.section_jobs`` does it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from backends.text.counting import count_words
from studio.planning.budget import section_goal

PARAGRAPH = "\n\n"
# What is written more where a section has its words already: a part of its target between these bounds, in words.
MORE_SHARE, LEAST_MORE, MOST_MORE = 0.25, 60, 300


class JobKind(enum.StrEnum):
    """What is to be written."""

    DOCUMENT = "document"
    SECTION = "section"
    AGAIN = "again"
    ONWARD = "onward"


@dataclass(frozen=True, slots=True)
class Job:
    """A thing to write. ``section`` is 0 for the document.

    Only ``ONWARD`` has the others: the section keeps the first ``kept`` code points of its text (None: all of it) and
    is written on until it has ``words``.
    """

    kind: JobKind
    section: int = 0
    kept: int | None = None
    words: int = 0

    def resumed(self) -> Job:
        """Return the job that goes on with this one after it was begun: what was to be taken out is out by then."""
        if self.kind is JobKind.AGAIN:
            return Job(JobKind.SECTION, self.section)
        return replace(self, kept=None)


def onward_words(kept: str, target: int) -> int:
    """Return how many words a section with ``target`` is to have when it is written on behind ``kept``: its target, or
    somewhat more than there is where that leaves nothing to write."""
    words = count_words(kept)
    if words < section_goal(target).least:
        return target
    return words + round(min(max(MORE_SHARE * target, LEAST_MORE), MOST_MORE))


def paragraph_end(text: str, place: int) -> int:
    """Return where the paragraph of a place ends, without the spaces behind it; all in code points.

    A place in an empty paragraph belongs to the one before.
    """
    end = text.find(PARAGRAPH, place)
    return len(text[: end if end >= 0 else len(text)].rstrip())
