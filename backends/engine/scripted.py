# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""An engine whose logits follow a script: the misbehaving models that tests are run against.

It writes plain English (scripted_text.py) and misbehaves as its script says: ends early, writes double, never ends,
loops, repeats itself across sections, emits broken UTF-8, crashes, hangs. It has the whole interface of an engine and
needs nothing but numpy.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
import re
import threading
import time
import zlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from backends.engine.base import BatchToken, DecodeAborted, Engine, Sampler, TokenClasses
from backends.engine.constraints import Matcher, bounded_grammar
from backends.engine.limits import check_batch, check_cut, check_fork
from backends.engine.scripted_text import ADJECTIVES, CLASSES, NAMES, NOUNS, Place, first_words, follow, mix, slot_words
from backends.engine.scripted_text import TEMPLATES as SENTENCES
from backends.engine.variation import leeway, vary
from backends.engine.vocabulary import classify
from backends.errors import ContextOverflow, InvalidRequest, ModelInvalid
from backends.text.thinking import USUAL, ThinkingMarks
from backends.types import Capabilities, Constraint, Prompt, SamplingParams

SUFFIX = ".script.json"
BEHAVIOURS = {
    "writer": 1.0,
    "early_end": 0.35,
    "overwriter": 1.8,
    "never_ends": math.inf,
    "endless_paragraph": math.inf,
    "late_sentences": 1.0,
    "looper": math.inf,
    "blank_lines": math.inf,
    "cross_section_repeater": 1.0,
    "invalid_utf8": 1.0,
    "garbage_json": 1.0,
    "silent": 0.0,
}
DEFAULT_WORDS = 250
REFRAINS = (
    "The old lantern in the cellar was still burning when the captain came home.",
    "Nobody in the village remembered the promise that the painter had made in winter.",
    "Every evening the ferry crossed the river with a cargo of letters and silence.",
)
_THOUGHTS = ("Hm.", "First", "the", "keeper,", "then", "the", "map.") * 4096
_LINKS_OF_LONG_SENTENCES = 5
_EXPECTED, _LIKELY, _SPREAD, _POSSIBLE = 14.0, 8.0, 3.0, 4.0
_NOISE = np.random.default_rng(7).random(4096).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Script:
    """What a scripted engine does.

    ``behaviour`` is a key of BEHAVIOURS; its value is the share of the asked words after which the model wants to end.
    ``after`` words start a loop of ``period`` tokens (0: the last sentence), again so many words after the model was
    led out of it; a ``stubborn`` one repeats whatever was written. ``delay_ms`` is the time per generated token,
    ``prefill_delay_ms`` per prompt token. ``crash_after`` generated tokens the process is killed by ``crash_signal``,
    at most ``crash_times`` times as counted by the file ``marker`` (always without a marker); ``hang_after`` tokens it
    sleeps for good. ``cells`` is how many tokens all sequences together may hold, shared ones counted once (0: any
    number). ``thoughts`` is what it thinks in front of each answer, in words (0: it does not), between marks of its own
    or, if they are ``thoughts_begun``, of its template; ``thoughts_end`` says whether it ever ends them by itself.
    Raises ModelInvalid where it makes no sense.
    """

    behaviour: str = "writer"
    after: int = 60
    period: int = 0
    stubborn: bool = False
    context_tokens: int = 8192
    can_rewind: bool = True
    sequences: int = 16
    cells: int = 0
    delay_ms: float = 0.0
    prefill_delay_ms: float = 0.0
    crash_after: int = -1
    crash_signal: int = 9
    crash_times: int = 1
    marker: str = ""
    hang_after: int = -1
    prompt_version: int = 0
    thoughts: int = 0
    thoughts_begun: bool = False
    thoughts_end: bool = True

    def __post_init__(self) -> None:
        if self.behaviour not in BEHAVIOURS:
            raise ModelInvalid(f"Unknown behaviour {self.behaviour!r} in the script.")
        if self.context_tokens < 16 or self.sequences < 1:
            raise ModelInvalid("A scripted engine needs a context of at least 16 tokens and one sequence.")


