# SPDX-License-Identifier: Apache-2.0
"""Grammars: what is refused before native code sees it, and that what is accepted is followed to the letter."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.engine.constraints import Matcher, bounded_grammar
from backends.errors import InvalidRequest
from backends.types import Constraint, FinishReason, GenerationRequest, SamplingParams
from tests.engine.conftest import chat, generate

PLAN = r"""root ::= "{\"title\": " text ", \"sections\": [" section ("," blank section){1,2} "]}"
section ::= "{\"title\": " text ", \"points\": [" text ("," blank text){1,2} "]}"  # a comment
text ::= "\"" [^"\\\x00-\x1f]{3,20} "\""
blank ::= [ \n]?
"""
BAD = {
    "empty": "",
    "no root": 'start ::= "a"',
    "undefined": "root ::= thing",
    "left recursion": 'root ::= root "a" | "b"',
    "hidden recursion": 'root ::= a\na ::= "x" b\nb ::= "y" root | "z"',
    "star": 'root ::= "a"*',
    "plus": "root ::= [a-z]+",
    "open count": 'root ::= "a"{2,}',
    "backward count": 'root ::= "a"{3,2}',
    "huge count": 'root ::= "a"{0,100000}',
    "huge product": 'root ::= ("a"{1,2000}){1,2000}',
    "empty repeated": 'root ::= ("a"?){0,9}',
    "open quote": 'root ::= "a',
    "open class": "root ::= [a",
    "empty class": "root ::= []",
    "open group": 'root ::= ("a"',
    "stray group": 'root ::= "a")',
    "bad escape": r'root ::= "\q"',
    "backward range": "root ::= [z-a]",
    "twice": 'root ::= "a"\nroot ::= "b"',
    "nothing": 'root ::= ""',
    "zero": 'root ::= "a\0"',
    "deep": "root ::= " + "(" * 200 + '"a"' + ")" * 200,
    "token": "root ::= <[12]>",
    "exponential": "root ::= r0\n" + "\n".join(f"r{n} ::= r{n + 1} r{n + 1}" for n in range(40)) + '\nr40 ::= "a"',
}


@pytest.mark.parametrize("name", BAD)
def test_bad_grammar_is_refused_by_every_engine_and_it_lives_on(engine, scripted, name):
    for each in (engine, scripted()):
        with pytest.raises(InvalidRequest):
            each.sampler(SamplingParams(), 1, Constraint(BAD[name]))
        assert generate(each, GenerationRequest(chat("x"), max_tokens=5)).text


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_random_weights_give_valid_json(engine_of, seed, temperature):
    engine = engine_of(vocab=("words", "broken", "bytes")[seed % 3])
    request = GenerationRequest(
        chat(f"plan {seed}"),
        sampling=SamplingParams(temperature=temperature, top_k=0, min_p=0.0),
        max_tokens=900,
        constraint=Constraint(PLAN),
        seed=seed,
    )
    reading = generate(engine, request)
    assert reading.finished[0].reason is FinishReason.END_OF_TURN
    assert "\ufffd" not in reading.text
    matcher = Matcher(bounded_grammar(request.constraint))
    matcher.feed(reading.text)
    assert matcher.complete
    assert 2 <= len(json.loads(reading.text)["sections"]) <= 3


@pytest.mark.parametrize("behaviour", ["writer", "garbage_json"])
def test_scripted_engine_answers_a_plan(scripted, behaviour):
    request = GenerationRequest(chat("plan"), max_tokens=900, constraint=Constraint(PLAN))
    reading = generate(scripted(behaviour=behaviour), request)
    assert json.loads(reading.text)["title"]


def test_grammar_may_end_where_it_is_complete_only(engine):
    request = GenerationRequest(chat("x"), constraint=Constraint('root ::= "yes" | "no, never"'), max_tokens=50)
    texts = {generate(engine, GenerationRequest(**{**_fields(request), "seed": seed})).text for seed in range(8)}
    assert texts == {"yes", "no, never"}


def _fields(request: GenerationRequest) -> dict:
    return {name: getattr(request, name) for name in request.__slots__}


def test_accepting_a_token_against_the_grammar_is_refused(engine):
    sampler = engine.sampler(SamplingParams(), 1, Constraint('root ::= "yes"'))
    wrong = engine.tokenize(" storm")[0]
    with pytest.raises(InvalidRequest):
        sampler.accept(wrong)
    sampler.accept(engine.tokenize("y")[0])
    with pytest.raises(InvalidRequest):
        sampler.rewind([wrong])
    sampler.close()


# Random bounded grammars over a, b, c, each with the regular expression that means the same.
ATOMS = st.sampled_from([('"a"', "a"), ('"bc"', "bc"), ("[a-c]", "[a-c]"), ("[^ab]", "[^ab]"), (".", "(?s:.)")])
GRAMMARS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: (f"{two[0][0]} {two[1][0]}", f"{two[0][1]}{two[1][1]}")),
        st.tuples(inner, inner).map(lambda two: (f"({two[0][0]} | {two[1][0]})", f"(?:{two[0][1]}|{two[1][1]})")),
        inner.map(lambda one: (f'("c" {one[0]}){{0,3}}', f"(?:c{one[1]}){{0,3}}")),
        inner.map(lambda one: (f"({one[0]})?", f"(?:{one[1]})?")),
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(grammar=GRAMMARS, text=st.text("abcd", max_size=8))
def test_matcher_agrees_with_a_regular_expression(grammar, text):
    source, expression = grammar
    matcher = Matcher(bounded_grammar(Constraint(f'root ::= "a" {source}')))
    accepted = matcher.allows(text)
    if accepted:
        matcher.feed(text)
    assert (accepted and matcher.complete) == bool(re.fullmatch("a" + expression, text))
