# SPDX-License-Identifier: Apache-2.0
"""How the context of a model is shared between prompts and answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backends.types import Capabilities

# The answer gets about a third of the context: 700 of the starter model's 2,048 tokens, 1,300 for its prompt.
ANSWER_SHARE = 0.342
MAX_ANSWER_TOKENS = 4000
CONTEXT_RESERVE_TOKENS = 48
# A request for fewer tokens than these is not worth its prompt.
_LEAST_ANSWER_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Room:
    """How many tokens of a model's context prompts and answers may take."""

    prompt_tokens: int
    answer_tokens: int


def room_of(capabilities: Capabilities) -> Room:
    """Return how the context of a model is shared between prompt and answer."""
    context = capabilities.context_tokens
    answer = min(int(context * ANSWER_SHARE), MAX_ANSWER_TOKENS)
    return Room(context - answer - CONTEXT_RESERVE_TOKENS, answer)


def rooms_of(capabilities: Capabilities) -> Iterator[Room]:
    """Yield the usual share, then shares with shorter answers, for prompts that have to be longer than usual."""
    room = room_of(capabilities)
    yield room
    while (answer := room.answer_tokens // 2) >= _LEAST_ANSWER_TOKENS:
        room = Room(room.prompt_tokens + room.answer_tokens - answer, answer)
        yield room
