# SPDX-License-Identifier: Apache-2.0
"""The small interface that every engine has: token sequences with a KV cache.

Length, repetition and scheduling know only this interface, so they work the same on every engine. An engine is used
from one thread; only ``abort`` may be called from another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from backends.errors import InvalidRequest
from backends.text.thinking import ThinkingMarks
from backends.types import Capabilities, Constraint, Prompt, SamplingParams


@dataclass(frozen=True, slots=True)
class BatchToken:
    """One token to decode: its position in a sequence, and whether its logits are wanted."""

    token: int
    position: int
    sequence: int
    logits: bool


@dataclass(frozen=True, slots=True)
class TokenClasses:
    """Token ids that the controls steer by, computed once for a vocabulary.

    ``end_of_turn`` ends an answer; ``line_break`` pieces contain a newline; ``paragraph_break`` is what the vocabulary
    writes between two paragraphs (the first of two newlines, or both in one piece); ``sentence_end`` pieces end in a
    sentence's final mark (closing quotes allowed); ``heading`` pieces start a heading or a rule at the start of a line;
    ``word_start`` pieces begin another word or clause: without them a sentence can only finish its word and end.
    ``speech_stops`` pairs each comma that ends a speech (with its closing mark) with the full stop that might;
    ``speech_questions`` end a speech with another final mark; ``speech_starts`` begin with a quotation mark that opens
    one.
    """

    end_of_turn: frozenset[int]
    line_break: frozenset[int]
    paragraph_break: frozenset[int]
    sentence_end: frozenset[int]
    heading: frozenset[int]
    word_start: frozenset[int] = frozenset()
    speech_stops: frozenset[tuple[int, int]] = frozenset()
    speech_questions: frozenset[int] = frozenset()
    speech_starts: frozenset[int] = frozenset()


class DecodeAborted(Exception):
    """The decode was stopped by ``abort``; sequences hold what ``sequence_length`` says."""


class Sampler(ABC):
    """The sampler chain of one take, with its own random state and its memory of recent tokens."""

    @abstractmethod
    def prime(self, tokens: Sequence[int]) -> None:
        """Let penalties know the document's recent tokens, oldest first."""

    @abstractmethod
    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        """Choose a token from the logits of output ``row`` of the last decode, ``bias`` added (-inf forbids).

        The choice is not remembered before ``accept``; sampling the same row again with another bias is allowed.
        Raises InvalidRequest where every token is forbidden.
        """

    def vary(self, row: int, bias: Sequence[tuple[int, float]], avoided: AbstractSet[int], least: float) -> int | None:
        """Choose a token outside of ``avoided`` that the model gives at least the probability ``least``.

        The probability is that of the logits with ``bias``, before any stage of the chain. None where there is none;
        a sampler that does not choose by logits has none.
        """
        return None

    def leeway(self, row: int, token: int, without: AbstractSet[int]) -> float:
        """Return how likely the likeliest token outside of ``without`` is beside ``token``: its share of both.

        By the logits of ``row`` alone. A sampler that does not choose by logits knows of no other.
        """
        return 0.0

    @abstractmethod
    def prepare(self, bias: Sequence[tuple[int, float]]) -> None:
        """Make ready for the very object with which ``sample`` will be called next; needs no logits."""

    @abstractmethod
    def accept(self, token: int) -> None:
        """Remember a chosen token (penalties, grammar)."""

    @abstractmethod
    def rewind(self, tokens: Sequence[int]) -> None:
        """Forget everything and remember ``tokens`` instead (the take so far); the random state goes on."""

    @abstractmethod
    def close(self) -> None:
        """Free native memory."""


class Embedder(ABC):
    """Gives vectors of texts."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What tells its vectors from those of other models."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector of length 1 a text, of 0 for an empty one.

        Of a text that is longer than the model reads at once it is the mean of its parts' vectors by their lengths.
        """

    @abstractmethod
    def close(self) -> None:
        """Free it."""


