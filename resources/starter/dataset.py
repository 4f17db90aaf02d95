# SPDX-License-Identifier: Apache-2.0
"""The training set on disk: the token ids of all examples in one array, and where examples and answers begin."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from resources.starter.books import book_examples, read_book
from resources.starter.examples import Example, chat_text, world_examples
from resources.starter.tokenizer import END_OF_TEXT, train_tokenizer

MAX_TOKENS = 2000
MAX_ANSWER_TOKENS = 700
_BOOK_CHARACTERS = 100_000
_TOKENIZER_WORLDS = 900


def generated(seed: int, worlds: int, held_out: bool = False, wide: bool = False) -> Iterator[Example]:
    """Yield the examples of so many worlds; the same seed gives the same examples."""
    rng = random.Random(seed)
    for _ in range(worlds):
        yield from world_examples(rng, held_out, wide)


def from_books(corpus: Path, seed: int, count: int) -> list[Example]:
    """Return up to ``count`` examples from all books of a corpus folder, in random order."""
    rng = random.Random(seed)
    paths = sorted(corpus.rglob("*.txt"))
    examples = [example for path in paths for example in book_examples(path, rng)]
    rng.shuffle(examples)
    return examples[:count]


def make_tokenizer(corpus: Path | None, path: Path) -> Tokenizer:
    """Train the tokenizer on examples and on the beginnings of the books."""
    texts = [chat_text(item.fields) + item.answer for item in generated(1, _TOKENIZER_WORLDS)]
    books = sorted(corpus.rglob("*.txt"))[::2] if corpus else []
    texts.extend("\n\n".join(read_book(book))[:_BOOK_CHARACTERS] for book in books)
    return train_tokenizer(texts, path)


def encode(example: Example, tokenizer: Tokenizer) -> tuple[list[int], int]:
    """Return the token ids of an example and the position of the first answer token."""
    prompt = tokenizer.encode(chat_text(example.fields)).ids
    answer = tokenizer.encode(f"{example.answer}<|im_end|>").ids
    return [*prompt, *answer, END_OF_TEXT], len(prompt)


def build(examples: Iterator[Example], tokenizer: Tokenizer, path: Path) -> dict[str, int]:
    """Encode examples, drop those that do not fit the context, and save them; returns tokens per task."""
    tokens, starts, answers, tasks = [], [0], [], []
    totals: dict[str, int] = {}
    while batch := list(islice(examples, 5000)):
        prompts = tokenizer.encode_batch([chat_text(item.fields) for item in batch])
        texts = tokenizer.encode_batch([f"{item.answer}<|im_end|>" for item in batch])
        for item, prompt, answer in zip(batch, prompts, texts, strict=True):
            length = len(prompt.ids) + len(answer.ids) + 1
            if length > MAX_TOKENS or len(answer.ids) > MAX_ANSWER_TOKENS:
                continue
            tokens.append(np.array([*prompt.ids, *answer.ids, END_OF_TEXT], np.uint16))
            starts.append(starts[-1] + length)
            answers.append(len(prompt.ids))
            tasks.append(item.task)
            totals[item.task] = totals.get(item.task, 0) + length
    np.savez(path, tokens=np.concatenate(tokens), starts=starts, answers=answers, tasks=tasks)
    return totals
