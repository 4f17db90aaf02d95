# SPDX-License-Identifier: Apache-2.0
"""Facts of a section: the question for a model, what is accepted as an answer, and what a rule finds without a model.

Nothing is believed that the text does not say: a fact must name somebody who is in the text, and a sentence of the text
must have most of its words; that sentence is its quote.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from backends.text.keywords import content_words
from backends.text.ngrams import words
from backends.text.segmentation import sentences
from backends.types import Constraint, GenerationRequest, Message, Prompt, Role
from resources import read_text
from studio.project.entities import folded
from studio.project.facts import MOST_CHARACTERS
from studio.project.memory_records import Statement
from studio.prompt_templates import FactsFields, render
from studio.sampling_presets import sampling_preset

MOST_NEW_FACTS = 6
"""Facts of one piece of a section; more of them are details."""
MAX_FACTS_TOKENS = 320
FACTS_SAMPLING = "summary"

# The part of a fact's words that one sentence of the text must have, or two that follow each other.
LEAST_SHARED = 0.6
_FIELDS = 4
_NAME = r"[A-Z][\w'\u2019-]*(?: (?:of |the |van |von |de )?[A-Z][\w'\u2019-]*){0,3}"
# "Anna Berg was the baker of the village.", "Anna lived in Bergen."
_IS = re.compile(
    rf"^(?P<who>{_NAME}) (?P<verb>is|was|lives in|lived in|comes from|came from|works as|worked as) "
    r"(?P<what>[^.!?;:,\"\u201c\u201d]{3,80})"
)
_PRESENT = {"was": "is", "lived in": "lives in", "came from": "comes from", "worked as": "works as"}
# "Anna Berg, the baker, ..."
_APPOSITION = re.compile(rf"\b(?P<who>{_NAME}), (?P<what>(?:a|an|the) [a-z][^.!?;:,\"\u201c\u201d]{{2,60}}),")
# What somebody is, and not which one of some.
_ARTICLE = re.compile(r"(?:a|an|the|called|named) (?!(?:first|last|next|only|same|one|other|best|worst|most|kind)\b)")
_NO_NAMES = frozenset(
    """the a an it he she they we i you there this that these those his her its their our my your one what who where
    when how why then now here if but and or so yet for nor as at in on by to from with without of not no nothing
    nobody somebody everybody everything something all both each every some most many few several another other such
    after before while since until because though although once today tomorrow yesterday chapter section
    part""".split()  # noqa: SIM905
)


def facts_request(asked: GenerationRequest, summary: str, noun: str) -> GenerationRequest:
    """Return the request for the facts of the text that ``asked`` was to summarise; it goes on from there."""
    question = render(FactsFields(noun, MOST_NEW_FACTS)).messages[-1]
    messages = (*asked.prompt.messages, Message(Role.ASSISTANT, summary), question)
    return GenerationRequest(
        prompt=Prompt(messages=messages),
        sampling=sampling_preset(FACTS_SAMPLING),
        max_tokens=MAX_FACTS_TOKENS,
        constraint=Constraint(read_text("grammars/facts.gbnf").format(more=MOST_NEW_FACTS - 1)),
        seed=asked.seed,
    )


def accept_facts(answer: str, text: str, section: int, known: Collection[str]) -> tuple[Statement, ...]:
    """Return the facts of the answers for a section that its text says, each with its quote.

    None is returned that is ``known`` already.
    """
    found: dict[str, Statement] = {}
    for line in answer.splitlines():
        fields = [" ".join(field.split()) for field in line.split("|")]
        if len(fields) < 2 or (fields[0] and not folded(fields[0])):
            continue
        who, what, place, time = (fields + [""] * _FIELDS)[:_FIELDS]
        statement = _grounded(Statement(_sentence(who, what), who, place, time, section), text)
        if statement is not None:
            found.setdefault(_key(statement.text), statement)
    before = {_key(each) for each in known}
    return tuple(statement for key, statement in found.items() if key not in before)


def facts_by_rule(text: str, section: int, known: Collection[str]) -> tuple[Statement, ...]:
    """Return what English sentences say somebody is, or where they live; none that is ``known`` already."""
    before = {_key(each) for each in known}
    found = {_key(each.text): each for each in reversed(list(_by_rule(text, section)))}
    new = [each for key, each in found.items() if key not in before]
    return tuple(sorted(new, key=lambda each: each.start)[:MOST_NEW_FACTS])


def _by_rule(text: str, section: int) -> Iterator[Statement]:
    for span in sentences(text):
        sentence = text[span.start : span.end].strip()
        start = text.index(sentence, span.start)
        for match, verb in ((_IS.match(sentence), None), (_APPOSITION.search(sentence), "is")):
            if match is None or match["who"].split()[0].lower() in _NO_NAMES:
                continue
            said = verb or match["verb"]
            what = " ".join(match["what"].split())
            if said in ("is", "was") and not _ARTICLE.match(what):
                continue
            line = f"{match['who']} {_PRESENT.get(said, said)} {what}"
            yield Statement(line, match["who"], section=section, quote=sentence, start=start)


def quote_of(statement: str, text: str) -> tuple[str, int] | None:
    """Return the sentence, or the two sentences, of a text that say this, and where they begin; None without any."""
    wanted = content_words(statement)
    if not wanted:
        return None
    spans = sentences(text)
    candidates = [(first.start, last.end) for size in (0, 1) for first, last in zip(spans, spans[size:], strict=False)]
    shared = [len(wanted & content_words(text[start:end])) / len(wanted) for start, end in candidates]
    best = max(range(len(candidates)), key=lambda each: (shared[each], -each), default=None)
    if best is None or shared[best] < LEAST_SHARED:
        return None
    start, end = candidates[best]
    quote = text[start:end]
    return quote.strip(), start + len(quote) - len(quote.lstrip())


def _grounded(statement: Statement, text: str) -> Statement | None:
    """Return a fact with its quote and without what the text does not say; None where the text does not say it."""
    said = set(words(text))
    who = words(statement.who)
    if not who or who[0] in _NO_NAMES or not said.issuperset(who) or len(statement.text) > MOST_CHARACTERS // 2:
        return None
    quote = quote_of(statement.text, text)
    if quote is None:
        return None
    place, time = (each if said.issuperset(words(each)) else "" for each in (statement.place, statement.time))
    return replace(statement, place=place, time=time, quote=quote[0], start=quote[1])


def _sentence(who: str, what: str) -> str:
    line = what if what.lower().startswith(who.lower()) else f"{who} {what}"
    return line.rstrip(" .;")


def _key(text: str) -> str:
    return " ".join(words(text))


def contradictions(statement: Statement, others: Sequence[tuple[int, Statement]]) -> dict[int, str]:
    """Return which of these facts about the same entity cannot be true beside one, by id with the reason.

    By rule: two that say the same of different places or times, and two statements of what somebody is or has that
    differ in one word only, which is no name. So it finds "has green eyes" beside "has blue eyes", and no synonyms.
    """
    return {id_: reason for id_, other in others if (reason := _contradiction(statement, other))}


def _contradiction(one: Statement, other: Statement) -> str:
    left, right = words(one.text), words(other.text)
    if left == right:
        pairs = ((one.place, other.place), (one.time, other.time))
        differing = (pair for pair in pairs if all(pair) and words(pair[0]) != words(pair[1]))
        return next((f"{mine} or {theirs}" for mine, theirs in differing), "")
    if len(left) != len(right) or _STATE.isdisjoint(left):
        return ""
    changed = [pair for pair in zip(left, right, strict=True) if pair[0] != pair[1]]
    named = {word.lower() for each in (one, other) for word in re.findall(r"\b[A-Z][\w'\u2019-]*", each.text)}
    if len(changed) != 1 or named.intersection(changed[0]):
        return ""
    return f"{changed[0][0]} or {changed[0][1]}"


_STATE = frozenset({"is", "are", "was", "were", "has", "have", "had", "lives", "lived", "works", "worked"})
