# SPDX-License-Identifier: Apache-2.0
"""Summaries of sections: the requests for them, and what is accepted as an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.text.segmentation import sentences
from backends.types import GenerationRequest, RepetitionPolicy
from studio.prompt_templates import SummariseFields, render
from studio.sampling_presets import sampling_preset

MAX_SUMMARY_TOKENS = 120
SUMMARY_SAMPLING = "summary"

# A summary longer than this is a retelling; shorter than this it is a fragment.
MAX_SUMMARY_SENTENCES = 3
MIN_SUMMARY_WORDS = 4


def summary_request(noun: str, title: str, text: str, seed: int) -> GenerationRequest:
    """Return the request for the summary of one section, or of one piece of it."""
    return GenerationRequest(
        prompt=render(SummariseFields(noun, title, " ".join(text.split()))),
        sampling=sampling_preset(SUMMARY_SAMPLING),
        max_tokens=MAX_SUMMARY_TOKENS,
        repetition=RepetitionPolicy(),
        seed=seed,
    )


def pieces(text: str, max_tokens: int, count_tokens: Callable[[Sequence[str]], list[int]]) -> list[str]:
    """Split a section at sentence ends into pieces of at most ``max_tokens``, so that nothing of it goes unread.

    A single sentence that is longer stays whole.
    """
    parts = [text[span.start : span.end] for span in sentences(text)]
    result: list[str] = []
    size = 0
    for part, tokens in zip(parts, count_tokens(parts), strict=True):
        if result and size + tokens + 1 <= max_tokens:
            result[-1] += f" {part}"
            size += tokens + 1
        else:
            result.append(part)
            size = tokens
    return result


def accept_summary(answer: str, text: str) -> str:
    """Return what is usable of an answer: its whole sentences, at most three; else the first sentence of the text."""
    line = " ".join(answer.split())
    spans = sentences(line)[:MAX_SUMMARY_SENTENCES]
    whole = [line[span.start : span.end].strip() for span in spans]
    if whole and not whole[-1].endswith((".", "!", "?", '"', "\u201d", "\u3002")):
        whole.pop()
    summary = " ".join(whole)
    return summary if len(summary.split()) >= MIN_SUMMARY_WORDS else _first_sentence(text)


def _first_sentence(text: str) -> str:
    line = " ".join(text.split())
    spans = sentences(line)
    return line[spans[0].start : spans[0].end].strip() if spans else line
