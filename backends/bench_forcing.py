# SPDX-License-Identifier: Apache-2.0
"""Forces a batch of sequences along the tokens that each of them wrote alone, and compares what the model wants next.

Written for ``longhand bench sequences``, which starts it as a process. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from backends.engine.base import BatchToken
from backends.engine.llamacpp import LlamaCppEngine
from backends.types import ModelSettings, SamplingParams


@dataclass(slots=True)
class Comparison:
    """Tokens compared, those whose most wanted token is equal, and the largest differences.

    ``largest_gap``: alone, between the token most wanted there and the one most wanted in the batch, where these
    differ; ``largest_change``: of any logit.
    """

    tokens: int = 0
    equal: int = 0
    largest_gap: float = 0.0
    largest_change: float = 0.0

    def add(self, alone: np.ndarray, together: np.ndarray) -> None:
        """Compare two rows of logits."""
        one, other = int(alone.argmax()), int(together.argmax())
        self.tokens += 1
        self.equal += one == other
        self.largest_gap = max(self.largest_gap, float(alone[one] - alone[other]))
        self.largest_change = max(self.largest_change, float(np.abs(alone - together).max()))


@dataclass(slots=True)
class _Text:
    """What a sequence wrote alone: its tokens after the prompt, and the logits from which each was chosen."""

    prompt: list[int]
    tokens: list[int] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)


def compare(engine: LlamaCppEngine, prompts: Sequence[list[int]], tokens: int) -> Comparison:
    """Write ``tokens`` tokens after each prompt alone, then force all along them in one batch a step."""
    texts = [_alone(engine, prompt, tokens, seed) for seed, prompt in enumerate(prompts)]
    comparison = Comparison()
    for sequence, text in enumerate(texts):
        comparison.add(text.rows[0], engine.row(_prefill(engine, text.prompt, sequence)))
    for step in range(tokens - 1):
        position = [len(text.prompt) + step for text in texts]
        batch = [BatchToken(text.tokens[step], position[n], n, True) for n, text in enumerate(texts)]
        for text, row in zip(texts, engine.decode(batch), strict=True):
            comparison.add(text.rows[step + 1], engine.row(row))
    return comparison


def _alone(engine: LlamaCppEngine, prompt: list[int], tokens: int, seed: int) -> _Text:
    """Write with some chance, so that the texts do not fall into loops."""
    text = _Text(prompt)
    sampler = engine.sampler(SamplingParams(), seed)
    row = _prefill(engine, prompt, 0)
    while True:
        text.rows.append(engine.row(row).copy())
        token = sampler.sample(row)
        sampler.accept(token)
        text.tokens.append(token)
        if len(text.tokens) == tokens:
            break
        row = engine.decode([BatchToken(token, len(prompt) + len(text.tokens) - 1, 0, True)])[0]
    sampler.close()
    engine.rewind(0, 0)
    return text


def _prefill(engine: LlamaCppEngine, prompt: list[int], sequence: int) -> int:
    last = len(prompt) - 1
    return engine.decode([BatchToken(token, at, sequence, at == last) for at, token in enumerate(prompt)])[0]


def main() -> None:
    """Run the comparison that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    for name in ("--requests", "--prompt", "--tokens"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args()
    shown = os.dup(1)
    os.dup2(2, 1)  # what a native library prints is no result
    engine = LlamaCppEngine(ModelSettings(given.model))
    chance = random.Random(0)
    prompts = [[chance.randrange(engine.vocabulary_size) for _ in range(given.prompt)] for _ in range(given.requests)]
    comparison = compare(engine, prompts, given.tokens)
    engine.close()
    os.write(shown, json.dumps(asdict(comparison)).encode())
    sys.stderr.flush()
    os._exit(0)  # as the worker does: destructors of a native library must not decide how this process ends


if __name__ == "__main__":
    main()
