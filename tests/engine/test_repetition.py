# SPDX-License-Identifier: Apache-2.0
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.repetition import Loop, RepetitionGuard
from backends.text import ngrams
from backends.text.segmentation import sentences
from backends.types import RepetitionPolicy
from tests.text.books import data_folder

PIECE = re.compile(r"\s?[^\W_]{1,6}|\s|[^\w\s]|_")


class Vocabulary:
    """Cuts text into pieces like tokens and numbers them."""

    def __init__(self):
        self.numbers = {}

    def tokens(self, text):
        return [(self.numbers.setdefault(piece, len(self.numbers)), piece) for piece in PIECE.findall(text)]


def first_loop(text, known=()):
    """Feed a text; return the first loop and the text up to it."""
    guard = RepetitionGuard(RepetitionPolicy(), known)
    so_far = ""
    for token, piece in Vocabulary().tokens(text):
        so_far += piece
        settled = guard.settled
        loop = guard.feed(token, piece)
        if loop is not None:
            assert settled <= loop.keep <= len(so_far)
            return loop, so_far
    return None, so_far


def loops(text, known=()):
    """Feed a whole text and return all loops with the offsets at which they were noticed."""
    guard = RepetitionGuard(RepetitionPolicy(), known)
    found, length = [], 0
    for token, piece in Vocabulary().tokens(text):
        length += len(piece)
        loop = guard.feed(token, piece)
        if loop is not None:
            found.append((length, loop))
    return found


def random_words(count, seed=0):
    choose = random.Random(seed)
    return ["".join(choose.choices("abcdefghijklmnop", k=choose.randint(2, 6))) for _ in range(count)]


PLAIN = "The keeper climbed the stairs before dawn. Nobody had lit the lamp for years. "
GOOD = "The sea lay grey under a low sky, and the wind had not yet decided what it wanted. "


@pytest.mark.parametrize("period", [1, 2, 3, 5, 8, 13, 24, 25, 50, 100, 199, 200])
def test_periods_are_stopped_within_fifty_tokens_or_two_periods(period):
    cycle = random_words(period, seed=period)
    cycle[0] = cycle[0].capitalize()
    guard = RepetitionGuard(RepetitionPolicy())
    start = 0
    for token, piece in Vocabulary().tokens(PLAIN):
        guard.feed(token, piece)
        start += len(piece)
    for written in range(10 * period + 60):
        loop = guard.feed(1000 + written % period, " " + cycle[written % period])
        if loop is not None:
            break
    assert loop is not None
    assert written + 1 <= max(50, 2 * period)
    assert start - 1 <= loop.keep <= start + 1 + sum(len(word) + 1 for word in cycle)


@pytest.mark.parametrize(
    "text",
    [
        "“No, no, no, no!” he cried. “No, no!” She laughed and laughed and laughed.",
        "Ha ha ha ha! Yes. Yes. Yes. Never, never, never, never, never.",
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 1 | 2 |\n| 1 | 3 |\n",
        "Pork ................ 2.10\n\nLard ................ 0.80\n\nHouse ............... 9.00\n",
        "He left.\n\n* * *\n\nHe came back.\n\n* * *\n\nHe left again, for good.\n\n----------------\n\nThe end.",
        "“I do not know what you mean,” he said.\n\n“I do not know what I mean myself,” she said.",
    ],
)
def test_what_people_write_is_left_alone(text):
    assert first_loop(text)[0] is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("She had a yellow yellow yellow", "She had a yellow"),
        ("He met Lighthouse lighthouse LIGHTHOUSE", "He met Lighthouse"),
        ("Say N N N N N", "Say N"),
    ],
)
def test_a_word_three_times_in_a_row_is_a_stutter(text, kept):
    loop, so_far = first_loop(PLAIN + text)
    assert loop == Loop(len(PLAIN + kept), "stutter")
    assert so_far == PLAIN + text


def test_a_sentence_said_before_is_taken_back():
    text = PLAIN + GOOD + "Something else happened in between. " + GOOD + "Then"
    loop, so_far = first_loop(text)
    assert loop is not None
    assert loop.kind == "sentence"
    assert so_far[: loop.keep] == (PLAIN + GOOD + "Something else happened in between.")


