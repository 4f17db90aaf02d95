# SPDX-License-Identifier: Apache-2.0
"""Asks a model what a brief demands where the rules found nothing, and believes only the brief's own words.

A model names what a sentence demands ("two sisters who do not speak"); that it was demanded is shown by the sentence
having all the words. So a model can add no demand of its own, and a wrong answer costs nothing but its call.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.text.keywords import content_words, told
from backends.types import Constraint, GenerationRequest
from resources import read_text
from studio.planning.entries import numbered_entries
from studio.planning.kinds import document_kind
from studio.planning.requirements import Demand, clean_demand, read_brief, statements
from studio.project.records import Brief, RequirementOrigin, RequirementScope
from studio.prompt_templates import RequirementsFields, render
from studio.sampling_presets import sampling_preset

MOST_DEMANDS = 12
"""Demands that a model may find; a brief with more of them says so in the words of the rules."""
MAX_DEMANDS_TOKENS = 400
SAMPLING = "plan"
_MOST_SENTENCES = 24
_LEAST_WORDS = 2


def unread_sentences(brief: Brief, top_sections: int) -> tuple[str, ...]:
    """Return the sentences of a brief in which the rules found no demand, but for the first, which says what it is."""
    first = next(statements(brief.text), "")
    rest = read_brief(brief.text, numbered_entries(brief.text), top_sections).rest
    return tuple(sentence for sentence in rest if sentence != first)[:_MOST_SENTENCES]


def demands_request(brief: Brief, sentences: Sequence[str], seed: int) -> GenerationRequest:
    """Return the request for what these sentences demand: lines under a bounded grammar."""
    return GenerationRequest(
        prompt=render(RequirementsFields(document_kind(brief.kind).noun, tuple(sentences), MOST_DEMANDS)),
        sampling=sampling_preset(SAMPLING),
        max_tokens=MAX_DEMANDS_TOKENS,
        constraint=Constraint(read_text("grammars/requirements.gbnf").format(more=MOST_DEMANDS - 1)),
        seed=seed,
    )


def accept_demands(answer: str, sentences: Sequence[str], known: Sequence[str] = ()) -> tuple[Demand, ...]:
    """Return the demands of an answer whose words stand in one of the sentences; none that is ``known``, or twice."""
    seen = [content_words(each) for each in known]
    found: list[Demand] = []
    for line in answer.splitlines():
        demand = _grounded(line, sentences)
        if demand is not None and not any(content_words(demand.text) <= each for each in seen):
            seen.append(content_words(demand.text))
            found.append(demand)
    return tuple(found[:MOST_DEMANDS])


def _grounded(line: str, sentences: Sequence[str]) -> Demand | None:
    text = clean_demand(line.strip().lstrip("-*\u2022 "))
    if len(content_words(text)) < _LEAST_WORDS:
        return None
    source = next((sentence for sentence in sentences if told(text, sentence) == 1), "")
    return Demand(text, source, RequirementScope.ANYWHERE, origin=RequirementOrigin.MODEL) if source else None