class Engine(ABC):
    """A loaded model with token sequences. Sequence ids run from 0 to ``max_sequences`` - 1."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the model can do."""

    @property
    @abstractmethod
    def classes(self) -> TokenClasses:
        """Token ids to steer by."""

    @property
    @abstractmethod
    def max_sequences(self) -> int:
        """How many sequences may live at once."""

    @property
    @abstractmethod
    def max_batch(self) -> int:
        """How many tokens one ``decode`` takes at most."""

    @property
    @abstractmethod
    def state_identity(self) -> bytes:
        """32 bytes that are equal only for engines that can load each other's states."""

    @property
    @abstractmethod
    def prefill_rate(self) -> float:
        """How many tokens of prompts a second it computed lately, 0 before the first."""

    @abstractmethod
    def tokenize(self, text: str) -> list[int]:
        """Return the tokens of plain text, no special tokens parsed or added."""

    @abstractmethod
    def tokenize_prompt(self, prompt: Prompt, *, thinking: bool = False) -> list[int]:
        """Return the tokens of a prompt through the model's chat template, ready for the answer.

        Without ``thinking`` a model whose template begins its thoughts is past them.
        """

    @property
    def thinking_marks(self) -> ThinkingMarks | None:
        """What stands around the thoughts of this model by its template, None where that knows of none."""
        return None

    def tokenize_marks(self, text: str) -> list[int]:
        """Return the tokens of text that belongs to the template: control tokens in it are meant."""
        return self.tokenize(text)

    @abstractmethod
    def piece(self, token: int) -> bytes:
        """Return the bytes of a token (empty for control tokens); UTF-8 may be split between tokens."""

    @abstractmethod
    def decode(self, batch: Sequence[BatchToken]) -> list[int]:
        """Compute a batch and return, for each token with ``logits``, the row for ``Sampler.sample``.

        Raises DecodeAborted after ``abort``, ContextOverflow without room, InvalidRequest for a batch that would
        kill the process (too long, position gap, unknown token or sequence).
        """

    def decode_step(self, sequences: Sequence[int], tokens: Sequence[int]) -> list[int]:
        """Append one token to each sequence and return the rows of their logits, in this order.

        The same as ``decode`` with a batch of these tokens, and raises the same. An engine may be faster where it is
        called again with the same object ``sequences``, which therefore must not change.
        """
        return self.decode(
            [
                BatchToken(token, self.sequence_length(sequence), sequence, True)
                for sequence, token in zip(sequences, tokens, strict=True)
            ]
        )

    @abstractmethod
    def sequence_length(self, sequence: int) -> int:
        """Return how many tokens of the sequence are in the cache."""

    @abstractmethod
    def fork(self, source: int, target: int, length: int) -> None:
        """Make ``target`` share the first ``length`` tokens of ``source``."""

    @abstractmethod
    def rewind(self, sequence: int, length: int) -> bool:
        """Cut the sequence to ``length`` tokens; False where this model cannot and the sequence was cleared."""

    @abstractmethod
    def save(self, sequence: int) -> bytes | memoryview:
        """Return the state of a sequence."""

    @abstractmethod
    def load(self, sequence: int, state: bytes | memoryview) -> bool:
        """Restore a state; False where it is not whole or there is no room for it, with the sequence cleared.

        The bytes must be those that ``save`` gave to an engine of this ``state_identity``: whoever stored them
        answers for that (``state_files``).
        """

    @abstractmethod
    def sampler(self, params: SamplingParams, seed: int, constraint: Constraint | None = None) -> Sampler:
        """Make the sampler chain of one take. Raises InvalidRequest for a grammar that is invalid or unbounded."""

    def embedder(self) -> Embedder:
        """Open what gives vectors of texts by this model. Raises InvalidRequest where the engine has nothing such."""
        raise InvalidRequest(
            f"The model {self.capabilities.model_name} gives no vectors to find things by their meaning.",
            hint="Name an embedding model, a GGUF file, with --embeddings or in the settings, or do without.",
        )

    @abstractmethod
    def abort(self) -> None:
        """Stop the decode in progress, or the next one, soon. May be called from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Free the model."""
