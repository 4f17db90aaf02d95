# SPDX-License-Identifier: Apache-2.0
"""What crosses the border between the studio and a backend: requests, events and capabilities.

Everything here is frozen and complete: what is not in a request does not influence the text. Text positions are
code points. Deltas minus rewinds are the text of a take.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Role(enum.StrEnum):
    """Who speaks in a chat message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as chat messages, or as raw text when ``messages`` is empty.

    ``stable_characters`` marks the end of the stable part inside the content of the last message (inside ``raw`` for
    raw prompts): everything before it is byte-identical from section to section. ``answer_start`` is text that the
    answer already begins with; it is in the prompt and not in the events.
    """

    messages: tuple[Message, ...] = ()
    raw: str = ""
    stable_characters: int = 0
    answer_start: str = ""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """The sampler chain, applied in this order: top_k, penalties, DRY, top_n_sigma, top_p, min_p, XTC, temperature.

    ``temperature`` 0 means greedy. ``last_n`` (tokens) bounds penalties and DRY. Neutral values switch a stage off.
    """

    temperature: float = 0.8
    top_k: int = 60
    top_p: float = 1.0
    min_p: float = 0.05
    top_n_sigma: float = 0.0
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 3
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    last_n: int = 512


LENGTH_AIM = 0.005
"""By which part of a target texts aim above it."""


class LengthUnit(enum.StrEnum):
    """What a length target counts."""

    WORDS = "words"
    CHARACTERS = "characters"
    SENTENCES = "sentences"
    PARAGRAPHS = "paragraphs"


class CountingProfile(enum.StrEnum):
    """Whose way of counting words: Longhand's own, which is LibreOffice's, or that of a benchmark."""

    LONGHAND = "longhand"
    LONGBENCH_WRITE = "longbench-write"
    LIFEBENCH = "lifebench"
    RULER = "ruler"
    SELF_LENGTHEN = "self-lengthen"
    SGT = "sgt"


class LengthBound(enum.StrEnum):
    """On which sides of a target a length may lie: on both, not below it, not above it."""

    NEAR = "near"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class LengthTarget:
    """How long the text of one request should become, and how far it may miss.

    ``target`` in ``unit`` as counted by ``backends.text.counting`` (words as ``profile`` counts them); ``tolerance`` is
    a fraction of the target, never less than one unit; with a bound on one side the text may use it on the other only.
    ``already`` is the length that the caller has of this text before the request (a section in several requests).
    """

    target: int
    unit: LengthUnit = LengthUnit.WORDS
    tolerance: float = 0.03
    already: int = 0
    bound: LengthBound = LengthBound.NEAR
    profile: CountingProfile = CountingProfile.LONGHAND

    @classmethod
    def between(
        cls,
        least: int,
        most: int,
        unit: LengthUnit = LengthUnit.WORDS,
        already: int = 0,
        profile: CountingProfile = CountingProfile.LONGHAND,
    ) -> LengthTarget:
        """Return the target of a text of ``least`` to ``most``. Raises ValueError where they contradict each other."""
        if not 0 < least <= most:
            raise ValueError(f"no length lies between {least:,} and {most:,}")
        return cls(most, unit, max(most - least, 0.5) / most, already, LengthBound.AT_MOST, profile)

    @property
    def slack(self) -> float:
        """How far a text may miss the target, in its unit: at least one."""
        return max(1.0, self.tolerance * self.target)

    @property
    def window(self) -> tuple[float, float]:
        """The shortest and the longest text that is accepted."""
        least = self.target if self.bound is LengthBound.AT_LEAST else self.target - self.slack
        most = self.target if self.bound is LengthBound.AT_MOST else self.target + self.slack
        return max(1.0, least), most

    @property
    def aim(self) -> float:
        """The best length: half a per cent over the target, since falling short costs 2.5 times as much as going over
        (LIFEBench, k1 = 5 and k2 = 2); with a bound on one side the middle of what is accepted."""
        least, most = self.window
        if self.bound is not LengthBound.NEAR:
            return (least + most) / 2
        return min(self.target * (1 + LENGTH_AIM), most)


@dataclass(frozen=True, slots=True)
class RepetitionPolicy:
    """What counts as a loop and what is done about it.

    ``sentence_words``: a sentence of at least so many words may not occur twice in the document;
    ``adjacent_words``: of at least so many directly after itself. ``max_retries`` rewinds at one place.
    ``known_sentences`` is the hash of a blob sent by ``put``: the sentences of the document so far, the last link of
    a chain (``backends.text.sentence_chain``).
    """

    sentence_words: int = 8
    adjacent_words: int = 4
    max_retries: int = 3
    known_sentences: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bounded grammar (GBNF) that the answer must follow."""

    grammar: str
    root: str = "root"


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Everything that one generation depends on. ``max_tokens`` bounds each take; ``priority`` 0 is the author's.

    ``thinking_tokens`` is what a model may think before it answers, besides ``max_tokens`` and never part of the text;
    requests with a constraint or with the start of an answer are answered without thinking.

    ``bans`` is the hash of a blob sent by ``put``: what may not be written (``backends.text.ban_list``).
    """

    prompt: Prompt
    sampling: SamplingParams = field(default_factory=SamplingParams)
    max_tokens: int = 700
    length: LengthTarget | None = None
    repetition: RepetitionPolicy | None = None
    constraint: Constraint | None = None
    stop: tuple[str, ...] = ()
    bans: str = ""
    takes: int = 1
    seed: int = 0
    priority: int = 0
    thinking_tokens: int = 0

    @property
    def may_think(self) -> bool:
        """Whether thoughts may come before the answer."""
        return self.constraint is None and not self.prompt.answer_start


class FinishReason(enum.StrEnum):
    """Why a take ended. A loop is never a reason; an error is an exception that carries the text kept."""

    LANDED = "landed"
    END_OF_TURN = "end_of_turn"
    STOPPED = "stopped"
    LIMIT = "limit"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and time of one take. ``cached_tokens`` are the part of ``prompt_tokens`` that needed no prefill;
    ``thinking_tokens`` were thought and are in no text."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    rewound_tokens: int = 0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    thinking_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Progress:
    """Prompt tokens processed so far."""

    request: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Delta:
    """New text of a take; ``tokens`` is how many tokens it came from."""

    request: int
    take: int
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Rewind:
    """The last ``characters`` code points of the take are taken back."""

    request: int
    take: int
    characters: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The first ``characters`` code points of the take will not be taken back any more."""

    request: int
    take: int
    characters: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A take ended; exactly one per take, and nothing of that take after it."""

    request: int
    take: int
    reason: FinishReason
    usage: Usage


Event = Progress | Delta | Rewind | Settled | Finished


OWN_EMBEDDINGS = "own"
"""As ``ModelSettings.embeddings``: the model that writes gives vectors too, the mean of its last layer's states."""


