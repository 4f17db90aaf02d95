# SPDX-License-Identifier: Apache-2.0
"""Speech goes without its tag where the tags repeat; sentences of a text that repeats itself begin in other ways."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pytest

from backends.engine.base import Sampler
from backends.engine.parrot import ParrotEngine
from backends.engine.steering import FORCED
from backends.engine.vocabulary import classify
from backends.types import GenerationRequest, ModelSettings, Prompt, RepetitionPolicy, SamplingParams
from resources import file_path
from tests.engine.conftest import generate

SAID = (
    "The rain had stopped", "I have the key", "Nobody goes there", "We should wait", "My brother knows the way",
    "There was a letter for you", "The boat is gone", "That was long ago",
)  # fmt: skip


class Reciter(Sampler):
    """Says given tokens, the next one at each place; what is forced comes first, what is forbidden is passed over."""

    def __init__(self, tokens: Sequence[int], end: int) -> None:
        self._tokens, self._end, self._said = [*tokens, end], end, 0

    def prime(self, tokens: Sequence[int]) -> None:
        pass

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        forced = [token for token, value in bias if value >= FORCED]
        forbidden = {token for token, value in bias if value == -math.inf}
        left = (token for token in self._tokens[self._said :] if token not in forbidden)
        return forced[0] if forced else next(left, self._end)

    def vary(self, row, bias, avoided, least) -> None:
        return None

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

    def sampler(self, params, seed, constraint=None) -> Sampler:
        self.temperatures = [*getattr(self, "temperatures", []), params.temperature]
        return Reciter(self._heard, min(self.end_of_turn))


@pytest.fixture
def reciter(tmp_path, monkeypatch) -> Iterator[RecitingEngine]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = RecitingEngine(ModelSettings(str(file_path("starter/starter.gguf")), threads=1), tmp_path / "heard")
    yield engine
    engine.close()


def recited(engine, text: str, policy: RepetitionPolicy | None):
    return generate(engine, GenerationRequest(Prompt(raw=text), SamplingParams(), repetition=policy))


def test_a_tag_that_came_often_is_left_out(reciter):
    reading = recited(reciter, "\n\n".join(f'"{said}," said Ann.' for said in SAID), RepetitionPolicy())
    assert reading.text.count(',"') == 3
    first, _, rest = reading.text.partition("We should wait")
    assert first.count('," said Ann.') == 3
    assert rest.startswith('."\n')
    assert [rewind.characters for rewind in reading.rewinds][:1] == [2]


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
