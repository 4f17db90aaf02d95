# SPDX-License-Identifier: Apache-2.0
"""What a document says more than once, with places: windows, passages, sentences, openings of paragraphs.

Only prose counts: lists, tables, headings, code and leader dots are left out, and so are refrains, which are named
apart. The thresholds are those of ``backends.text.ngrams``.
"""

from __future__ import annotations

import enum
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from backends.text import ngrams
from backends.text.segmentation import paragraphs, sentences

PASSAGE = 13
DUPLICATE_WORDS = 6
ADJACENT_WORDS = 4
NEAR_WORDS, NEAR_GRAM, NEAR_SHARE = 10, 5, 0.8
OPENING_WORDS, OPENING_TIMES = 4, 3
# A refrain stands alone in its paragraph, is short, and comes back at a distance.
REFRAIN_WORDS, REFRAIN_TIMES, REFRAIN_APART = 20, 3, 150
_EXCERPT = 160
_TOKENS_AT_LEAST = 500


class Verdict(enum.StrEnum):
    """How a window of 1,000 tokens reads: as people write, unusual, to be written again, a loop."""

    FINE = "fine"
    WARN = "warn"
    ACT = "act"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class SectionProse:
    """A section as it is measured."""

    number: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the section, and the paragraph of its prose from 1."""

    section: str
    title: str
    paragraph: int


@dataclass(frozen=True, slots=True)
class Window:
    """The seq-rep-4 of 1,000 tokens, or of all where there are fewer, and where they begin."""

    place: Place
    tokens: int
    rate: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Repeated:
    """A text that stands at several places, the first place first."""

    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class NearRepeat:
    """A sentence that is nearly one before it: ``share`` of its 5-grams are in that."""

    text: str
    like: str
    share: float
    places: tuple[Place, Place]


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of a section or of the whole. ``mean`` and ``worst`` are over its windows."""

    number: str
    title: str
    tokens: int
    mean: float
    worst: float
    verdict: Verdict
    distinct_2: float


@dataclass(frozen=True, slots=True)
class RepetitionReport:
    """Everything that a document repeats."""

    whole: Part
    sections: tuple[Part, ...]
    windows: tuple[Window, ...]
    passages: tuple[Repeated, ...]
    sentences: tuple[Repeated, ...]
    neighbours: tuple[Repeated, ...]
    near: tuple[NearRepeat, ...]
    openings: tuple[Repeated, ...]
    refrains: tuple[Repeated, ...]


@dataclass(frozen=True, slots=True)
class _Paragraph:
    place: Place
    text: str
    tokens: list[str]


@dataclass(frozen=True, slots=True)
class _Said:
    place: Place
    text: str
    words: tuple[str, ...]


def repetition_report(sections: Sequence[SectionProse]) -> RepetitionReport:
    """Measure a document of sections in reading order."""
    *_, report = report_in_steps(sections)
    assert report is not None
    return report


def report_in_steps(sections: Iterable[SectionProse]) -> Iterator[RepetitionReport | None]:
    """Measure a document piece by piece: yields None after each step, the report at last.

    Who has something else to do meanwhile does it between two steps; a section is taken only when its turn comes.
    """
    everything: list[_Paragraph] = []
    by_section: dict[tuple[str, str], list[_Paragraph]] = {}
    for section in sections:
        by_section[section.number, section.title] = found = list(_paragraphs(section))
        everything += found
        yield None
    refrains = _refrains(everything)
    yield None
    prose: list[_Paragraph] = []
    said: list[_Said] = []
    parts: list[Part] = []
    for (number, title), paragraphs_there in by_section.items():
        kept = [each for each in paragraphs_there if _key(each) not in refrains]
        prose += kept
        said += [one for paragraph in kept for one in _sentences(paragraph)]
        parts.append(_part(number, title, kept))
        yield None
    passes: dict[str, tuple[Callable[[Any], Iterator[Any]], Sequence[Any]]] = {
        "windows": (_windows, prose),
        "passages": (_passages, prose),
        "sentences": (_duplicates, said),
        "neighbours": (_neighbours, said),
        "near": (_near, said),
        "openings": (_openings, prose),
    }
    results: dict[str, tuple[Any, ...]] = {}
    for name, (measure, what) in passes.items():
        results[name] = tuple(measure(what))
        yield None
    yield RepetitionReport(
        whole=_part("", "", prose),
        sections=tuple(parts),
        refrains=tuple(Repeated(key, tuple(places)) for key, places in refrains.items()),
        **results,
    )


def place_in(text: str, place: Place) -> tuple[int, int]:
    """Return where in the text of its section a place is: the first line of its paragraph, as start and length.

    Both are 0 where the text does not have that paragraph any more.
    """
    prose = ngrams.prose(text)
    spans = paragraphs(prose)
    if not 0 < place.paragraph <= len(spans):
        return 0, 0
    start, end = spans[place.paragraph - 1]
    line = prose[start:end].strip().split("\n", 1)[0]
    found = text.find(line)
    return (found, len(line)) if found >= 0 else (0, 0)


def verdict_of(rate: float, tokens: int = ngrams.WINDOW) -> Verdict:
    """Return what a seq-rep-4 of 1,000 tokens means; of fewer than 500 it is taken as if they were 500."""
    rate *= min(1.0, tokens / _TOKENS_AT_LEAST)
    if rate > ngrams.LOOP:
        return Verdict.LOOP
    if rate > ngrams.ACT:
        return Verdict.ACT
    return Verdict.WARN if rate > ngrams.WARN else Verdict.FINE