def test_sentences_are_compared_without_case_marks_and_spaces():
    other = "THE SEA lay grey under a low sky and the wind had not\nyet decided -- what it wanted!"
    loop, _ = first_loop(PLAIN + other + " Then", known=[GOOD.strip()])
    assert loop is not None
    assert loop.kind in ("sentence", "passage")


def test_a_sentence_of_the_document_before_is_known():
    loop, so_far = first_loop(PLAIN + GOOD + "Then", known=["He slept.", GOOD])
    assert loop == Loop(len(PLAIN) - 1, "sentence")
    assert so_far.startswith(PLAIN + GOOD)


def test_a_short_sentence_may_return_but_not_directly():
    text = "He was very tired. She went home. He was very tired. "
    assert first_loop(text + "Then")[0] is None
    loop, so_far = first_loop(text + "He was very tired. Then")
    assert loop is not None
    assert loop.kind == "adjacent"
    assert so_far[: loop.keep] == text.rstrip()


def test_a_cry_may_come_twice_but_not_three_times():
    cry = "“What can we do?” "
    assert first_loop(PLAIN + cry + cry + "He ran.")[0] is None
    loop, so_far = first_loop(PLAIN + cry + cry + cry + "He ran.")
    assert loop is not None
    assert loop.kind in ("adjacent", "period")
    assert so_far[: loop.keep].count("do?") == 2


def test_what_is_said_aloud_may_return_where_it_is_short():
    speech = "“Who has been sitting in my chair again?” "
    assert first_loop(speech + PLAIN + speech + "Then")[0] is None
    assert first_loop(speech.strip("“” ") + " " + PLAIN + speech.strip("“” ") + " Then")[0] is not None
    inside = "“Well. Who has been sitting in my chair again? It is broken.” "
    assert first_loop(inside + PLAIN + inside.replace("Well", "Oh") + "Then")[0] is None
    long = speech.replace("again?", "and has broken it all to pieces before I had my tea and toast?")
    loop, _ = first_loop(long + PLAIN + long + "Then")
    assert loop is not None
    assert loop.kind == "sentence"


def test_a_passage_is_known_before_it_is_whole():
    passage = "The man with the lamp came down to the old grey harbour"
    guard, vocabulary = RepetitionGuard(RepetitionPolicy()), Vocabulary()
    for token, piece in vocabulary.tokens(f"{passage} at dawn. He sang. {passage}"):
        assert guard.feed(token, piece) is None
    at, night = (vocabulary.tokens(piece)[0][0] for piece in (" at", " nigh"))
    assert guard.worn == {at}
    assert guard.passage(night) is None
    assert guard.passage(at) == Loop(len(f"{passage} at dawn. He sang."), "passage")


def test_two_short_sentences_may_not_return_as_a_pair():
    pair = '"Slowly," she told herself. "First the map, then the rest."'
    text = f"{PLAIN}{pair}\n\n{pair}\n\nThen she went."
    loop, _ = first_loop(text)
    assert loop is not None
    assert loop.kind == "adjacent"
    assert text[: loop.keep].count("First the map") == 1


def test_nearly_the_same_sentence_is_taken_back():
    near = "The sea lay grey under a low sky, and the wind had not yet decided what she wanted. "
    loop, so_far = first_loop(GOOD + PLAIN + near + "Then")
    assert loop is not None
    assert loop.kind == "near"
    assert so_far[: loop.keep] == (GOOD + PLAIN).rstrip()


def test_a_passage_inside_other_sentences_is_taken_back():
    passage = "walked down to the harbour with a lantern in one hand and the old map in the other"
    other = "In the grey morning after the storm Ann and her two brothers"
    text = f"At first Tom {passage}. Nobody saw him there. {other} {passage} and so they found it. Then"
    assert first_loop(text)[0] is None
    passage += " to look for the boat that she had left under the wall all winter"
    text = f"At first Tom {passage}. Nobody saw him there. {other} {passage} and so they found it. Then"
    loop, so_far = first_loop(text)
    assert loop is not None
    assert loop.kind == "passage"
    assert so_far[: loop.keep].endswith("Nobody saw him there.")


