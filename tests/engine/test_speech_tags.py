# SPDX-License-Identifier: Apache-2.0
"""Speech goes without its tag where the tags repeat; sentences of a text that repeats itself begin in other ways."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import pytest

from backends.engine.base import Sampler
from backends.engine.parrot import ParrotEngine
from backends.engine.steering import FORCED
from backends.engine.vocabulary import classify
from backends.types import GenerationRequest, LengthTarget, ModelSettings, Prompt, RepetitionPolicy, SamplingParams
from resources import file_path
from tests.engine.conftest import generate

SAID = (
    "The rain had stopped", "I have the key", "Nobody goes there", "We should wait", "My brother knows the way",
    "There was a letter for you", "The boat is gone", "That was long ago",
)  # fmt: skip

MORE = ("It may rain again", "My coat is wet", "She went home", "You saw him too")


class Reciter(Sampler):
    """Says given tokens, the next one at each place; what is forced comes first, what is forbidden is passed over.

    Where it may not say ``avoided`` it says ``other``, if it has that; ``unsure`` are tokens that it need not say.
    """

    def __init__(self, tokens: Sequence[int], end: int, avoided=frozenset(), other=None, unsure=frozenset()) -> None:
        self._tokens, self._end, self._said = [*tokens, end], end, 0
        self._avoided, self._other, self._unsure = avoided, other, unsure

    def prime(self, tokens: Sequence[int]) -> None:
        pass

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        forced = [token for token, value in bias if value >= FORCED]
        forbidden = {token for token, value in bias if value == -math.inf}
        left = (token for token in self._tokens[self._said :] if token not in forbidden)
        return forced[0] if forced else next(left, self._end)

    def vary(self, row, bias, avoided, least) -> int | None:
        return self._other if self._avoided and avoided >= self._avoided else None

    def leeway(self, row, token, without) -> float:
        return 0.5 if token in self._unsure else 0.0

    def prepare(self, bias: Sequence[tuple[int, float]]) -> None:
        pass

    def accept(self, token: int) -> None:
        self._said += 1

    def rewind(self, tokens: Sequence[int]) -> None:
        self._said = len(tokens)

    def close(self) -> None:
        pass


class RecitingEngine(ParrotEngine):
    """Every answer is the prompt again, as far as nobody wants it differently. ``temperatures`` of samplers made."""

    temperatures: list[float]
    avoided: frozenset[int] = frozenset()
    other: int | None = None
    unsure: frozenset[int] = frozenset()

    def sampler(self, params, seed, constraint=None) -> Sampler:
        self.temperatures = [*getattr(self, "temperatures", []), params.temperature]
        return Reciter(self._heard, min(self.end_of_turn), self.avoided, self.other, self.unsure)


@pytest.fixture
def reciter(tmp_path, monkeypatch) -> Iterator[RecitingEngine]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = RecitingEngine(ModelSettings(str(file_path("starter/starter.gguf")), threads=1), tmp_path / "heard")
    yield engine
    engine.close()


def recited(engine, text: str, policy: RepetitionPolicy | None, length: LengthTarget | None = None):
    return generate(engine, GenerationRequest(Prompt(raw=text), SamplingParams(), length=length, repetition=policy))


def test_a_tag_that_came_often_is_left_out(reciter):
    reading = recited(reciter, "\n\n".join(f'"{said}," said Ann.' for said in SAID), RepetitionPolicy())
    assert reading.text.count(',"') == 3
    first, _, rest = reading.text.partition("We should wait")
    assert first.count('," said Ann.') == 3
    assert rest.startswith('."\n')
    assert [rewind.characters for rewind in reading.rewinds][:1] == [2]


def test_a_comma_that_nobody_has_seen_yet_becomes_a_full_stop_too(reciter):
    # With a goal the comma behind a speech is shown only when the speech has kept its tag.
    said = "\n\n".join(f'"{said}," said Ann.' for said in SAID)
    reading = recited(reciter, said, RepetitionPolicy(), LengthTarget(400))
    assert reading.text.partition("We should wait")[2].startswith('."\n')
    assert '," said Ann.' in reading.text


def test_behind_a_speech_without_a_tag_something_else_is_told_where_there_is_something(reciter):
    # What stands behind the tag is what the model wants to say behind the break in its place.
    reciter.avoided, reciter.other = reciter.classes.speech_starts, reciter.tokenize("Then")[0]
    reading = recited(reciter, "\n\n".join(f'"{said}," said' for said in (*SAID, *MORE)), RepetitionPolicy())
    assert re.search(r'\."\n+Then', reading.text)


def test_behind_a_speech_without_a_tag_the_model_speaks_on_where_it_has_nothing_else(reciter):
    reading = recited(reciter, "\n\n".join(f'"{said}," said Ann.' for said in SAID), RepetitionPolicy())
    assert all(f'"{said}' in reading.text for said in SAID)


PLACES = ("harbour", "market", "chapel", "bridge", "garden", "forest", "valley", "castle")


def phrases(engine) -> str:
    """Eight sentences with one phrase in all of them; the model need not say " slowly" in it."""
    reciting = " ".join(
        f"{name} came from the {place} and walked slowly down to the old grey house by the river."
        for name, place in zip(NAMES, PLACES, strict=True)
    )
    engine.unsure = frozenset(engine.tokenize(" slowly")[:1])
    return reciting


NAMES = ("Ann", "Ben", "Carl", "Dora", "Emil", "Frank", "Greta", "Hans")


def test_a_phrase_that_returns_is_gone_around_where_the_model_had_another_word(reciter):
    reading = recited(reciter, phrases(reciter), RepetitionPolicy())
    assert reading.text.count("walked slowly") < len(NAMES)
    assert reading.rewinds


def test_questions_lose_their_tags_without_a_rewind(reciter):
    reading = recited(reciter, "\n\n".join(f'"{said}?" asked Ann.' for said in SAID), RepetitionPolicy())
    assert reading.text.count('?" asked Ann.') == 3
    assert '?"\n' in reading.text


def test_without_a_policy_every_word_stays(reciter):
    text = "\n\n".join(f'"{said}," said Ann.' for said in SAID)
    assert recited(reciter, text, None).text == text


def test_sentences_begin_with_more_temperature_where_a_text_repeats_itself(reciter):
    recited(
        reciter,
        " ".join(f"Then she went down to the sea, where a {said[:-1]} was." for said in SAID),
        RepetitionPolicy(),
    )
    assert 1.2 in reciter.temperatures


def test_sentences_of_other_texts_begin_as_the_model_likes(reciter):
    recited(reciter, " ".join(f"{said}." for said in SAID), RepetitionPolicy())
    assert 1.2 not in reciter.temperatures


def test_classes_of_speech():
    pieces = [',"', '."', ",”", '?"', "!”", '"', ' "', "“", "\n“", ",", 'a,"', " said"]
    found = classify([piece.encode() for piece in pieces], [])
    assert found.speech_stops == {(0, 1)}
    assert found.speech_questions == {3, 4}
    assert found.speech_starts == {5, 6, 7, 8}
