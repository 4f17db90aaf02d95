# SPDX-License-Identifier: Apache-2.0
"""Numbered entries that a brief asks for ("exactly 26 entries numbered Week 1 to Week 26"), found by rule."""

from __future__ import annotations

import re
from dataclasses import dataclass

# More entries than this are a slip of the brief, not a document.
MAX_ENTRIES = 2_000

_CARDINALS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_NUMBER_WORDS = {word: number for number, word in enumerate(_CARDINALS.split(), start=1)} | {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "hundred": 100,
}
_ORDINAL_WORDS = {word: number for number, word in enumerate(_ORDINALS.split(), start=1)} | {"other": 2}

NUMBER = r"(?:\d{1,4}|" + "|".join(_NUMBER_WORDS) + ")"
ORDINAL = r"(?:\d{1,4}(?:st|nd|rd|th)|" + "|".join(_ORDINAL_WORDS) + ")"
DASH = r"(?:to|through|until|till|up\s+to|and|-|–|—)"
# What numbered parts of documents are called. Others are known by being numbered in the brief.
UNITS = (
    "entry",
    "section",
    "chapter",
    "part",
    "episode",
    "scene",
    "letter",
    "lesson",
    "course",
    "article",
    "day",
    "week",
    "month",
    "year",
    "floor",
    "storey",
    "block",
    "menu",
    "stage",
    "step",
    "session",
    "module",
    "unit",
    "page",
    "stanza",
    "story",
)
# Parts that have titles of their own, which a model may give.
_TITLED = frozenset({"chapter", "section", "part", "episode", "scene", "article", "story"})
# Parts that are only counted in a document; a number of days or years may as well be what the document is about.
PARTS_ONLY = ("entries", "sections", "chapters", "parts", "episodes", "scenes", "letters", "lessons", "articles")

_SPAN = re.compile(rf"\b([^\W\d_]{{2,20}})\s+1\s*{DASH}\s*(?:(?:the\s+)?([^\W\d_]{{2,20}})\s+)?(\d{{1,4}})\b", re.I)
_COUNT = re.compile(
    rf"\b(?:(?P<exactly>exactly|precisely)\s+)?(?P<count>{NUMBER})\s+(?:numbered\s+|separate\s+|short\s+)?"
    rf"(?P<noun>[^\W\d_]{{3,20}})\b",
    re.I,
)
_ASKED_FOR = re.compile(
    r"(?:\A|\bwrite|\b(?:novel|novella|story|tale|saga|book|report|manual|guide|essay|text|document|diary|log|series|set|"
    r"handbook|syllabus|course|history|play|collection)\s+(?:in|of|with|as)|,\s*in|"
    r"\b(?:divided|split|structured|organi[sz]ed|arranged)\s+in(?:to)?|\b(?:must|should|shall|to|it)\s+ha(?:ve|s)|"
    r"\bconsist(?:s|ing)\s+of|\bexactly|\bprecisely)\s*\Z",
    re.I,
)
_NUMBERED = re.compile(
    r"\bnumber(?:ed|ing)\b|\b(?:named|called|titled)\s+[^\W\d_]+\s+1\b|\bexactly\b|"
    r"\bone\s+(?:entry\s+|section\s+)?(?:for|per)\s+(?:each|every)",
    re.I,
)
_LEAST_WORDS = re.compile(
    r"(?:\b(?:each|every|per|apiece)\b[^.\n]*?)?\bat\s+least\s+(?P<words>\d[\d,]*)\s+words\b(?P<after>[^.\n]{0,40})",
    re.I,
)
_EACH = re.compile(r"\b(?:each|every|per|apiece|of\s+its\s+own|entries|own)\b", re.I)
_HEADING = re.compile(
    r"in\s+the\s+form\s+['\"‘“`](?P<form>[^'\"’”`\n]{0,40}<[a-z ]{1,20}>[^'\"’”`\n]{0,40})['\"’”`]", re.I
)
_HOLE = re.compile(r"<[a-z ]{1,20}>", re.I)