def test_a_paragraph_may_not_begin_like_one_just_before():
    text = "The old keeper looked out over the bay. Ann came in.\n\nThe old keeper looked out for her."
    loop, so_far = first_loop(text)
    assert loop is not None
    assert loop.kind == "opening"
    assert so_far[: loop.keep].endswith("Ann came in.")
    assert first_loop(text.replace("Ann came in.", "\n\nAnn came in."))[0] is None
    assert first_loop(text.replace("out for", "away from"))[0] is None


def test_a_paragraph_taken_back_does_not_repeat_itself():
    guard, pieces = RepetitionGuard(RepetitionPolicy()), Vocabulary().tokens("He left.\n\nThe old keeper looked out")
    for token, piece in pieces:
        assert guard.feed(token, piece) is None
    kept = next(number for number, (_, piece) in enumerate(pieces) if "old" in piece)
    guard.rewind(sum(len(piece) for _, piece in pieces[:kept]), kept)
    for token, piece in pieces[kept:]:
        assert guard.feed(token, piece) is None


def test_list_entries_and_speech_may_begin_alike():
    assert (
        first_loop("- The old keeper looked out.\n- The old keeper looked in.\n- The old keeper looked up.\n")[0]
        is None
    )


def test_too_many_repeated_grams_are_taken_back():
    other = random_words(4000)
    text = "".join(
        f"{' '.join(other[at : at + at % 7]).capitalize()} I am going to find out why {' '.join(other[-at - 9 : -at])}. "
        for at in range(10, 1500, 9)
    )
    loop, so_far = first_loop(text)
    assert loop is not None
    assert loop.kind == "window"
    assert so_far[: loop.keep].endswith(".")
    assert ngrams.seq_rep_n(ngrams.tokens(so_far[: loop.keep])) < 0.4


@pytest.mark.parametrize("start", ["It ended here", "It ended here.", "“It ended here.”"])
@pytest.mark.parametrize(("run", "kind"), [("\n" * 40, "blank"), ("\ufffd" * 10, "invalid"), (" \n" * 40, "blank")])
def test_runs_without_words_are_stopped(start, run, kind):
    guard, vocabulary = RepetitionGuard(RepetitionPolicy()), Vocabulary()
    for token, piece in vocabulary.tokens(start):
        guard.feed(token, piece)
    found = next(filter(None, (guard.feed(*vocabulary.tokens(character)[0]) for character in run)))
    assert found == Loop(len(start), kind)


def test_sentences_of_one_pattern_are_taken_back():
    text = "The tall keeper walked to the lamp and lit it with a sigh. A dog barked. "
    text += "The old sailor walked to the boat and lit it with a match. It was late. "
    assert first_loop(text + "The door fell shut behind them all. Then")[0] is None
    loop, so_far = first_loop(text + "The young clerk walked to the stove and lit it with a straw. Then")
    assert loop is not None
    assert loop.kind == "skeleton"
    assert so_far[: loop.keep].endswith("It was late.")


def test_a_list_of_one_pattern_ends():
    places = ["harbour", "mill", "market", "chapel", "bridge", "inn", "school", "quarry"]
    text = "These were the places.\n\n" + "".join(
        f"{number}. Go to the {place} and ask the woman there.\n" for number, place in enumerate(places, start=1)
    )
    loop, so_far = first_loop(text)
    assert loop is not None
    assert loop.kind == "template"
    assert so_far[: loop.keep].endswith("5. Go to the bridge and ask the woman there.")


def test_titles_may_return():
    title = "Where I Lived, and What I Lived For Then"
    assert first_loop(f"{title}\n\n{PLAIN}\n\nA.\n\nB.\n\n{title}\n\nIt was so.")[0] is None


def test_the_last_sentence_is_judged_at_the_end():
    guard = RepetitionGuard(RepetitionPolicy(), [GOOD])
    for token, piece in Vocabulary().tokens(PLAIN + GOOD.strip()):
        assert guard.feed(token, piece) is None
    assert guard.finish() == guard.finish() == Loop(len(PLAIN) - 1, "sentence")
    assert RepetitionGuard(RepetitionPolicy()).finish() is None


def test_runs_of_marks_are_stopped():
    guard = RepetitionGuard(RepetitionPolicy())
    marks = random.Random(1).choices("?!-*&", k=200)
    for token, piece in Vocabulary().tokens("It ended here."):
        guard.feed(token, piece)
    found = next(filter(None, (guard.feed(9000 + number, mark) for number, mark in enumerate(marks))))
    assert found.kind == "marks"
    assert found.keep in range(len("It ended here."), len("It ended here.") + 3)


