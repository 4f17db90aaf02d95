# SPDX-License-Identifier: Apache-2.0
"""The sampler chain in numpy against llama.cpp's, stage by stage, and grammars followed by tokens."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.engine.constraints import Matcher, bounded_grammar
from backends.engine.grammar_choice import TokenGrammar, VocabularyText
from backends.engine.native import native
from backends.engine.sampler_chain import Chain
from backends.engine.sampler_stages import DRY_BREAKERS
from backends.engine.sampling import stages
from backends.errors import InvalidRequest
from backends.types import Constraint, SamplingParams

PARAMS = st.builds(
    SamplingParams,
    temperature=st.sampled_from([0.5, 1.0, 1.3]),
    top_k=st.sampled_from([0, 1, 5, 60]),
    top_p=st.sampled_from([0.1, 0.7, 0.95, 1.0]),
    min_p=st.sampled_from([0.0, 0.02, 0.3]),
    top_n_sigma=st.sampled_from([0.0, 0.8, 2.0]),
    repeat_penalty=st.sampled_from([1.0, 1.1, 2.0]),
    presence_penalty=st.sampled_from([0.0, 0.4]),
    frequency_penalty=st.sampled_from([0.0, 0.2]),
    dry_multiplier=st.sampled_from([0.0, 0.8]),
    dry_base=st.sampled_from([1.0, 1.75, 3.0]),
    dry_allowed_length=st.sampled_from([1, 2, 3]),
    xtc_probability=st.sampled_from([0.0, 1.0]),
    xtc_threshold=st.sampled_from([0.05, 0.1, 0.6]),
    last_n=st.sampled_from([0, 8, 64]),
)


def native_result(engine, params: SamplingParams, logits: np.ndarray, recent: list[int]) -> dict[int, float]:
    """Return the candidates that llama.cpp's stages leave, up to the choice."""
    kind = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
    candidates = np.zeros(len(logits), dtype=kind)
    candidates["id"], candidates["logit"] = np.arange(len(logits)), logits
    array = native.llama_token_data_array(
        data=candidates.ctypes.data_as(native.llama_token_data_p), size=len(logits), selected=-1, sorted=False
    )
    for name, stage in stages(params, engine, 1):
        if name in ("penalties", "dry"):
            for token in recent:
                native.llama_sampler_accept(stage, token)
        if name not in ("dist", "greedy"):
            native.llama_sampler_apply(stage, ctypes.byref(array))
        native.llama_sampler_free(stage)
    kept = [array.data[place] for place in range(array.size)]
    return {each.id: each.logit for each in kept if each.logit > -np.inf}


@settings(max_examples=250)
@given(params=PARAMS, seed=st.integers(0, 2**32), loops=st.integers(0, 4), words=st.integers(0, 30))
def test_every_stage_leaves_what_llama_cpp_leaves(make_engine, params, seed, loops, words):
    engine = make_engine()
    random = np.random.default_rng(seed)
    logits = (random.standard_normal(engine.vocabulary_size) * 4).astype(np.float32)
    line = [*random.integers(40, 60, 1 + seed % 6).tolist(), *([engine.tokenize(":")[0]] if seed % 5 == 0 else [])]
    recent = [*random.integers(30, 70, words).tolist(), *line * loops, *line[: seed % 4]]
    breakers = {token for token in range(len(logits)) if any(mark in engine.piece(token) for mark in DRY_BREAKERS)}
    chain = Chain(params, 1, breakers)
    chain.remember(recent)
    ours = chain.apply(logits)
    left = dict(zip(ours.tokens.tolist(), ours.logits.tolist(), strict=True))
    theirs = native_result(engine, params, logits, recent)
    # Where two candidates lie a rounding error from a limit, either may be on the other side of it.
    assert len(left.keys() ^ theirs.keys()) <= (1 if len(theirs) > 3 else 0)
    for token in left.keys() & theirs.keys():
        assert left[token] == pytest.approx(theirs[token], rel=1e-4, abs=1e-4)


