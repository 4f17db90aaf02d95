# SPDX-License-Identifier: Apache-2.0
"""The length control alone: how near human prose lands on a target when nothing steers it, and what that costs.

The text is that of books from a random sentence on, in pieces of up to six letters; the sampler's steering, which
brings a model nearer still, is not simulated.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from backends.engine.document_memory import DocumentMemory, KnownText
from backends.engine.echoes import Echoes
from backends.engine.length import LengthController, Phase
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence, sentences
from backends.types import LengthTarget
from benchmarks.repetition_guard import DATA, books, pieces
from studio.bench.report import Row, print_rows

_RUNS = 200


def land(text: str, target: int) -> tuple[str, str]:
    """Return the text kept and the text taken back."""
    controller, length = LengthController(LengthTarget(target)), 0
    for _, piece in pieces(text):
        controller.feed(piece)
        length += len(piece)
        landing = controller.verdict()
        if landing is not None:
            return text[: length - landing.cut], text[length - landing.cut : length]
    raise ValueError(f"a text of {count_words(text)} words did not land on {target}")


def landing_rows(texts: list[str], starts: list[list[int]], low: int, high: int) -> list[Row]:
    """Return errors, words taken back and unfinished ends for targets between ``low`` and ``high`` words."""
    errors, back, kept_words, unfinished = [], 0, 0, 0
    for seed in range(_RUNS):
        choose = random.Random(seed)
        book = choose.randrange(len(texts))
        start = choose.choice(starts[book][:-1_500])
        target = choose.randint(low, high)
        kept, taken = land(texts[book][start : start + 20 * high + 8_000], target)
        errors.append(100 * abs(count_words(kept) - target) / target)
        kept_words += count_words(kept)
        back += count_words(taken)
        unfinished += not ends_sentence(kept)
    errors.sort()
    late = errors[int(0.95 * _RUNS) - 1]
    share = 100 * back / kept_words
    name = f"{low:,} words" if low == high else f"{low:,}-{high:,} words"
    return [
        Row(f"{name}: median error", round(errors[_RUNS // 2], 2), "%"),
        Row(f"{name}: 95th percentile of the error", round(late, 2), "%"),
        Row(f"{name}: words taken back", round(share, 2), "%", "<= 5", share <= 5),
        Row(f"{name}: unfinished ends", unfinished, "texts", "0", unfinished == 0),
    ]


def control(pieces_of_text: Sequence[str], target: int, known: KnownText) -> int:
    """Do for each token what a take does for its length, until it lands; return the number of tokens."""
    controller, echoes = LengthController(LengthTarget(target)), Echoes(known)
    for number, piece in enumerate(pieces_of_text, start=1):
        controller.feed(piece)
        landed = controller.verdict() is not None or controller.premature >= 0
        echoes.echoes(*controller.sentence)
        if controller.phase in (Phase.STEER, Phase.CLOSE):
            landed = landed or (controller.excess > 1 and controller.has_landing)
        if landed:
            return number
    return len(pieces_of_text)


def speed_rows(text: str) -> Iterator[Row]:
    """Yield the processor time per token, from the first to the last one of texts behind 20,000 words of a document."""
    said = [text[start:end].strip() for start, end in sentences(text[:120_000])]
    known = KnownText(DocumentMemory(said), len(said))
    stream = [piece for _, piece in pieces(text[120_000:420_000])]
    for words, runs in ((20, 400), (300, 60), (3_000, 5), (1_000_000, 1)):
        Echoes(known)  # reads the document, which is not done for each token
        times = []
        for _ in range(5):
            began = time.process_time()
            tokens = sum(control(stream, words, known) for _ in range(runs))
            times.append(1e6 * (time.process_time() - began) / tokens)
        each = round(statistics.median(times), 2)
        name = f"texts of {words:,} words" if runs > 1 else f"a text of {count_words(text[120_000:420_000]):,} words"
        yield Row(f"processor time per token, {name}", each, "us", "<= 20", each <= 20)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of test data")
    texts = books(parser.parse_args().data)
    starts = [[start for start, _ in sentences(text)] for text in texts]
    rows: list[Row] = []
    for low, high in ((300, 300), (300, 1_000), (1_000, 1_000), (3_000, 3_000)):
        rows += landing_rows(texts, starts, low, high)
    print_rows([*rows, *speed_rows(texts[0])])


if __name__ == "__main__":
    main()
