# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.memory.notes import PASSAGE_WORDS, Copied, NoteUnreadable, copied, passages, read_note


@given(st.text(max_size=600))
def test_no_word_of_a_note_is_lost(text: str) -> None:
    parts = passages(text)
    together = "".join("".join(part.split()) for part in parts)
    assert together == "".join(text.split())
    assert all(part.strip() for part in parts)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=6))
def test_passages_are_a_few_sentences_long(sizes: list[int]) -> None:
    text = "\n\n".join(" ".join(f"Word{n} is here." for n in range(size)) for size in sizes)
    parts = passages(text)
    assert all(len(part.split()) <= PASSAGE_WORDS for part in parts)
    assert len(parts) <= 1 + 2 * sum(3 * size for size in sizes) / PASSAGE_WORDS + len(sizes)


def test_a_heading_stays_with_what_follows() -> None:
    long = " ".join(["word"] * PASSAGE_WORDS)
    assert passages(f"{long}\n\n# Tides\n\n{long}") == (long, f"# Tides\n{long}")


def test_a_word_without_end_is_divided() -> None:
    assert max(map(len, passages("x" * 100_000))) <= 1600


def test_an_unreadable_folder_or_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(NoteUnreadable, match="is a folder"):
        read_note(tmp_path / "folder.txt")
    (tmp_path / "cut.txt").write_bytes(b"\xff\xfea\0b")
    with pytest.raises(NoteUnreadable, match="UTF-16"):
        read_note(tmp_path / "cut.txt")
    with pytest.raises(OSError, match="No such file"):
        read_note(tmp_path / "none.md")


def test_copied_words_are_reported_once_and_whole() -> None:
    note = "The lighthouse was built in 1911 by the men of the northern village, who never slept."
    texts = [
        (4, "He said: “the lighthouse was built in 1911, by the men of the northern village!” And he left."),
        (5, "The lighthouse was built in\n\n1911 by the men of the northern shore."),
        (6, "The lighthouse was built in 1911 by hand."),
    ]
    assert copied(texts, [("tides.md", note)]) == (
        Copied(4, "tides.md", 13, "the lighthouse was built in 1911 by the men of the northern village"),
    )
    assert copied(texts, []) == ()
    assert copied([], [("tides.md", note)]) == ()
