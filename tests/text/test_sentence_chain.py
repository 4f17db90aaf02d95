# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.sentence_chain import make_link, read_chain, sentence_lines


@given(st.lists(st.text(alphabet="Ab. \n\x1f\x1d\u2028!é", max_size=30), max_size=5))
def test_a_chain_reads_as_the_whole_text(parts):
    blobs, digest, expected = {}, "", []
    for part in parts:
        lines = sentence_lines(part)
        expected += [line for line in lines if line]
        digest, data = make_link(lines, digest)
        blobs[digest] = data
    assert [line for line in read_chain(digest, blobs) if line] == expected


def test_a_link_is_named_by_what_it_says_and_what_it_follows():
    assert make_link(["A."])[0] == make_link(["A."])[0]
    assert make_link(["A."], "x")[0] != make_link(["A."])[0]


def test_a_missing_link_and_a_ring_are_noticed():
    assert read_chain("", {}) == []
    with pytest.raises(KeyError, match="x"):
        read_chain("x", {})
    with pytest.raises(KeyError, match="x"):
        read_chain("x", {"x": b"\x1fx\nA."})
