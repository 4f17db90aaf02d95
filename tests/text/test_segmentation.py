# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.segmentation import SentenceScanner, Span, ends_sentence, paragraphs, sentence_ends, sentences

# Sentences are separated by "|" (and a space, unless "||").
CASES = [
    "He came.|She left!|Who?|Nobody…|Then silence.",
    "Mr. and Mrs. Hill met Dr. Brown.|They talked.",
    "J. R. R. Tolkien wrote it.|It was I.|He knew.",
    "He had tools, e.g. a saw, i.e. the best.|He used them.",
    "It cost 3.50 dollars.|No. 5 was free.|No.|I refuse.",
    'He said, "Come here."|She came.',
    '"Why?" he asked.|"Because."',
    "“Why?” he asked.|“Tell me!” she cried.|He did not.",
    "“Stop!”|She stopped.",
    "(He left early.)|Then it rained.",
    "Well... maybe not.|Well...|Maybe not.",
    "He waited… and waited.|He slept.",
    "See www.example.com for more.|Or ask.",
    "At 5 p.m. he ate.|At 6 p.m.|He slept.",
    "*He left.*|_She stayed._|**Both!**|End.",
    "He lived in the U.S. Army camp.|It was cold.",
    "«Bonjour. »|Il partit.",
    "„Komm!“|Er kam.",
    "यह है।|वह था।",
    "他说：“好。”||然后走了！||真的？||是。",
    "彼は「はい」と言った。||そして帰った。",
    "They left in Jan. 1901.|It was cold.",
    "Really?!|Yes!!|He wrote it by hand.",
    "He read “The End.” and left.|She did too.",
]


@pytest.mark.parametrize("case", CASES)
def test_sentences(case):
    expected = case.replace("||", "|").split("|")
    text = case.replace("||", "\0").replace("|", " ").replace("\0", "")
    assert [text[start:end] for start, end in sentences(text)] == expected
    assert ends_sentence(text)


def test_blocks_end_sentences_and_single_line_breaks_do_not():
    text = "# Mr. Hill\nHe came to\nthe sea. He\n\n- first. One\n- second\n1. third\n\n| a | b |\n| c | d |\nEnd."
    assert [text[start:end] for start, end in sentences(text)] == [
        "# Mr. Hill",
        "He came to\nthe sea.",
        "He",
        "- first.",
        "One",
        "- second",
        "1. third",
        "| a | b |",
        "| c | d |\nEnd.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "He came.",
        "He came.”",
        "Who?\n\n",
        "Good… ",
        "他走了。",
        "“Stop!”",
        "*So it was.*",
        "It was I.",
        "वह था।",
        "He left.)",
    ],
)
def test_text_ends_on_a_sentence(text):
    assert ends_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "He came",
        "He saw Mr.",
        "1.",
        "He came.\n\n2.",
        "# Why?",
        "He came, ",
        "By J.",
        "...",
        "He came.\n\nThen",
        "“",
    ],
)
def test_text_does_not_end_on_a_sentence(text):
    assert not ends_sentence(text)


def test_sentence_ends_are_complete_ones():
    text = "He came.\n\nA title\n\n“Why?” He left"
    assert [text[:end][-6:] for end in sentence_ends(text)] == [" came.", "“Why?”"]


def test_paragraphs():
    text = "\n# Head\nOne\ntwo.\n \nThree.\n## Sub\n\n\nFour."
    assert [text[start:end] for start, end in paragraphs(text)] == ["# Head", "One\ntwo.", "Three.", "## Sub", "Four."]
    assert paragraphs(" \n ") == []


ALPHABET = [*list("ab A.?!…\"”“') \n\n#-|1。好*"), "Mr", "I", "He", " the", ". ", '" ', "\n\n", "- ", "。", "1. "]
texts = st.lists(st.sampled_from(ALPHABET), max_size=40).map("".join)


@given(texts)
def test_sentences_hold_all_of_the_text(text):
    spans = sentences(text)
    assert_spans(text, spans)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@given(texts)
def test_paragraphs_hold_all_of_the_text(text):
    spans = paragraphs(text)
    assert_spans(text, spans)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


def assert_spans(text, spans):
    position = 0
    for start, end in spans:
        assert position <= start < end
        assert text[start:end].strip() == text[start:end]
        position = end


@given(texts, texts, st.data())
def test_scanner_does_not_depend_on_how_the_text_arrives(text, more, data):
    scanner, whole = SentenceScanner(), SentenceScanner()
    whole.feed(text + more)
    rest = text + more
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        scanner.feed(rest[:size])
        rest = rest[size:]
    assert scanner.boundaries == whole.boundaries
    assert scanner.tail == whole.tail


@given(texts, texts, st.integers(0, 50))
def test_scanner_after_a_rewind_is_that_of_the_shorter_text(text, more, characters):
    scanner, fresh = SentenceScanner(), SentenceScanner()
    scanner.feed(text)
    scanner.rewind(characters)
    kept = text[: max(0, len(text) - characters)]
    fresh.feed(kept)
    assert (scanner.boundaries, scanner.tail, scanner.length) == (fresh.boundaries, fresh.tail, len(kept))
    assert scanner.feed(more) == fresh.feed(more)
    assert scanner.boundaries == fresh.boundaries


@given(texts, texts)
def test_certain_boundaries_are_those_of_the_whole_text(text, more):
    scanner = SentenceScanner()
    scanner.feed(text)
    ends = [boundary.end for boundary in scanner.boundaries]
    assert [end for _, end in sentences(text + more)][: len(ends)] == ends


@given(texts)
def test_scanner_keeps_the_text_of_finished_sentences(text):
    scanner = SentenceScanner()
    found = scanner.feed(text)
    assert "".join(scanner.certain_text(number) for number in range(len(found))) + scanner.tail == text
    assert scanner.sentence_start == len(text) - len(scanner.tail)


def test_spans_are_offsets():
    assert sentences("  Go. Stop.") == [Span(2, 5), Span(6, 11)]
