# SPDX-License-Identifier: Apache-2.0
"""Where the reply of a server is cut so that a section ends at its goal.

A server cannot be steered to an end, and its sentences are as long as they are. So a reply that would carry the section
beyond its goal is cut at the last sentence before it, and the end is asked for again; after a few tries the best of
what there is stands.
"""

from __future__ import annotations

from backends.text.segmentation import sentence_ends
from studio.planning.budget import Goal
from studio.writing.endings import MOST_MISSING, CountWords, whole_sentences

CLOSING_TRIES = 6
"""How many replies in a row may be put aside because none of them ends the section at its goal."""


def kept_of_reply(before: str, reply: str, goal: Goal, tries: int, count: CountWords) -> str:
    """Return the part of a reply that stays behind ``before``; empty where none of it does.

    ``tries`` replies were put aside directly before this one.
    """
    kept = whole_sentences(reply)
    if count(before + kept) <= goal.most:
        return kept
    cuts = [kept[:end] for end in sentence_ends(kept)]
    if is_near(before, goal, count):
        cuts = ["", *cuts]
    holding = [text for text in cuts if goal.holds(count(before + text))]
    if not holding and tries < CLOSING_TRIES:
        short = [text for text in cuts if count(before + text) < goal.least]
        return short[-1] if short else ""
    return min(holding or cuts, key=lambda text: goal.miss(count(before + text)), default="")


def is_near(text: str, goal: Goal, count: CountWords) -> bool:
    """Say whether so little is missing that a text may stay as it is where nothing better comes."""
    return goal.aim - count(text) <= min(MOST_MISSING, goal.aim / 10)