@dataclass(frozen=True, slots=True)
class NumberedEntries:
    """Entries from 1 to ``count``, each called ``noun`` and its number.

    ``least_words`` is the length that each must have at least (0: none was asked for); ``heading`` is the form of the
    heading line that the brief shows, with a ``{number}`` in it (empty: none); ``titled`` entries have titles of their
    own besides.
    """

    noun: str
    count: int
    least_words: int = 0
    heading: str = ""

    @property
    def titled(self) -> bool:
        """Whether such parts have titles of their own, as chapters have."""
        return self.noun.lower() in _TITLED

    def title(self, number: int) -> str:
        """Return what an entry is called."""
        return f"{self.noun} {number}"

    def heading_line(self, number: int) -> str:
        """Return the heading line in the form that the brief shows, else the title."""
        return self.heading.format(number=number) if self.heading else self.title(number)


def numbered_entries(brief: str) -> NumberedEntries | None:
    """Return the numbered entries that a brief asks for, None where it does not ask for any."""
    found = _by_span(brief) or _by_count(brief)
    if found is None or not 1 < found[1] <= MAX_ENTRIES:
        return None
    noun, count = found
    return NumberedEntries(noun, count, _least_words(brief), _heading(brief))


def number_of(text: str) -> int:
    """Return the value of a number or ordinal as it stands in a brief; 0 for anything else."""
    text = text.lower()
    if digits := re.match(r"\d+", text):
        return int(digits[0])
    return _NUMBER_WORDS.get(text) or _ORDINAL_WORDS.get(text, 0)


def plural_of(noun: str) -> str:
    """Return the plural of a noun that is regular."""
    return f"{noun[:-1]}ies" if noun[-1:] == "y" and noun[-2:-1] not in "aeiou" else f"{noun}s"


def singular_of(noun: str) -> str:
    """Return the singular of a regular plural; a singular stays as it is."""
    if noun.lower().endswith("ies"):
        return f"{noun[:-3]}y"
    return noun[:-1] if noun.lower().endswith("s") and not noun.lower().endswith("ss") else noun


def _by_span(brief: str) -> tuple[str, int] | None:
    """ "Week 1 to Week 26", where the brief says that this is how its entries are numbered."""
    spans: list[tuple[int, str]] = []
    for match in _SPAN.finditer(brief):
        noun, other, last = singular_of(match[1]), singular_of(match[2] or match[1]), int(match[3])
        if noun.lower() != other.lower():
            continue
        around = brief[max(0, match.start() - 80) : match.end() + 20]
        if _NUMBERED.search(around) or (last, noun.lower()) in _counts(brief):
            spans.append((last, noun))
    if not spans:
        return None
    last, noun = max(spans)
    return noun[:1].upper() + noun[1:], last


def _by_count(brief: str) -> tuple[str, int] | None:
    """ "In 12 chapters": a number of parts; days or weeks only where they are exactly so many, or written singly."""
    for match in _COUNT.finditer(brief):
        noun, count = match["noun"].lower(), number_of(match["count"])
        one_by_one = match["exactly"] or _NUMBERED.search(brief[match.end() : match.end() + 60])
        asked_for = noun in PARTS_ONLY and (match["exactly"] or _ASKED_FOR.search(brief[: match.start()]))
        if asked_for or (one_by_one and singular_of(noun) in UNITS and noun != singular_of(noun)):
            return singular_of(noun).capitalize(), count
    return None


def _counts(brief: str) -> set[tuple[int, str]]:
    return {(number_of(match["count"]), singular_of(match["noun"]).lower()) for match in _COUNT.finditer(brief)}


def _least_words(brief: str) -> int:
    """The least length of each entry, where a least length is said to be that of each."""
    for match in _LEAST_WORDS.finditer(brief):
        sentence = brief[max(brief.rfind(".", 0, match.start()), brief.rfind("\n", 0, match.start())) + 1 : match.end()]
        if _EACH.search(sentence):
            return int(match["words"].replace(",", ""))
    return 0


def _heading(brief: str) -> str:
    match = _HEADING.search(brief)
    if match is None:
        return ""
    form = match["form"].replace("{", "{{").replace("}", "}}")
    return _HOLE.sub("{number}", form, count=1)
