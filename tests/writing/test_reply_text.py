# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.planning.budget import section_goal
from studio.writing.reply_ending import CLOSING_TRIES, kept_of_reply
from studio.writing.reply_text import Removed, ReplyText, Shown, farewell_size

PROSE = "The keeper went down to the harbour. He saw no ship.\n\nLater the wind rose."
KNOWN = ["Anna lit the lamp before dark.", "The sea lay still below the old tower."]


def read(pieces: Sequence[str], known: Sequence[str] = ()) -> tuple[str, str]:
    """What is shown and what is removed of a reply."""
    reply = ReplyText(known)
    parts = [part for piece in pieces for part in reply.feed(piece)]
    parts += reply.finish()
    shown = "".join(part.text for part in parts if isinstance(part, Shown))
    return shown, "".join(part.text for part in parts if isinstance(part, Removed))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\n\n ",
        "Sure! Here is the next part of the story:\n\n",
        "Sure, here's the continuation:\n",
        "Certainly! Below is the section.\n\n",
        "Of course!\n\n",
        "Here is the next section of the report, as asked:\n\n",
        "Here is the chapter: ",
        "I will continue the story from there:\n\n",
        "## The Harbour\n\n",
        "**Chapter 3: The Harbour**\n\n",
        "The Harbour\n\n",
        "Sure! Here is the section.\n\n---\n\n# The Harbour\n\n",
        "```\n",
        "<think>They want a story.\n\nSure: a harbour.</think>\n\n",
        "The sea lay still below the old tower. ",
        "Anna lit the lamp before dark. The sea lay still below the old tower.\n\n",
        "below the old tower. ",
        "Sure! Here is the next part:\n\nThe sea lay still below the old tower. ",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_stands_before_the_text_is_removed(before: str, size: int) -> None:
    reply = before + PROSE
    pieces = ["".join(piece) for piece in itertools.zip_longest(*[iter(reply)] * size, fillvalue="")]
    shown, removed = read(pieces, KNOWN)
    assert shown == PROSE
    assert removed.split() == before.split()


@pytest.mark.parametrize(
    "text",
    [
        "Sure, he thought, and went on. The part was over.",
        "Of course the ship was late. Nobody had expected it to be on time.",
        "I have never seen that part of the coast again.\n\nIt is gone.",
        "Here is where the road ends. We went on.",
        '"Where is it?"\n\n"Gone," she said.',
        "He ran; she stayed.\n\nIt was so.",
        "Let me tell you how it was. It was cold.",
        "Okay was all he said. He left.",
    ],
)
def test_prose_that_begins_like_a_courtesy_stays(text: str) -> None:
    assert read([text]) == (text, "")


def test_headings_and_fences_inside_are_removed_and_paragraphs_stay_apart() -> None:
    reply = f"{PROSE}\n\n## Part two\n\n**Dawn**\n\nIt was *very* late. Peter slept.\n```\n"
    assert read([reply])[0] == f"{PROSE}\n\nIt was *very* late. Peter slept.\n"


@pytest.mark.parametrize(
    "farewell",
    ["Let me know if you'd like me to continue!", "(Word count: 512)", "[To be continued]", "I hope you like it."],
)
def test_a_farewell_is_found(farewell: str) -> None:
    assert farewell_size(f"{PROSE}\n\n{farewell}") == len(farewell)
    assert farewell_size(f"{PROSE}\n\nThe end was near. He knew.") == 0
    assert farewell_size(farewell) == 0


@given(pieces=st.lists(st.text(alphabet="aS. \n#*`-!:<think>é界", max_size=12), max_size=12))
def test_nothing_of_a_reply_is_lost_but_blank_lines(pieces: list[str]) -> None:
    reply = ReplyText(KNOWN)
    parts = [part for piece in pieces for part in reply.feed(piece)] + list(reply.finish())
    assert "".join("".join(part.text for part in parts).split()) == "".join("".join(pieces).split())


def words(text: str) -> int:
    return len(text.split())


def test_a_reply_is_cut_where_the_section_reaches_its_goal() -> None:
    goal = section_goal(300)
    before = "One two three four. " * 60
    sentence = "Some five words are here. "
    kept = kept_of_reply(before, sentence * 40, goal, 0, words)
    assert goal.holds(words(before + kept))
    assert kept_of_reply(before, sentence * 5, goal, 0, words) == (sentence * 5).strip()


def test_an_end_that_misses_the_goal_is_asked_for_again_and_the_best_stands_at_last() -> None:
    goal = section_goal(300)
    before, long = "One two three four. " * 72, "Word " * 60 + "end."
    assert kept_of_reply(before, long, goal, 0, words) == ""
    assert kept_of_reply(before, f"Six more words to be had. {long}", goal, 0, words).startswith("Six")
    assert kept_of_reply(before, long, goal, CLOSING_TRIES, words) == ""
    assert (
        kept_of_reply("One two three four. " * 40, long * 1 + " " + long, goal, CLOSING_TRIES, words)
        == f"{long} {long}"
    )


@given(
    before=st.integers(0, 330),
    lengths=st.lists(st.integers(1, 60), max_size=12),
    tries=st.integers(0, CLOSING_TRIES + 2),
)
def test_cutting_never_takes_more_than_it_must(before: int, lengths: list[int], tries: int) -> None:
    goal = section_goal(300)
    head = "Word. " * before
    reply = " ".join("x " * (length - 1) + "End." for length in lengths)
    kept = kept_of_reply(head, reply, goal, tries, words)
    assert reply.startswith(kept)
    if words(head + reply) <= goal.most:
        assert kept == reply