def test_greedy_and_seeded_choices():
    logits = np.array([0.0, 3.0, 2.0, -np.inf], dtype=np.float32)
    assert Chain(SamplingParams(temperature=0, top_k=0), 1, set()).choose(logits) == 1
    plain = SamplingParams(temperature=1.0, top_k=0, min_p=0.0)
    draws = [Chain(plain, seed, set()).choose(logits) for seed in range(400)]
    assert set(draws) == {0, 1, 2}
    shares = np.exp(logits[:3]) / np.exp(logits[:3]).sum()
    assert np.bincount(draws, minlength=3) / 400 == pytest.approx(shares, abs=0.1)
    one, two = Chain(plain, 7, set()), Chain(plain, 7, set())
    assert [one.choose(logits) for _ in range(50)] == [two.choose(logits) for _ in range(50)]


def test_xtc_excludes_now_and_then():
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.1], dtype=np.float32))
    params = SamplingParams(temperature=1.0, top_k=0, min_p=0.0, xtc_probability=0.5, xtc_threshold=0.15)
    chain = Chain(params, 3, set())
    left = [len(chain.apply(logits).tokens) for _ in range(200)]
    assert set(left) == {2, 4}
    assert 60 < left.count(2) < 140
    assert len(Chain(replace(params, xtc_probability=0.0), 3, set()).apply(logits).tokens) == 4


TEXTS = ["a", "b", "ab", "é", "中", "🙂", "\x7f", "ß", "\ud7ff", "\ue000"]


def vocabulary() -> VocabularyText:
    """Return every byte, some characters and words, and a token that ends."""
    pieces = [bytes([byte]) for byte in range(256)] + [text.encode() for text in ("ab", "é", "中中", "a中")]
    pieces += ["a中".encode()[:3], b""]
    return VocabularyText(pieces, frozenset({len(pieces) - 1}))


@settings(max_examples=150)
@given(
    text=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5).map("".join),
    allowed=st.sampled_from(["[ab]", "[^a]", ".", "[é-ü]", "[一-龥]", "[^一-龥]", "[\U0001f600-\U0001f64f]"]),
    cuts=st.randoms(use_true_random=False),
)
def test_tokens_are_allowed_as_the_grammar_allows_their_characters(text, allowed, cuts):
    constraint = Constraint(f"root ::= {allowed}{{1,8}}")
    words = vocabulary()
    grammar, matcher = TokenGrammar(words, constraint), Matcher(bounded_grammar(constraint))
    data, accepted = text.encode(), 0
    while accepted < len(data):
        fitting = [token for token, piece in enumerate(words.pieces) if piece and data.startswith(piece, accepted)]
        token = cuts.choice(fitting)
        if not grammar.allows(token):
            with pytest.raises(InvalidRequest):
                grammar.accept(token)
            break
        grammar.accept(token)
        accepted += len(words.pieces[token])
    if matcher.allows(text):
        assert accepted == len(data)
        assert grammar.allows(words.size - 1) == (text != "")
    else:
        assert accepted < len(data)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_masking_always_leads_to_a_whole_answer(seed):
    words = vocabulary()
    random = np.random.default_rng(seed)
    constraint = Constraint('root ::= "a" [^ab]{1,3} ("é" | "中" | "🙂") [a-z]{0,2}')
    grammar, data = TokenGrammar(words, constraint), b""
    for _ in range(40):
        logits = random.standard_normal(words.size).astype(np.float32) * 3
        left = grammar.masked(logits, int(random.integers(0, 5)))
        allowed = [token for token in range(words.size) if grammar.allows(token)]
        assert left.argmax() == max(allowed, key=lambda token: logits[token])
        token = int(left.argmax())
        grammar.accept(token)
        if token in words.ends:
            break
        data += words.pieces[token]
    matcher = Matcher(bounded_grammar(constraint))
    matcher.feed(data.decode())
    assert matcher.complete
    grammar.restart([])
    assert grammar.allows(ord("a"))
    assert not grammar.allows(ord("b"))


def test_a_grammar_that_leaves_no_token():
    words = vocabulary()
    grammar = TokenGrammar(words, Constraint('root ::= "ab"'))
    logits = np.zeros(words.size, dtype=np.float32)
    logits[[ord("a"), words.pieces.index(b"ab")]] = -np.inf
    with pytest.raises(InvalidRequest, match="leave no token"):
        grammar.masked(logits, 5)
