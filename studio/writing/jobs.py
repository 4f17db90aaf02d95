# SPDX-License-Identifier: Apache-2.0
"""What an author can ask to be written, as the window queues it; ``studio.writing.section_jobs`` does it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

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

    Only ``ONWARD`` has the others: the last ``behind`` paragraphs of the section stay behind what is written, and the
    text in front of them is written on until it has ``words``.
    """

    kind: JobKind
    section: int = 0
    behind: int = 0
    words: int = 0

    def resumed(self) -> Job:
        """Return the job that goes on with this one after it was begun: what was to be taken out is out by then."""
        return Job(JobKind.SECTION, self.section) if self.kind is JobKind.AGAIN else self


def onward_words(text: str, behind: int, target: int) -> int:
    """Return how many words the text in front of the last ``behind`` paragraphs is to have when it is written on.

    What the section lacks of its target, or somewhat more than there is where it lacks nothing.
    """
    words, front = count_words(text), count_words(text[: insertion_place(text, behind)])
    if words < section_goal(target).least:
        return target - (words - front)
    return front + round(min(max(MORE_SHARE * target, LEAST_MORE), MOST_MORE))


def paragraphs_behind(text: str, place: int) -> int:
    """Return how many paragraphs begin behind the one of a place (code points).

    A place in an empty paragraph belongs to the one before.
    """
    return sum(start > place for start in _starts(text))


def insertion_place(text: str, behind: int) -> int:
    """Return where the last ``behind`` paragraphs begin (code points): the end where there are not more than these."""
    starts = _starts(text)
    return starts[-behind] if 0 < behind < len(starts) else len(text)


def _starts(text: str) -> list[int]:
    """Return where the paragraphs with words in them begin."""
    starts, place = [], 0
    for part in text.split(PARAGRAPH):
        if part.strip():
            starts.append(place)
        place += len(part) + len(PARAGRAPH)
    return starts
