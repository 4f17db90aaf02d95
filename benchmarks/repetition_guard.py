# SPDX-License-Identifier: Apache-2.0
"""The loop detector: false alarms on human books, detection of real and scripted loops, time per token; bans too.

Texts are streamed whole, in pieces of up to six letters, and what is found is not taken back; so a false alarm in
a book may rest on anything that stands in the same book before it.

The thresholds were made from the books of ``--data`` and from every second book of the folder ``--held-out``, in the
order of names. Of that folder every twelfth is read here, none of those; the first 60,000 words of each.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from backends.engine.bans import BanRules, BanWatch
from backends.engine.repetition import RepetitionGuard
from backends.text import ngrams
from backends.text.ban_list import BanList
from backends.text.segmentation import sentences
from backends.types import RepetitionPolicy
from studio.bench.report import Row, print_rows

Piece = tuple[int, str]
HELD_OUT_EVERY, HELD_OUT_WORDS = 12, 60_000
RUNS = 5
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
HELD_OUT = DATA.parent / "corpus" / "books"
_PIECE = re.compile(r"\s?[^\W_]{1,6}|\s|[^\w\s]|_")
_NGRAM_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]")
_numbers: dict[str, int] = {}


def pieces(text: str) -> Iterator[Piece]:
    """Cut a text into numbered pieces about as long as tokens."""
    for piece in _PIECE.findall(text):
        yield _numbers.setdefault(piece, len(_numbers)), piece


def alarms(text: str) -> list[int]:
    """Return the offsets at which the guard would have taken text back."""
    guard, length, found = RepetitionGuard(RepetitionPolicy()), 0, []
    for token, piece in pieces(text):
        length += len(piece)
        if guard.feed(token, piece):
            found.append(length)
    return found


def books(folder: Path) -> list[str]:
    """Return the human books with their short lines joined into paragraphs."""
    return [_joined(path.read_text(encoding="utf-8")) for path in sorted((folder / "books").glob("*.txt"))]


def held_out(folder: Path) -> list[str]:
    """Return the beginnings of books that no threshold was made from."""
    texts = [_joined(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.txt"))[::HELD_OUT_EVERY]]
    return [_beginning(text) for text in texts]


def _joined(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text))


def _beginning(text: str) -> str:
    ends = [match.end() for match in re.finditer(r"\S+", text)][:HELD_OUT_WORDS]
    return text[: ends[-1]] if ends else ""


def human_row(texts: list[str], which: str) -> Row:
    """Return the share of windows of 1,000 n-gram tokens in which the guard raises an alarm."""
    windows, hit = 0, 0
    for text in texts:
        starts = [match.start() for match in _NGRAM_TOKEN.finditer(text)]
        windows += len(starts) // ngrams.WINDOW
        hit += len({sum(start < position for start in starts) // ngrams.WINDOW for position in alarms(text)})
    share = 100 * hit / windows
    name = f"human windows with an alarm, {len(texts)} {which} ({hit} of {windows})"
    return Row(name, round(share, 2), "%", "<= 1.5", share <= 1.5)


def machine_row(folder: Path) -> Row:
    """Return the share of looping windows of a real model in whose first half the guard raises an alarm."""
    hot = noticed = 0
    lines = (folder / "machine_baseline" / "hellobench_suri_7b_atleast4k.jsonl").read_text(encoding="utf-8")
    for line in lines.splitlines():
        text = json.loads(line)["response"]
        starts = [match.start() for match in _NGRAM_TOKEN.finditer(text)]
        for first in range(0, max(1, len(starts) - ngrams.WINDOW + 1), ngrams.WINDOW):
            window = starts[first : first + ngrams.WINDOW]
            if ngrams.seq_rep_n(ngrams.tokens(text[window[0] : window[-1]])) > ngrams.LOOP:
                hot += 1
                noticed += bool(alarms(text[window[0] : window[len(window) // 2]]))
    share = 100 * noticed / hot
    name = f"suri-7b windows above .30 noticed before their middle ({noticed} of {hot})"
    return Row(name, round(share, 1), "%", ">= 95", share >= 95)


def scripted_row() -> Row:
    """Return the worst excess over 50 tokens or two periods before a scripted loop is stopped, periods 1-200."""
    worst = -200
    for period in range(1, 201):
        choose = random.Random(period)
        cycle = ["".join(choose.choices("abcdefghijkl", k=5)) for _ in range(period)]
        guard, written = RepetitionGuard(RepetitionPolicy()), 0
        while guard.feed(written % period, " " + cycle[written % period]) is None and written < 2_000:
            written += 1
        worst = max(worst, written + 1 - max(50, 2 * period))
    return Row("scripted loops: tokens beyond 50 or two periods, worst", worst, "tokens", "<= 0", worst <= 0)


def speed_rows(texts: list[str]) -> list[Row]:
    """Return the guard's time per token with different amounts of known text (words), medians of five runs.

    That is all that it does for a token: naming the words to leave out, and judging the one that came.
    """
    known = [texts[3][start:end] for start, end in sentences(texts[3])]
    stream = list(pieces(texts[0][:300_000]))
    rows = []
    for words in (1_000, 100_000):
        count = 0
        while sum(len(sentence.split()) for sentence in known[:count]) < words:
            count += 50
        runs = [_run(stream, known[:count]) for _ in range(RUNS)]
        learning, each = (statistics.median(times) for times in zip(*runs, strict=True))
        rows.append(Row(f"processor time per token, {words:,} words known", round(each, 2), "us", "<= 10", each <= 10))
        rows.append(Row(f"learning {words:,} words", round(learning, 1), "ms"))
    return rows


def _run(stream: list[tuple[int, str]], known: list[str]) -> tuple[float, float]:
    """Return what learning the sentences took (ms) and each token of the stream (us)."""
    began = time.process_time()
    guard = RepetitionGuard(RepetitionPolicy(), known)
    built = time.process_time()
    for token, piece in stream:
        _ = guard.worn
        guard.feed(token, piece)
    return 1e3 * (built - began), 1e6 * (time.process_time() - built) / len(stream)


def ban_row(texts: list[str]) -> Row:
    """Return the time per token of 1,000 bans: phrases that nearly occur, whole words, and three patterns."""
    choose = random.Random(1)
    words = sorted(set(texts[1].split()))
    phrases = [" ".join(choose.sample(words, 3)) for _ in range(600)]
    phrases += [" ".join(pair) for pair in zip(texts[2].split()[:297], texts[2].split()[1:298], strict=True)]
    patterns = (r"not (?:just|only|merely) [^.!?]{1,60}, but", r"a testament to", r"\bdelv(?:e|ed|ing)\b")
    watch = BanWatch(BanRules(BanList(tuple(phrases), tuple(words[1000:1100]), patterns)))
    stream = list(pieces(texts[0][:200_000]))
    began = time.process_time()
    for _, piece in stream:
        watch.feed(piece)
    each = 1e6 * (time.process_time() - began) / len(stream)
    return Row("processor time per token, 1,000 bans", round(each, 2), "us", "<= 20", each <= 20)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of test data")
    parser.add_argument("--held-out", type=Path, default=HELD_OUT, help="a folder of other books, a text file each")
    parser.add_argument("--only-held-out", action="store_true", help="measure nothing but those")
    given = parser.parse_args()
    others = held_out(given.held_out) if given.held_out.is_dir() else []
    rows = [human_row(others, "held-out books")] if others else []
    if not given.only_held_out:
        texts = books(given.data)
        rows = [human_row(texts, "books that made the thresholds"), *rows, machine_row(given.data), scripted_row()]
        rows += [*speed_rows(texts), ban_row(texts)]
    print_rows(rows)


if __name__ == "__main__":
    main()
