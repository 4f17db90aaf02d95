# SPDX-License-Identifier: Apache-2.0
"""Terms that a document defines more than once: in its text, or as entries of its glossary.

By rule, in English, German, Chinese and Japanese: a sentence defines by its form ("X is defined as", "by X we mean",
"unter X versteht man"), so that what is found is a lower bound. A glossary tells again what the text has defined, which
is what glossaries are for: entries are compared with entries only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backends.text import ngrams
from backends.text.keywords import stem_of
from backends.text.segmentation import paragraphs, sentences
from studio.writing.repetition_report import Place, Repeated, SectionProse

_EXCERPT = 160
_GLOSSARY = re.compile(
    r"glossar|terms|begriff|terminolog|\u672f\u8bed|\u8bcd\u6c47|\u7528\u8a9e|\u8853\u8a9e", re.IGNORECASE
)

# A term is named in quotation marks or with stress, or is one to four words.
_OPEN, _CLOSE = r"[\"\u201c\u201e\u00ab\u300c*_]*", r"[\"\u201d\u201c\u00bb\u300d*_]*"
_WORDS = r"[^\W\d_][\w'\u2019-]*(?: [^\W_][\w'\u2019-]*){0,3}?"
_TERM = rf"{_OPEN}(?P<term>{_WORDS}){_CLOSE}"
_THE_TERM = r"(?i:(?:(?:the|an?) )?(?:(?:term|word|expression|concept)s? (?:of )?)?)"
_DER_BEGRIFF = r"(?i:(?:(?:der|die|das|ein|eine) )?(?:(?:begriff|ausdruck|wort) )?)"
_ENGLISH = (
    rf"{_THE_TERM}{_TERM} (?i:(?:is|are|was|may be|can be) (?:here )?defined (?:here )?(?:as|to be)) ",
    rf"{_THE_TERM}{_TERM} (?i:refers to|denotes?|is short for|stands for) ",
    rf"{_THE_TERM}{_TERM} (?i:means (?:an?|the|any|every|all|that part)) ",
    rf"(?i:by (?:the (?:term|word) )?){_TERM},? (?i:(?:I|we|one) (?:shall |will |here )?means?) ",
    rf"(?i:an? ){_TERM} (?i:is an? [\w -]+?,? (?:that|which|used|for)) ",
)
_GERMAN = (
    rf"(?i:unter (?:(?:dem begriff|einer|einem|der|dem|den) )?){_TERM} (?i:versteht man|ist .{{1,80}} zu verstehen)",
    rf"(?i:als ){_TERM} (?i:bezeichnet man|wird .{{1,120}} bezeichnet)",
    rf"{_DER_BEGRIFF}{_TERM} (?i:(?:bezeichnet|bedeutet) (?:den|die|das|ein|eine|einen|jede|alle)) ",
    rf"{_DER_BEGRIFF}{_TERM} (?i:(?:ist|wird) (?:hier )?definiert als) ",
)
_CHINESE = "".join(
    (
        r"(?:\u6240\u8c13|\u672c\u6587\u4e2d\u7684)?[\u201c\u300c]?(?P<term>[\u3400-\u9fff]{1,12}?)[\u201d\u300d]?",
        r"(?:\u662f\u6307|\u6307\u7684\u662f|\u7684\u5b9a\u4e49\u662f|\u5b9a\u4e49\u4e3a|\u88ab\u5b9a\u4e49\u4e3a)",
    )
)
_JAPANESE = r"\u300c?(?P<term>[\u3040-\u30ff\u3400-\u9fff]{1,16}?)\u300d?\u3068\u306f[\u3001\uff0c]"
_FORMS = tuple(map(re.compile, (*_ENGLISH, *_GERMAN, _CHINESE, _JAPANESE)))
_CUE = re.compile(
    r"defined|refers to|denotes?|short for|stands for|means|\bis an? |versteht|verstehen|bezeichnet|bedeutet|definiert"
    r"|\u662f\u6307|\u6307\u7684\u662f|\u5b9a\u4e49|\u3068\u306f|[Bb]y .{1,60} mean"
)
# "This means the end": it names nothing.
_NO_TERM = frozenset(
    """this that it which what he she who i we they you one nothing everything there these those here such man woman
    das dies dieses es er sie man was wer wir ich hier""".split()  # noqa: SIM905
)
_STRESSED_ENTRY = re.compile(r"(?:[-*+] +)?\*\*(?P<term>[^*\n]{1,60}?)[:.]?\*\*[:.]?\s*[:\u2013\u2014\uff1a-]?\s+\S")
_PLAIN_ENTRY = re.compile(r"(?:[-*+] +)?(?P<term>[^\n:\u2013\u2014\uff1a.]{1,60}?)(?::| [\u2013\u2014-]|\uff1a)\s*\S")


@dataclass(frozen=True, slots=True)
class _Definition:
    key: str
    glossary: bool
    text: str
    place: Place


def is_glossary(title: str) -> bool:
    """Whether a section of this title lists terms."""
    return bool(_GLOSSARY.search(title))


def defined_twice(sections: Iterable[SectionProse]) -> tuple[Repeated, ...]:
    """Return the definitions of terms that are defined again, in reading order: the words and places of each.

    The text is that of the last one.
    """
    found: defaultdict[tuple[str, bool], list[_Definition]] = defaultdict(list)
    for section in sections:
        for each in _definitions(section):
            found[each.key, each.glossary].append(each)
    return tuple(
        Repeated(same[-1].text, tuple(each.place for each in same)) for same in found.values() if len(same) > 1
    )


def _definitions(section: SectionProse) -> Iterator[_Definition]:
    if is_glossary(section.title):
        yield from _entries(section)
        return
    prose = ngrams.prose(section.text)
    for number, (start, end) in enumerate(paragraphs(prose), 1):
        paragraph = prose[start:end]
        if not _CUE.search(paragraph):
            continue
        place = Place(section.number, section.title, number)
        for first, last in sentences(paragraph):
            said = " ".join(paragraph[first:last].split())
            if key := _term_of(said):
                yield _Definition(key, False, said[:_EXCERPT], place)


def _entries(section: SectionProse) -> Iterator[_Definition]:
    """Yield the entries of a list of terms: a line each, or a paragraph."""
    for number, (start, end) in enumerate(paragraphs(section.text), 1):
        for line in section.text[start:end].split("\n"):
            entry = _STRESSED_ENTRY.match(line.strip()) or _PLAIN_ENTRY.match(line.strip())
            if entry is not None and (key := _key(entry["term"])):
                place = Place(section.number, section.title, number)
                yield _Definition(key, True, " ".join(line.split())[:_EXCERPT], place)


def _term_of(sentence: str) -> str:
    """Return the term that a sentence defines, as all its forms have it; empty where it defines none."""
    for form in _FORMS:
        if match := form.match(sentence):
            return _key(match["term"])
    return ""


def _key(term: str) -> str:
    words = re.sub(r"[\"\u201c\u201d\u201e\u00ab\u00bb*_]", "", term).casefold().split()
    if words and words[0] in ("a", "an", "the", "der", "die", "das", "ein", "eine", "einer", "einem", "dem", "den"):
        del words[0]
    if not words or words[0] in _NO_TERM:
        return ""
    return " ".join((*words[:-1], stem_of(words[-1])))