def write_script(path: str | Path, **parameters: object) -> Path:
    """Write the script of an engine; the path must end in ``.script.json``. Parameters are those of ``Script``."""
    target = Path(path)
    if not target.name.endswith(SUFFIX):
        raise ValueError(f"{target} does not end in {SUFFIX}")
    target.write_text(json.dumps(asdict(Script(**parameters))))  # type: ignore[arg-type]
    return target


def read_script(path: str | Path) -> Script:
    """Read a script. Raises ModelInvalid where it is none."""
    try:
        return Script(**json.loads(Path(path).read_text()))
    except (ValueError, TypeError) as error:
        raise ModelInvalid(f"{path} is not a script: {error}") from error


class _Vocabulary:
    """Bytes, words with and without a space before them, and control tokens."""

    def __init__(self) -> None:
        words: dict[str, None] = {}
        for template in SENTENCES:
            for slot in template:
                for word in CLASSES.get(slot, [slot]):
                    words |= dict.fromkeys((f" {word.lower()}", f" {word.capitalize()}", word.capitalize()))
        for refrain in REFRAINS:
            words |= dict.fromkeys(re.findall(r" ?[A-Za-z]+", refrain))
        self.control = ("<end>", "<system>", "<user>", "<assistant>", "<answer>")
        self.pieces = [bytes([byte]) for byte in range(256)] + [word.encode() for word in words] + [b"\n\n"]
        self.texts = [piece.decode("latin-1") for piece in self.pieces] + [""] * len(self.control)
        self.ids = {piece.decode(): number for number, piece in enumerate(self.pieces) if piece.isascii()}
        first = len(self.pieces)
        self.pieces += [b""] * len(self.control)
        self.special = {name: first + number for number, name in enumerate(self.control)}
        self.end, self.answer = self.special["<end>"], self.special["<answer>"]
        self.size = len(self.pieces)
        self.words = np.array(sorted(self.ids[word] for word in words))

    def tokenize(self, text: str) -> list[int]:
        tokens: list[int] = []
        for part in re.findall(r" ?[A-Za-z]+|\n\n|.", text, re.DOTALL):
            if part in self.ids:
                tokens.append(self.ids[part])
            else:
                tokens.extend(part.encode("utf-8", "replace"))
        return tokens


@dataclass(slots=True)
class _Sequence:
    """The tokens of a sequence, the cell of each, and the place in the text after each token of the answer."""

    tokens: list[int]
    cells: list[int]
    places: list[Place]
    start: int = -1
    prompt_hash: int = 0
    target: float = 0.0

    def copy(self, length: int) -> _Sequence:
        tokens, cells = self.tokens[:length], self.cells[:length]
        if 0 <= self.start <= length:
            kept = self.places[: length - self.start + 1]
            return _Sequence(tokens, cells, kept, self.start, self.prompt_hash, self.target)
        return _Sequence(tokens, cells, [])


