# SPDX-License-Identifier: Apache-2.0
"""What every engine takes at most, and the checks that stand in front of it: after them an engine only computes.

llama.cpp aborts the process for most of what is refused here.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.engine.base import BatchToken, Engine
from backends.errors import ContextOverflow, InvalidRequest

MAX_SEQUENCES = 16
MAX_BATCH = 2048
MAX_OUTPUTS = 64
MAX_AUTOMATIC_CONTEXT = 8192
LEAST_CONTEXT = 512


def check_batch(
    engine: Engine, batch: Sequence[BatchToken], vocabulary_size: int, outputs: int = MAX_OUTPUTS
) -> dict[int, int]:
    """Return how many tokens each sequence of a batch will hold after it.

    Raises InvalidRequest where a batch makes no sense, ContextOverflow where a sequence would not fit.
    """
    if not 0 < len(batch) <= engine.max_batch:
        raise InvalidRequest(f"A batch has 1 to {engine.max_batch} tokens, not {len(batch)}.")
    if sum(item.logits for item in batch) > outputs:
        raise InvalidRequest(f"At most {outputs} tokens of a batch can have logits.")
    context, ends = engine.capabilities.context_tokens, {}
    for item in batch:
        sequence = item.sequence
        position = ends[sequence] if sequence in ends else engine.sequence_length(sequence)
        if item.position != position or not 0 <= item.token < vocabulary_size:
            raise InvalidRequest(f"Token {item.token} at {item.position} cannot follow {position} tokens.")
        if position >= context:
            raise ContextOverflow(f"The context of {context} tokens is full.")
        ends[sequence] = position + 1
    return ends


def check_fork(engine: Engine, source: int, target: int, length: int) -> None:
    """Raise InvalidRequest where ``target`` cannot share the first ``length`` tokens of ``source``."""
    held = engine.sequence_length(source)
    engine.sequence_length(target)
    if source == target or not 0 <= length <= held:
        raise InvalidRequest(f"Sequence {source} cannot be forked at {length} into {target}.")


def check_cut(engine: Engine, sequence: int, length: int) -> None:
    """Raise InvalidRequest where a sequence cannot be cut to ``length`` tokens."""
    if not 0 <= length <= engine.sequence_length(sequence):
        raise InvalidRequest(f"Sequence {sequence} cannot be cut to {length} tokens.")