def test_after_a_rewind_the_same_may_be_written_otherwise():
    vocabulary, guard = Vocabulary(), RepetitionGuard(RepetitionPolicy(), [GOOD])
    written = []
    for token, piece in vocabulary.tokens(PLAIN + GOOD + "Then"):
        written.append(piece)
        loop = guard.feed(token, piece)
        if loop:
            break
    assert loop is not None
    kept, tokens = 0, 0
    while kept + len(written[tokens]) <= loop.keep:
        kept += len(written[tokens])
        tokens += 1
    guard.rewind(kept, tokens)
    for token, piece in vocabulary.tokens(" It rained all day long on the empty beach. Then they went"):
        assert guard.feed(token, piece) is None
    assert guard.settled > loop.keep


PIECES = [
    "a",
    " bb",
    " c",
    ".",
    ". ",
    " The sea lay grey under the low sky today.",
    "\n\n",
    " and on",
    "!",
    " He",
    "\ufffd",
    "|",
]
streams = st.lists(st.integers(0, len(PIECES) - 1), max_size=60)


@given(streams, streams, st.integers(0, 60))
def test_rewinding_is_as_if_the_tokens_had_never_come(before, after, kept):
    guard, fresh = RepetitionGuard(RepetitionPolicy()), RepetitionGuard(RepetitionPolicy())
    for token in before:
        guard.feed(token, PIECES[token])
    kept = min(kept, len(before))
    guard.rewind(sum(len(PIECES[token]) for token in before[:kept]), kept)
    for token in before[:kept]:
        fresh.feed(token, PIECES[token])
    quiet = ("blank", "marks", "invalid")
    for token in after:
        found, expected = guard.feed(token, PIECES[token]), fresh.feed(token, PIECES[token])
        kinds = [loop.kind if loop else "" for loop in (found, expected)]
        assert kinds[0] == kinds[1] or kinds[1] in quiet


@given(streams)
def test_no_loop_reaches_behind_settled_text(stream):
    guard = RepetitionGuard(RepetitionPolicy())
    length = settled = 0
    for token in stream:
        length += len(PIECES[token])
        loop = guard.feed(token, PIECES[token])
        assert settled <= guard.settled <= length
        if loop:
            assert settled <= loop.keep <= length
        settled = guard.settled


def unwrapped(text):
    """Join the short lines of a book into paragraphs, as models write them."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))


@pytest.mark.slow
def test_human_books_are_left_alone():
    windows, hit = 0, set()
    for book in sorted(data_folder("books").glob("*.txt")):
        text = unwrapped(book.read_text(encoding="utf-8"))
        tokens_before = len(ngrams.tokens(text)) // ngrams.WINDOW
        windows += tokens_before
        for position, _ in loops(text):
            hit.add((book.name, len(ngrams.tokens(text[:position])) // ngrams.WINDOW))
    assert len(hit) / windows <= 0.015


@pytest.mark.slow
def test_real_loops_are_noticed_early():
    hot = noticed = 0
    baseline = data_folder("machine_baseline") / "hellobench_suri_7b_atleast4k.jsonl"
    for line in baseline.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["response"]
        starts = [match.start() for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]", text)]
        for first in range(0, max(1, len(starts) - ngrams.WINDOW + 1), ngrams.WINDOW):
            window = starts[first : first + ngrams.WINDOW]
            content = text[window[0] : window[-1]]
            if ngrams.seq_rep_n(ngrams.tokens(content)) > ngrams.LOOP:
                hot += 1
                noticed += first_loop(text[window[0] : window[len(window) // 2]])[0] is not None
    assert hot > 40
    assert noticed / hot >= 0.95


def test_known_sentences_of_a_whole_document_are_taken():
    text = " ".join(f"{' '.join(random_words(12, seed)).capitalize()}!" for seed in range(500))
    known = [text[start:end] for start, end in sentences(text)]
    assert len(known) == 500
    assert first_loop(f"It began. {known[123]} Then", known=known)[0] == Loop(9, "sentence")
