# SPDX-License-Identifier: Apache-2.0
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text import ngrams
from studio.writing.repetition_report import (
    Place,
    Repeated,
    SectionProse,
    Verdict,
    identical_neighbours,
    repetition_report,
    verdict_of,
)


def prose(count, seed=0):
    """Sentences of invented words, all different."""
    choose = random.Random(seed)
    words = ["".join(choose.choices("abcdefghijklmnop", k=choose.randint(2, 6))) for _ in range(count)]
    return " ".join(f"{' '.join(words[at : at + 9]).capitalize()}." for at in range(0, count, 9))


def report(*texts):
    return repetition_report([SectionProse(str(n), f"Title {n}", text) for n, text in enumerate(texts, start=1)])


GOOD = "The sea lay grey under a low sky, and the wind had not yet decided what it wanted."
NEAR = "The sea lay grey under a low sky, and the wind had not yet decided what she wanted."


def place(section, paragraph=1):
    return Place(str(section), f"Title {section}", paragraph)


def test_what_is_said_once_is_not_reported():
    found = report(prose(600), prose(900, 1))
    assert found.whole.verdict is Verdict.FINE
    assert found.passages == found.sentences == found.near == found.neighbours == found.openings == ()
    assert [part.tokens for part in found.sections] == [667, 1000]
    assert found.whole.tokens == 1667


def test_a_sentence_that_returns_is_reported_with_its_places():
    found = report(f"{prose(90)}\n\n{GOOD}", f"{prose(90, 1)} {GOOD}")
    assert found.sentences == (Repeated(GOOD, (place(1, 2), place(2))),)
    (passage,) = found.passages
    # A passage begins with the mark before the sentence.
    assert passage.text.lstrip(". ").startswith("the sea lay grey")
    assert passage.places[1] == place(2)


def test_sentences_that_are_nearly_the_same_are_reported_apart():
    (near,) = report(GOOD, f"{prose(90)} {NEAR}").near
    assert (near.text, near.like, near.places) == (NEAR, GOOD, (place(1), place(2)))
    assert 0.8 <= near.share < 1


def test_neighbours_and_openings():
    found = report("He was very tired. He was very tired!\n\n" + "\n\n".join(f"Then the old man {w}." for w in "abc"))
    assert [repeat.text for repeat in found.neighbours] == ["He was very tired!"]
    assert found.openings == (Repeated("then the old man", (place(1, 2), place(1, 3), place(1, 4))),)
    assert identical_neighbours("No. No. He was tired now. He was tired now.") == 1


def test_lists_tables_code_and_refrains_do_not_count():
    line = "And the tide came in, and the tide went out."
    form = "- the same entry of a list\n" * 9 + "| a | b |\n" * 9 + "```\n" + "x = 1; x = 1; x = 1\n" * 9 + "```"
    found = report(f"{line}\n\n{prose(180)}\n\n{line}\n\n{form}", f"{prose(180, 1)}\n\n{line}")
    assert [(repeat.text, len(repeat.places)) for repeat in found.refrains] == [(line.lower()[:-1].replace(",", ""), 3)]
    assert found.whole.worst == 0
    assert found.sentences == found.passages == ()


def test_a_loop_is_no_refrain():
    found = report("\n\n".join([GOOD] * 40))
    assert not found.refrains
    assert found.whole.verdict is Verdict.LOOP
    assert found.windows[0].place == place(1)


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(0.045, Verdict.FINE), (0.046, Verdict.WARN), (0.07, Verdict.WARN), (0.071, Verdict.ACT), (0.31, Verdict.LOOP)],
)
def test_verdicts(rate, verdict):
    assert verdict_of(rate) is verdict


def test_an_empty_document_has_a_report():
    assert repetition_report([]).whole.tokens == 0
    assert report("", " \n").whole.verdict is Verdict.FINE


@given(st.lists(st.lists(st.sampled_from(["He slept. ", GOOD + " ", "\n\n", "- a\n", "She ran home. "])), max_size=4))
def test_figures_are_those_of_the_prose(sections):
    texts = ["".join(pieces) for pieces in sections]
    found = report(*texts)
    tokens = [ngrams.tokens(ngrams.prose(text)) for text in texts]
    refrains = sum(len(ngrams.tokens(repeat.text)) for repeat in found.refrains)
    assert found.whole.tokens <= sum(map(len, tokens))
    assert refrains or found.whole.tokens == sum(map(len, tokens))
    assert max((window.rate for window in found.windows), default=0) == found.whole.worst
