# SPDX-License-Identifier: Apache-2.0
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.length import LengthController, Phase
from backends.text.counting import count_words, measure
from backends.text.segmentation import ends_sentence, sentence_ends
from backends.types import CountingProfile, LengthBound, LengthTarget, LengthUnit


class RandomProse:
    """Sentences of random words whose lengths are log-normal, cut into random pieces like tokens."""

    def __init__(self, seed, mean, deviation, dialogue=0.0, paragraphs=0.2, marks=".....!?"):
        self.random = random.Random(seed)
        self.mean, self.spread = mean, math.log(1 + (deviation / mean) ** 2)
        self.dialogue, self.paragraphs, self.marks = dialogue, paragraphs, marks

    def sentence(self):
        length = self.random.lognormvariate(math.log(self.mean) - self.spread / 2, self.spread**0.5)
        words = [self.word() for _ in range(max(2, round(length)))]
        sentence = " ".join(words).capitalize() + self.random.choice(self.marks)
        return f"“{sentence}”" if self.random.random() < self.dialogue else sentence

    def word(self):
        return "".join(self.random.choices("aeioulnrst", k=self.random.randint(2, 8)))

    def pieces(self):
        while True:
            sentence = self.sentence() + ("\n\n" if self.random.random() < self.paragraphs else " ")
            while sentence:
                size = self.random.randint(1, 7)
                yield sentence[:size]
                sentence = sentence[size:]


def land(pieces, target, at_most=200_000):
    """Feed pieces until the controller lands; return the text kept and the text taken back."""
    controller = LengthController(target)
    text = ""
    for piece in pieces:
        text += piece
        controller.feed(piece)
        settled = controller.settled
        landing = controller.verdict()
        if landing is not None:
            kept = text[: len(text) - landing.cut]
            assert settled <= len(kept)
            return kept, text[len(text) - landing.cut :]
        assert len(text) < at_most
    raise AssertionError("the text ended before it landed")


def errors(targets, mean, deviation, **style):
    """Land a text on each target; return the relative errors and the share of words taken back."""
    missed, back, kept_words = [], 0, 0
    for seed, target in enumerate(targets):
        kept, taken = land(RandomProse(seed, mean, deviation, **style).pieces(), LengthTarget(target))
        assert ends_sentence(kept)
        missed.append(abs(count_words(kept) - target) / target)
        back += count_words(taken)
        kept_words += count_words(kept)
    return missed, back / kept_words


def percentile(values, share):
    return sorted(values)[math.ceil(share * len(values)) - 1]


@pytest.mark.parametrize(("mean", "deviation"), [(12, 6), (15, 8), (18, 10)])
def test_sections_land_within_three_per_cent_without_any_steering(mean, deviation):
    targets = [random.Random(seed).randint(300, 1000) for seed in range(40)]
    missed, back = errors(targets, mean, deviation)
    assert percentile(missed, 0.95) <= 0.03
    assert statistics.median(missed) <= 0.01
    assert back <= 0.05


@pytest.mark.parametrize("style", [{"dialogue": 0.5}, {"paragraphs": 0.0}, {"marks": "…?!"}])
def test_dialogue_and_endless_paragraphs_land(style):
    missed, back = errors([600] * 20, 14, 7, **style)
    assert percentile(missed, 0.95) <= 0.03
    assert back <= 0.05


def test_late_sentence_ends_land_within_half_a_sentence():
    missed, back = errors([800] * 20, 40, 10)
    assert max(missed) <= 0.05
    assert back <= 0.05


def test_twenty_words_land_exactly_where_a_sentence_ends_there():
    sentence = "one two three four five."
    pieces = [piece for _ in range(9) for piece in (*sentence.split(" "), " ")]
    spaced = [piece + " " if piece != " " else piece for piece in pieces]
    kept, _ = land(spaced, LengthTarget(20))
    assert count_words(kept) == 20


def test_characters_land():
    prose = RandomProse(3, 14, 7)
    target = LengthTarget(4000, LengthUnit.CHARACTERS)
    kept, _ = land(prose.pieces(), target)
    assert measure(kept, LengthUnit.CHARACTERS) == pytest.approx(4000, rel=0.03)


def test_chinese_lands_on_its_characters():
    sentence = "他慢慢地走到海边，看见了那座老灯塔。"
    kept, _ = land(iter(sentence * 100), LengthTarget(500))
    assert count_words(kept) == pytest.approx(500, rel=0.03)
    assert ends_sentence(kept)


def test_what_the_caller_has_already_counts():
    kept, _ = land(RandomProse(5, 12, 5).pieces(), LengthTarget(800, already=500))
    assert count_words(kept) == pytest.approx(300, abs=24)


def test_phases_follow_the_length():
    controller = LengthController(LengthTarget(100))
    phases = []
    for _ in range(105):
        phases.append(controller.phase)
        controller.feed("word ")
    assert phases[0] is phases[89] is Phase.FLOOR
    assert phases[90] is phases[99] is Phase.STEER
    assert phases[100] is phases[104] is Phase.CLOSE