class ScriptedEngine(Engine):
    """An engine that follows a script."""

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self._script = script
        self._name = name
        self._vocabulary = _Vocabulary()
        self._classes = classify(self._vocabulary.pieces, [self._vocabulary.end])
        self._sequences = [_Sequence([], [], []) for _ in range(script.sequences)]
        self._base = self._base_logits()
        self._fixed = [self._vocabulary.tokenize(" " + refrain) for refrain in REFRAINS]
        self._rows: dict[int, np.ndarray] = {}
        self._aborted = threading.Event()
        self._generated = 0
        self._cells = itertools.count()

    @property
    def capabilities(self) -> Capabilities:
        script = self._script
        return Capabilities(
            model_name=self._name,
            architecture="scripted",
            context_tokens=script.context_tokens,
            trained_context_tokens=script.context_tokens,
            device="cpu",
            chat_template=True,
            can_rewind=script.can_rewind,
            length_in_loop=True,
            repetition_in_loop=True,
            constraint_in_loop=True,
            recurrent=not script.can_rewind,
            threads=1,
            prompt_version=script.prompt_version,
        )

    @property
    def classes(self) -> TokenClasses:
        return self._classes

    @property
    def max_sequences(self) -> int:
        return len(self._sequences)

    @property
    def max_batch(self) -> int:
        return 2048

    @property
    def used_cells(self) -> int:
        """How many tokens the sequences hold together, shared ones counted once."""
        return len({cell for sequence in self._sequences for cell in sequence.cells})

    @property
    def state_identity(self) -> bytes:
        return hashlib.sha256(repr(self._script).encode()).digest()

    @property
    def prefill_rate(self) -> float:
        return 1000 / self._script.prefill_delay_ms if self._script.prefill_delay_ms else 0.0

    @property
    def vocabulary(self) -> _Vocabulary:
        """The tokens, for samplers."""
        return self._vocabulary

    def tokenize(self, text: str) -> list[int]:
        return self._vocabulary.tokenize(text)

    def tokenize_prompt(self, prompt: Prompt, *, thinking: bool = False) -> list[int]:
        tokens = self._vocabulary.tokenize(prompt.raw)
        for message in prompt.messages:
            tokens += [self._vocabulary.special[f"<{message.role.value}>"], *self.tokenize(message.content.strip())]
        begun = f"{USUAL.opening}\n" if self._script.thoughts_begun else ""
        past = f"\n{USUAL.closing}\n\n" if begun and not thinking else ""
        return [*tokens, self._vocabulary.answer, *self.tokenize(begun + past + prompt.answer_start)]

    @property
    def thinking_marks(self) -> ThinkingMarks | None:
        return USUAL if self._script.thoughts_begun else None

    def piece(self, token: int) -> bytes:
        return self._vocabulary.pieces[token]

    def decode(self, batch: Sequence[BatchToken]) -> list[int]:
        self._check(batch)
        self._rows = {}
        for row, item in enumerate(batch):
            self._wait(self._script.delay_ms if item.logits else self._script.prefill_delay_ms)
            self._push(self._sequences[item.sequence], item.token)
            if item.logits:
                self._misbehave()
                self._rows[row] = self._logits(self._sequences[item.sequence])
        return list(self._rows)

    def logits(self, row: int) -> np.ndarray:
        """Return the logits of a row of the last decode. Raises InvalidRequest for another row."""
        if row not in self._rows:
            raise InvalidRequest(f"Row {row} of the last decode has no logits.")
        return self._rows[row]

    def sequence_length(self, sequence: int) -> int:
        return len(self._sequence(sequence).tokens)

    def fork(self, source: int, target: int, length: int) -> None:
        check_fork(self, source, target, length)
        origin = self._sequence(source)
        whole = self._script.can_rewind or length == len(origin.tokens)
        self._sequences[target] = origin.copy(length) if whole else _Sequence([], [], [])

    def rewind(self, sequence: int, length: int) -> bool:
        check_cut(self, sequence, length)
        current = self._sequence(sequence)
        possible = self._script.can_rewind or length in (0, len(current.tokens))
        self._sequences[sequence] = current.copy(length if possible else 0)
        return possible

    def save(self, sequence: int) -> bytes:
        data = json.dumps(self._sequence(sequence).tokens).encode()
        return zlib.crc32(data).to_bytes(4, "little") + data

    def load(self, sequence: int, state: bytes | memoryview) -> bool:
        self._sequence(sequence)
        state = bytes(state)
        self._sequences[sequence] = _Sequence([], [], [])
        if len(state) < 4 or zlib.crc32(state[4:]) != int.from_bytes(state[:4], "little"):
            return False
        tokens = json.loads(state[4:])
        if len(tokens) > self._script.context_tokens:
            return False
        for token in tokens:
            self._push(self._sequences[sequence], token)
        return True

    def sampler(self, params: SamplingParams, seed: int, constraint: Constraint | None = None) -> Sampler:
        return ScriptedSampler(self, params, seed, constraint)

    def abort(self) -> None:
        self._aborted.set()

    def close(self) -> None:
        self._sequences = [_Sequence([], [], []) for _ in self._sequences]

    def _sequence(self, sequence: int) -> _Sequence:
        if not 0 <= sequence < len(self._sequences):
            raise InvalidRequest(f"There is no sequence {sequence}.")
        return self._sequences[sequence]

    def _check(self, batch: Sequence[BatchToken]) -> None:
        check_batch(self, batch, self._vocabulary.size, outputs=self.max_batch)
        if self._script.cells and self.used_cells + len(batch) > self._script.cells:
            raise ContextOverflow(f"The cache of {self._script.cells} tokens has no room.")

    def _wait(self, milliseconds: float) -> None:
        if self._aborted.is_set() or (milliseconds and self._aborted.wait(milliseconds / 1000)):
            self._aborted.clear()
            raise DecodeAborted

    def _misbehave(self) -> None:
        """Crash or hang where the script says so."""
        self._generated += 1
        if self._generated == self._script.hang_after:
            time.sleep(86_400)
        if self._generated == self._script.crash_after and self._may_crash():
            os.kill(os.getpid(), self._script.crash_signal)

    def _may_crash(self) -> bool:
        if not self._script.marker:
            return True
        marker = Path(self._script.marker)
        crashes = 0
        with contextlib.suppress(FileNotFoundError, ValueError):
            crashes = int(marker.read_text())
        marker.write_text(str(crashes + 1))
        return crashes < self._script.crash_times

    def _push(self, sequence: _Sequence, token: int) -> None:
        sequence.tokens.append(token)
        sequence.cells.append(next(self._cells))
        if token == self._vocabulary.answer:
            self._begin_answer(sequence)
        elif sequence.start >= 0 and self._thought(sequence) is not None:
            sequence.places.append(sequence.places[-1])
        elif sequence.start >= 0:
            before = sequence.places[-1]
            place = follow(before, self._vocabulary.texts[token], mix(sequence.prompt_hash, before.length))
            sequence.places.append(self._loop(sequence, before, place) if self._loops else place)

    def _thought(self, sequence: _Sequence) -> str | None:
        """Return what the model has thought in front of its answer, None where it does not think (any more)."""
        if not self._script.thoughts or sequence.start < 0:
            return None
        pieces = self._vocabulary.pieces
        text = b"".join(pieces[token] for token in sequence.tokens[sequence.start :]).decode("utf-8", "replace")
        begun = text.startswith(USUAL.opening) or USUAL.opening.startswith(text)
        return None if not begun or USUAL.closing in text else text

    def _thinks_next(self, thought: str) -> int:
        """Return the token that goes on with a thought, or begins it, or ends it."""
        words = self._script.thoughts if self._script.thoughts_end else self._script.context_tokens
        whole = f"{USUAL.opening}\n{' '.join(itertools.islice(_THOUGHTS, words))}\n{USUAL.closing}"
        return ord(whole[len(thought)]) if whole.startswith(thought) and len(thought) < len(whole) else ord(" ")

    def _begin_answer(self, sequence: _Sequence) -> None:
        prompt = sequence.tokens
        text = b"".join(self._vocabulary.pieces[token] for token in prompt).decode("utf-8", "replace")
        sizes = re.findall(r"(\d[\d,]*)\s+words", text)
        words = int(sizes[-1].replace(",", "")) if sizes else DEFAULT_WORDS
        sequence.start = len(prompt)
        sequence.prompt_hash = zlib.crc32(np.array(prompt, dtype=np.int32).tobytes())
        share = BEHAVIOURS[self._script.behaviour]
        sequence.target = words * share if share else 0.0
        sequence.places = [Place(next_loop=self._script.after)]

    @property
    def _loops(self) -> bool:
        return self._script.behaviour == "looper"

    def _loop(self, sequence: _Sequence, before: Place, place: Place) -> Place:
        """Enter a loop, or leave it where the text was led elsewhere."""
        period = before.loop_period
        if period:
            led_out = sequence.tokens[-1] != sequence.tokens[-1 - period]
            if led_out and not self._script.stubborn:
                return replace(place, loop_period=0, next_loop=place.words + self._script.after)
            return place
        period = self._script.period or place.length - place.sentence_start
        if place.at_sentence_start and place.sentences and place.words >= place.next_loop and place.length >= period:
            return replace(place, loop_period=period)
        return place

    def _base_logits(self) -> np.ndarray:
        base = np.full(self._vocabulary.size, -20.0, dtype=np.float32)
        base[self._vocabulary.words] = -8.0
        base[list(b'.,;:?!"\n{}[]0123456789')] = -10.0
        base[list(self._vocabulary.special.values())] = -1000.0
        never = math.isinf(BEHAVIOURS[self._script.behaviour])
        base[self._vocabulary.end] = -30.0 if never else -2.0
        base[self._vocabulary.ids["\n\n"]] = -30.0 if self._script.behaviour == "endless_paragraph" else -2.0
        return base

    def _logits(self, sequence: _Sequence) -> np.ndarray:
        """Return what the script wants next, as logits."""
        place = sequence.places[-1] if sequence.places else Place()
        chance = mix(sequence.prompt_hash, place.length, sequence.tokens[-1])
        logits = self._base + _NOISE[chance % 2048 : chance % 2048 + 1].repeat(self._vocabulary.size)
        for token, weight in self._expected(sequence, place, chance).items():
            logits[token] = weight
        return logits

    def _expected(self, sequence: _Sequence, place: Place, chance: int) -> dict[int, float]:
        thought = self._thought(sequence)
        if thought is not None:
            usual = self._usual(sequence, place, chance) if not thought else {}
            return usual | {self._thinks_next(thought): 2 * _EXPECTED}
        special = self._special_case(sequence, place, chance)
        usual = self._usual(sequence, place, chance)
        return usual if special is None else usual | {special: _EXPECTED + 2}

    def _usual(self, sequence: _Sequence, place: Place, chance: int) -> dict[int, float]:
        """Return what a model that behaves would want next."""
        ids = self._vocabulary.ids
        if place.json:
            return self._json_tokens(place, chance)
        if not place.at_sentence_start:
            return self._inside_sentence(place, chance)
        gap = " " if place.length and place.in_paragraph else ""
        wanted = self._weighted([gap + word for word in first_words()], chance)
        if place.words >= sequence.target:
            wanted[self._vocabulary.end] = _EXPECTED
        elif place.in_paragraph >= 3 + chance % 4 and self._script.behaviour != "endless_paragraph":
            wanted[ids["\n\n"]] = _EXPECTED
        return wanted

    def _special_case(self, sequence: _Sequence, place: Place, chance: int) -> int | None:
        """Return the token that a misbehaviour demands here, or None."""
        behaviour, ids = self._script.behaviour, self._vocabulary.ids
        if behaviour == "silent":
            return self._vocabulary.end
        if place.loop_period:
            return sequence.tokens[-place.loop_period]
        if behaviour == "blank_lines" and place.words >= place.next_loop and place.at_sentence_start:
            return ids["\n\n"]
        if behaviour == "invalid_utf8" and chance % 9 == 0:
            return (0x80, 0xC3, 0xFF, 0xE2)[chance // 9 % 4]
        if behaviour == "cross_section_repeater" and place.sentences % 4 == 2:
            return self._refrain(sequence, place)
        return None

    def _refrain(self, sequence: _Sequence, place: Place) -> int | None:
        fixed = self._fixed[place.sentences // 4 % len(self._fixed)]
        done = 0 if place.at_sentence_start else place.length - place.sentence_start
        same = sequence.tokens[len(sequence.tokens) - done :] == fixed[:done]
        return fixed[done] if same and done < len(fixed) else None

    def _weighted(self, texts: Sequence[str], chance: int) -> dict[int, float]:
        """Return the tokens of texts with weights that depend on the place."""
        ids = self._vocabulary.ids
        return {
            ids[text]: _LIKELY + _SPREAD * float(_NOISE[(chance + 31 * number) % 4096])
            for number, text in enumerate(texts)
            if text in ids
        }

    def _inside_sentence(self, place: Place, chance: int) -> dict[int, float]:
        clauses = _LINKS_OF_LONG_SENTENCES if self._script.behaviour == "late_sentences" else 1
        words = slot_words(place, clauses)
        ids = self._vocabulary.ids
        if words is None:
            return {ids["."]: _EXPECTED, ids["!"]: _LIKELY, ids["?"]: _LIKELY}
        wanted = self._weighted([f" {word}" for word in words], chance)
        return wanted | {ids["."]: _POSSIBLE if clauses == 1 else -10.0}

    def _json_tokens(self, place: Place, chance: int) -> dict[int, float]:
        ids = self._vocabulary.ids
        if self._script.behaviour == "garbage_json":
            return {
                token: 12.0 * float(_NOISE[(chance + token) % 4096]) for token in range(32, self._vocabulary.size - 5)
            }
        if not place.in_string:
            return {ids[mark]: _LIKELY + float(_NOISE[(chance + ids[mark]) % 4096]) for mark in '{}[],:"'}
        if place.string_words >= 3 + chance % 3:
            return {ids['"']: _EXPECTED}
        words = [name.capitalize() if not place.string_words else f" {name}" for name in (*NAMES, *ADJECTIVES, *NOUNS)]
        return self._weighted(words, chance)


class ScriptedSampler(Sampler):
    """Temperature, top_k, min_p and a grammar, on numpy; penalties, DRY and XTC are not served."""

    def __init__(
        self, engine: ScriptedEngine, params: SamplingParams, seed: int, constraint: Constraint | None
    ) -> None:
        self._engine = engine
        self._params = params
        self._random = np.random.default_rng(seed)
        self._constraint = constraint
        self._matcher = Matcher(bounded_grammar(constraint)) if constraint else None

    def prime(self, tokens: Sequence[int]) -> None:
        pass  # no stage here looks back

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        logits = self._engine.logits(row).copy()
        for token, value in bias:
            logits[token] += value
        order = self._draw(logits)
        for token in order:
            if logits[token] == -np.inf:
                break
            if self._matcher is None or self._allowed(int(token)):
                return int(token)
        raise InvalidRequest("Every token is forbidden here.")

    def vary(self, row: int, bias: Sequence[tuple[int, float]], avoided: AbstractSet[int], least: float) -> int | None:
        return vary(self, self._engine.logits(row), row, bias, avoided, least)

    def leeway(self, row: int, token: int, without: AbstractSet[int]) -> float:
        return leeway(self._engine.logits(row).copy(), token, without)

    def _draw(self, logits: np.ndarray) -> np.ndarray:
        """Return token ids in the order of a draw without replacement (Gumbel), the truncated ones last."""
        if not self._params.temperature:
            return np.argsort(-logits, kind="stable")
        keys = logits / self._params.temperature - np.log(-np.log(self._random.random(len(logits))))
        kept = logits >= logits.max() + self._params.temperature * math.log(max(self._params.min_p, 1e-9))
        if 0 < self._params.top_k < len(logits):
            kept &= logits >= np.partition(logits, -self._params.top_k)[-self._params.top_k]
        return np.argsort(np.where(kept, -keys, 1e6 - keys), kind="stable")

    def _allowed(self, token: int) -> bool:
        assert self._matcher is not None
        if token == self._engine.vocabulary.end:
            return self._matcher.complete
        try:
            text = self._engine.piece(token).decode()
        except UnicodeDecodeError:
            return False
        return bool(text) and self._matcher.allows(text)

    def prepare(self, bias: Sequence[tuple[int, float]]) -> None:
        pass

    def accept(self, token: int) -> None:
        if self._matcher is not None and token != self._engine.vocabulary.end:
            self._matcher.feed(self._engine.piece(token).decode())

    def rewind(self, tokens: Sequence[int]) -> None:
        if self._constraint is not None:
            self._matcher = Matcher(bounded_grammar(self._constraint))
            for token in tokens:
                self.accept(token)

    def close(self) -> None:
        pass  # nothing native