class CacheType(enum.StrEnum):
    """The numbers of a KV cache: two bytes each, or four."""

    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a loaded model and its backend can do.

    ``context_tokens`` is the context in use; the ``*_in_loop`` flags say what the backend honours token by token, the
    rest is done by ``studio.writing`` afterwards. ``endpoint`` is the address of a server, empty for a model in a
    worker; ``leaves_machine`` says that what is sent there leaves this machine. ``processor_features`` is what the
    engine's code was compiled for. ``embedding_model`` tells vectors of ``embed`` from those of other models, empty
    where there are none.
    """

    model_name: str
    architecture: str
    context_tokens: int
    trained_context_tokens: int
    device: str
    chat_template: bool
    can_rewind: bool
    length_in_loop: bool
    repetition_in_loop: bool
    constraint_in_loop: bool
    recurrent: bool = False
    sliding_window: int = 0
    can_shift: bool = True
    fill_in_middle: bool = False
    threads: int = 0
    gpu_layers: int = 0
    flash_attention: bool = False
    cache_type: CacheType = CacheType.F16
    prompt_version: int = 0
    endpoint: str = ""
    leaves_machine: bool = False
    processor_features: tuple[str, ...] = ()
    embedding_model: str = ""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How a model is opened. ``context_tokens`` 0 takes the model's own, capped at 8,192; ``threads`` 0 measures;
    ``gpu_layers`` -1 takes as many as fit. ``parallel`` is how many requests that do not begin alike will run at once.

    In ``states_folder``, if any, the worker keeps what it has read of a project's prompts; ``states_bytes`` is for all
    folders beside it together.

    ``embeddings`` is what gives vectors of texts: nothing, ``OWN_EMBEDDINGS``, or the path of another GGUF file, which
    is opened beside this one by whoever opens both (``backends.embedder``); such a file ``only_embeds``.
    """

    path: str
    context_tokens: int = 0
    threads: int = 0
    gpu_layers: int = -1
    device: str = ""
    states_folder: str = ""
    states_bytes: int = 0
    parallel: int = 1
    embeddings: str = ""
    only_embeds: bool = False