def test_a_wide_tolerance_opens_the_end_early():
    controller = LengthController(LengthTarget(100, tolerance=0.5))
    controller.feed("word " * 79 + "end.")
    assert controller.phase is Phase.OPEN
    assert controller.may_end


def test_the_model_may_end_only_near_the_target_and_after_a_sentence():
    controller = LengthController(LengthTarget(100, tolerance=0.04))
    controller.feed("word " * 96 + "end.")
    assert not controller.may_end
    controller.feed(" Word")
    assert not controller.may_end
    controller.feed("!")
    assert controller.may_end


def test_text_is_cut_back_as_soon_as_no_later_end_can_be_nearer():
    text = "word " * 95 + "end. "
    kept, taken = land([text, "Word ", *["word "] * 50], LengthTarget(100))
    assert kept == text.rstrip()
    assert count_words(taken) <= 10


def test_an_open_quotation_is_avoided_where_a_near_end_closes_it():
    text = "word " * 95 + "end. “Come in now, please. Sit down.” She did."
    kept, _ = land(text, LengthTarget(100))
    assert kept.endswith("down.”")


def test_no_sentence_end_means_no_landing():
    controller = LengthController(LengthTarget(50))
    controller.feed("word " * 300)
    assert controller.verdict() is None
    assert controller.settled == 0


STYLES = st.tuples(st.integers(0, 10_000), st.integers(5, 30), st.integers(20, 200))


@given(STYLES)
def test_landed_text_is_whole_sentences(style):
    seed, mean, target = style
    prose = RandomProse(seed, mean, mean / 2, dialogue=0.3)
    kept, taken = land(prose.pieces(), LengthTarget(target))
    assert ends_sentence(kept)
    assert len(kept) in sentence_ends(kept + taken)


@given(STYLES, st.integers(1, 400), st.integers(1, 300))
def test_rewinding_is_as_if_the_text_had_never_come(style, length, back):
    seed, mean, target = style
    pieces = RandomProse(seed, mean, mean / 2, dialogue=0.3).pieces()
    text = ""
    while len(text) < length:
        text += next(pieces)
    controller, fresh = LengthController(LengthTarget(target)), LengthController(LengthTarget(target))
    controller.feed(text)
    controller.rewind(back)
    kept = text[: max(0, len(text) - back)]
    fresh.feed(kept)
    for character in " And so it went on. Then “it” ended.":
        controller.feed(character)
        fresh.feed(character)
        assert observed(controller) == observed(fresh)


def observed(controller):
    return controller.phase, controller.length, controller.may_end, controller.settled, controller.verdict()


@pytest.mark.parametrize("bound", [LengthBound.AT_LEAST, LengthBound.AT_MOST])
def test_a_bound_holds_on_its_side(bound):
    for seed in range(40):
        target = random.Random(seed).randint(250, 900)
        kept, _ = land(RandomProse(seed, 14, 6).pieces(), LengthTarget(target, tolerance=0.08, bound=bound))
        beyond = count_words(kept) - target
        assert beyond >= 0 if bound is LengthBound.AT_LEAST else beyond <= 0
        assert abs(beyond) <= 40


@pytest.mark.parametrize("profile", list(CountingProfile))
def test_a_target_lands_in_the_words_of_its_own_profile(profile):
    prose = RandomProse(3, 12, 5, dialogue=0.3)
    kept, _ = land(prose.pieces(), LengthTarget(500, profile=profile))
    assert measure(kept, LengthUnit.WORDS, profile) == pytest.approx(500, rel=0.03)


def test_excess_runs_from_the_shortest_to_the_longest_length():
    controller = LengthController(LengthTarget(100, tolerance=0.1))
    seen = {}
    for _ in range(115):
        controller.feed("word ")
        seen[controller.length] = controller.excess
    assert seen[90] == pytest.approx(-1)
    assert seen[110] == pytest.approx(1)
    assert seen[100] < 0 < seen[101]


@pytest.mark.parametrize("phrase", ["In conclusion, ", "The End.\n", "THE END\n\n", "To sum up: ", "“In summary, "])
def test_a_closing_phrase_is_noticed_before_the_end_is_due(phrase):
    controller = LengthController(LengthTarget(300))
    controller.feed("One two three four. " * 20)
    start = len("One two three four. " * 20)
    found = []
    for character in phrase + "x":
        controller.feed(character)
        found.append(controller.premature)
    assert start in found
    late = LengthController(LengthTarget(100))
    late.feed("One two three four. " * 24 + phrase)
    assert late.premature == -1


@pytest.mark.parametrize(
    "sentence", ["The end of the road was near.", "In conclusions he was slow.", "Fine weather came."]
)
def test_other_sentences_are_no_closing_phrase(sentence):
    controller = LengthController(LengthTarget(300))
    for character in sentence:
        controller.feed(character)
        assert controller.premature == -1
