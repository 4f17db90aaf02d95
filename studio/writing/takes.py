# SPDX-License-Identifier: Apache-2.0
"""Other takes of a text that does not meet what the brief demands of it: of several the one that meets most is kept.

First the same is asked for again with other seeds. What no take meets is then led up to: the text is cut at a sentence,
the next sentence is made of the demand's own words, and the model goes on from there. The sentence is whole, because
only a model that has failed four times is led: such a one does not end a sentence that it would not have begun. Whether
a text meets a demand is looked up by the stems of its words, never by how likely the model finds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backends.text.keywords import is_other_form, past_of
from backends.text.segmentation import ends_sentence, sentence_ends
from studio.writing.coverage import is_met, unmet
from studio.writing.endings import whole_sentences

TAKE_TASK = "take"
LEADING_TASK = "leading take"
# With the one that was written first there are up to four.
MORE_TAKES = 3
LEADING_TAKES = 2
# So many words are left to the model behind the words of a demand that it was led to.
_ROOM_WORDS = 25

# What is named and not told: "a tea room", "a visit to a fish market", "pastry work". In doubt it counts as told.
_NAMED = re.compile(r"an? (?!few |lot of |number of )\S+ ?", re.IGNORECASE)
_NAMED_BARELY = re.compile(
    r"(?!(?:the|this|his|her|its|their|my|our|your|no|it|he|she|they|we|you|who|how|why|what|mention|include|describe"
    r"|explain|show|tell|use|name|add|avoid|write|keep|give|make|quote|cite|list)\b)[a-z-]+ [a-z-]+\Z"
)
_NAMED_BY_ITS_SUBJECT = re.compile(
    r"an? (?:\w+ )?(?:lesson|lecture|talk|class|course|seminar|workshop|chapter|section|exercise|discussion|article"
    r"|report|essay) (?:on|about) [\w -]+\Z",
    re.IGNORECASE,
)
_SAYS_WHAT_HAPPENS = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|shall|should|can|could|may|might|must|do|does|did)\b"
    r"|(?<!\bof )(?<!\bfor )(?<!\bwith )(?<!\bfrom )\b\w{2,}(?:(?<![su])s|ed)\b(?!['\u2019])",
    re.IGNORECASE,
)
# Before an article or the like an "s" is a verb's: "the narrator sees a boat", not "the boats".
_VERB = re.compile(
    r"\b(?:is|are|has)\b|(?<= )[a-z]{2,}(?<![su])s(?= (?:an?|the|his|her|its|their|my|our|him|them|it|no|every|some)\b)"
)
_AGAIN = ("as before", "again", "once more")
_LIST_MARK = re.compile(r"[,;:]\Z")
_CJK_END = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]\Z")

CountWords = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request made of its place in the text: ``text`` behind ``before``.

    The call with the id ``run`` wrote it from the code point ``start`` on.
    """

    before: str
    text: str
    run: int
    start: int = 0

    @property
    def whole(self) -> str:
        """The section up to here."""
        return self.before + self.text

    def common_with(self, other: str) -> str:
        """Return what the text and another one begin with."""
        length = next((at for at, (one, two) in enumerate(zip(self.text, other, strict=False)) if one != two), None)
        return self.text[: min(len(self.text), len(other)) if length is None else length]

    def kept_of_run(self, kept: str) -> str:
        """Return what stays of the run's own answer where only ``kept`` of the text stays."""
        return kept[self.start :]


class TakeJudge:
    """Chooses among takes that go on from ``kept``, the beginning of the text that stands."""

    def __init__(self, standing: Standing, kept: str, demands: Sequence[str], count: CountWords) -> None:
        self._standing = standing
        self._kept = kept
        self._demands = demands
        self._count = count

    def text(self, take: str) -> str:
        """Return the text with a take, up to its last whole sentence."""
        return whole_sentences(self._kept + take)

    def choose(self, takes: Sequence[str]) -> int | None:
        """Return the number of the take that meets most, of equals the one nearest in length to what stands.

        None where no take meets more than that.
        """
        words = self._count(self._standing.text)
        scores = [
            (len(unmet(self._demands, self._standing.before + text)), abs(self._count(text) - words))
            for text in map(self.text, takes)
        ]
        best = min(range(len(scores)), key=lambda number: scores[number])
        return best if scores[best][0] < len(unmet(self._demands, self._standing.whole)) else None


def sentence_of(demand: str, *, past: bool = False, english: bool = True, before: int = 0) -> str:
    """Return what is demanded as a sentence.

    Where the language is English, what is only named is said to be there, what happens happened in a tale of the
    ``past`` where the verb is beyond doubt, and what was told so many times ``before`` happens again.
    """
    said = _LIST_MARK.sub("", demand.strip())
    if english:
        if _is_named(said):
            said = f"there {'was' if past else 'is'} {said[:1].lower()}{said[1:]}"
        elif past:
            said = _VERB.sub(lambda verb: past_of(verb[0]), said, count=1)
        if before:
            said = f"{_AGAIN[before % len(_AGAIN)]} {said}"
    said = said[:1].upper() + said[1:]
    if ends_sentence(said):
        return said
    return said + ("\u3002" if _CJK_END.search(said) else ".")


def _is_named(demand: str) -> bool:
    """Whether a demand names something and says of it nothing that happens."""
    if _NAMED_BY_ITS_SUBJECT.match(demand) and not _VERB.search(demand):
        return True
    named = _NAMED.match(demand)
    if named is None:
        return bool(_NAMED_BARELY.match(demand)) and not _tells(demand)
    # What stands directly behind the article is no verb: "a shared supper".
    return not _tells(demand[named.end() :])


def _tells(demand: str) -> bool:
    """Whether words of a demand may be a verb: all that look like one count."""
    return bool(_SAYS_WHAT_HAPPENS.search(demand)) or any(map(is_other_form, demand.lower().split()))


def has_room_for(demands: Sequence[str], words: float, count: CountWords) -> bool:
    """Whether a text of so many words can be led to all these demands and still be the model's, and land.

    A text of a few words that demands would fill keeps its length and lacks them.
    """
    return sum(map(count, demands)) + _ROOM_WORDS <= words


def lead_to(sentence: str, standing: Standing, demands: Sequence[str], share: float, count: CountWords) -> str:
    """Return the beginning of the text that tells a demand: cut at a sentence, then the ``sentence`` of the demand.

    What the text meets already stays in; ``share`` (0 to 1) says how far into the text the cut is to be.
    """
    met = [each for each in demands if is_met(each, standing.whole)]
    total = count(standing.text)
    places = [0, *sentence_ends(standing.text)]
    allowed = [
        place
        for place in places
        if not unmet(met, standing.before + standing.text[:place])
        and count(standing.text[:place]) + _ROOM_WORDS <= max(total, _ROOM_WORDS)
    ]
    # Where what is met stands too near to the end, the new sentence comes last and the text grows by it.
    place = min(allowed or places[-1:], key=lambda each: abs(count(standing.text[:each]) - share * total))
    kept = standing.text[:place].rstrip()
    return f"{kept} {sentence}" if kept else sentence


def leads_to(start: str, demand: str) -> bool:
    """Whether the beginning of a text, as ``lead_to`` returns it, ends with a sentence of a demand."""
    sentences = (sentence_of(demand, past=past) for past in (False, True))
    return start.casefold().endswith(
        (_LIST_MARK.sub("", demand.strip()).casefold(), *(s.casefold() for s in sentences))
    )
