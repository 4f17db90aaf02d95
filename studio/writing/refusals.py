# SPDX-License-Identifier: Apache-2.0
"""What no model can write, refused with a reason before the first word is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from backends.types import CountingProfile
from studio.planning.budget import MIN_SENTENCE_WORDS
from studio.planning.entries import numbered_entries
from studio.project.records import Brief, Section
from studio.writing.errors import LengthRefused

_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my", "bo"})
_NOT_LATIN_NOR_HAN = frozenset(
    {"ja", "ko", "th", "lo", "km", "my", "bo", "ru", "uk", "bg", "sr", "mk", "be", "el", "ar", "fa", "ur", "he", "hi"}
    | {"mr", "ne", "bn", "ta", "te", "ka", "hy", "am"}
)
# Languages whose texts a way of counting finds no words in, or far too few.
_UNCOUNTED = {
    CountingProfile.LONGHAND: frozenset[str](),
    CountingProfile.LONGBENCH_WRITE: _NOT_LATIN_NOR_HAN,
    CountingProfile.LIFEBENCH: _NOT_LATIN_NOR_HAN,
    CountingProfile.RULER: _UNSPACED,
    CountingProfile.SGT: _UNSPACED,
    CountingProfile.SELF_LENGTHEN: _UNSPACED - {"zh"},
}


def require_countable(brief: Brief, profile: CountingProfile) -> None:
    """Raise LengthRefused where a text in the language of the brief has no words by this way of counting."""
    language = brief.language.lower().split("-")[0]
    if language in _UNCOUNTED[profile]:
        raise LengthRefused(
            f"A text in the language {brief.language} has no length in words as {profile} counts them.",
            hint="Count as Longhand does, or write in another language.",
        )


def require_words_for_all(brief: Brief, leaves: Sequence[Section]) -> None:
    """Raise LengthRefused where a document has more sections than its words can fill, or sections of no words only."""
    if leaves and not any(leaf.target or leaf.words for leaf in leaves):
        raise LengthRefused(
            "The plan has no words: every section is to have 0.",
            hint="Give the sections their words: longhand plan PROJECT --edit",
        )
    entries = numbered_entries(brief.text) if not leaves else None
    if entries is not None and brief.words < MIN_SENTENCE_WORDS * entries.count:
        raise LengthRefused(
            f"The brief asks for {entries.count:,} entries, and the document is to have {brief.words:,} words.",
            hint="Ask for more words, or for fewer entries.",
        )
    if brief.words < MIN_SENTENCE_WORDS * len(leaves):
        raise LengthRefused(
            f"The document is to have {brief.words:,} words in {len(leaves):,} sections, and a section needs at least "
            f"{MIN_SENTENCE_WORDS}.",
            hint="Ask for more words, or take sections out of the plan.",
        )