def identical_neighbours(text: str, least: int = ADJACENT_WORDS) -> int:
    """Return how many sentences of at least ``least`` words stand directly after the same sentence."""
    said = [ngrams.words(text[start:end]) for start, end in sentences(text)]
    return sum(one == other and len(one) >= least for one, other in pairwise(said))


def _paragraphs(section: SectionProse) -> Iterator[_Paragraph]:
    prose = ngrams.prose(section.text)
    for number, (start, end) in enumerate(paragraphs(prose), start=1):
        text = prose[start:end]
        yield _Paragraph(Place(section.number, section.title, number), text, ngrams.tokens(text))


def _sentences(paragraph: _Paragraph) -> Iterator[_Said]:
    for start, end in sentences(paragraph.text):
        text = paragraph.text[start:end]
        yield _Said(paragraph.place, text, tuple(ngrams.words(text)))


def _key(paragraph: _Paragraph) -> str:
    return " ".join(ngrams.words(paragraph.text))


def _refrains(prose: Iterable[_Paragraph]) -> dict[str, list[Place]]:
    """Find short paragraphs that return word for word, each time after a stretch of other text."""
    found: defaultdict[str, list[tuple[int, Place]]] = defaultdict(list)
    position = 0
    for paragraph in prose:
        key = _key(paragraph)
        if key and len(key.split()) <= REFRAIN_WORDS:
            found[key].append((position, paragraph.place))
        position += len(paragraph.tokens)
    return {
        key: [place for _, place in at]
        for key, at in found.items()
        if len(at) >= REFRAIN_TIMES
        and all(later - earlier >= REFRAIN_APART for (earlier, _), (later, _) in pairwise(at))
    }


def _part(number: str, title: str, prose: Sequence[_Paragraph]) -> Part:
    tokens = [token for paragraph in prose for token in paragraph.tokens]
    rates = [ngrams.seq_rep_n(window) for window in ngrams.covering_windows(tokens)]
    worst = max(rates)
    return Part(
        number=number,
        title=title,
        tokens=len(tokens),
        mean=statistics.fmean(rates),
        worst=worst,
        verdict=verdict_of(worst, len(tokens)),
        distinct_2=ngrams.distinct_n(tokens, 2),
    )


def _windows(prose: Sequence[_Paragraph]) -> Iterator[Window]:
    tokens = [token for paragraph in prose for token in paragraph.tokens]
    places = [paragraph.place for paragraph in prose for _ in paragraph.tokens]
    starts = list(range(0, max(1, len(tokens) - ngrams.WINDOW + 1), ngrams.WINDOW))
    if len(tokens) > ngrams.WINDOW and len(tokens) % ngrams.WINDOW:
        starts.append(len(tokens) - ngrams.WINDOW)
    for start, window in zip(starts, ngrams.covering_windows(tokens), strict=True):
        if window:
            rate = ngrams.seq_rep_n(window)
            yield Window(places[start], len(window), rate, verdict_of(rate, len(window)))


def _passages(prose: Sequence[_Paragraph]) -> Iterator[Repeated]:
    """Yield repeated 13-grams, those that overlap joined to one passage."""
    tokens = [token for paragraph in prose for token in paragraph.tokens]
    places = [paragraph.place for paragraph in prose for _ in paragraph.tokens]
    repeats = ngrams.repeated_grams(tokens, PASSAGE)
    first = 0
    for index in range(1, len(repeats) + 1):
        if index < len(repeats) and repeats[index] == (repeats[index - 1].first + 1, repeats[index - 1].again + 1):
            continue
        begin, end = repeats[first], repeats[index - 1].again + PASSAGE
        yield Repeated(_shortened(" ".join(tokens[begin.again : end])), (places[begin.first], places[begin.again]))
        first = index


def _duplicates(said: Iterable[_Said]) -> Iterator[Repeated]:
    places: defaultdict[tuple[str, ...], list[_Said]] = defaultdict(list)
    for one in said:
        if len(one.words) >= DUPLICATE_WORDS:
            places[one.words].append(one)
    for same in places.values():
        if len(same) > 1:
            yield Repeated(_shortened(same[0].text), tuple(one.place for one in same))


def _neighbours(said: Sequence[_Said]) -> Iterator[Repeated]:
    for one, other in pairwise(said):
        if one.words == other.words and len(one.words) >= ADJACENT_WORDS:
            yield Repeated(_shortened(other.text), (one.place, other.place))


def _near(said: Sequence[_Said]) -> Iterator[NearRepeat]:
    """Yield sentences that share most of their 5-grams with an earlier one, but not all words."""
    first: dict[tuple[object, ...], int] = {}
    for number, one in enumerate(said):
        if len(one.words) < NEAR_WORDS:
            continue
        grams = list(ngrams.grams(one.words, NEAR_GRAM))
        hits = Counter(first[gram] for gram in grams if gram in first)
        for gram in grams:
            first.setdefault(gram, number)
        earlier, count = hits.most_common(1)[0] if hits else (0, 0)
        other = said[earlier]
        if count >= NEAR_SHARE * len(grams) and other.words != one.words:
            share = count / len(grams)
            yield NearRepeat(_shortened(one.text), _shortened(other.text), share, (other.place, one.place))


def _openings(prose: Iterable[_Paragraph]) -> Iterator[Repeated]:
    """Yield first words that at least three paragraphs have in common, the most common first."""
    places: defaultdict[tuple[str, ...], list[Place]] = defaultdict(list)
    for paragraph in prose:
        words = ngrams.words(paragraph.text)
        if len(words) > OPENING_WORDS:
            places[tuple(words[:OPENING_WORDS])].append(paragraph.place)
    common = sorted(places.items(), key=lambda item: -len(item[1]))
    yield from (Repeated(" ".join(words), tuple(at)) for words, at in common if len(at) >= OPENING_TIMES)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"
