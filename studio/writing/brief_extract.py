# SPDX-License-Identifier: Apache-2.0
"""What a model is shown of a brief that nearly fills its context: the beginning and the end.

What is wanted stands at the ends of a brief and material in its middle (a text to go on from, a list, an article). The
brief itself stays whole in the project, and the rules that read it for entries and demands read all of it. A brief that
is larger than the context is not shortened: writing with it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from backends.base import Backend
from backends.text.counting import count_words
from backends.text.segmentation import sentences
from studio.project.records import Brief

# The rest is for the instructions, the task and an answer.
BRIEF_SHARE = 0.55
_GAP = "\n[...]\n"
_GAP_TOKENS = 8
# Of a sentence of more than 80 code points a part may be shown.
_PART = re.compile(r".{1,80}(?:\s|\Z)|.{1,80}", re.DOTALL)

CountTokens = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class BriefExtract:
    """``text`` is what prompts show, ``left_out`` what of the brief they do not: nothing where it fits."""

    text: str
    left_out: str = ""

    @property
    def notice(self) -> str:
        """One sentence that says what the model does not see; empty where it sees all."""
        if not self.left_out:
            return ""
        return (
            "The brief is longer than this model's context has room for: its beginning and its end are shown to the "
            f"model, {count_words(self.left_out):,} words between them are not."
        )


def brief_extract(brief: str, context_tokens: int, count: CountTokens) -> BriefExtract:
    """Return what of a brief is shown to a model with so much context."""
    room = int(BRIEF_SHARE * context_tokens)
    # A byte is a token at most.
    if len(brief.encode()) <= room or not room < count((brief,))[0] <= context_tokens:
        return BriefExtract(brief)
    parts = _parts(brief)
    sizes = count(parts)
    half = (room - _GAP_TOKENS) // 2
    first = sum(size <= half for size in accumulate(sizes))
    last = len(parts) - sum(size <= half for size in accumulate(reversed(sizes)))
    head, left_out, tail = ("".join(each) for each in (parts[:first], parts[first:last], parts[last:]))
    return BriefExtract(head.rstrip() + _GAP + tail.lstrip(), left_out.strip())


def shown_brief(backend: Backend, brief: Brief) -> BriefExtract:
    """Return what the model of a backend is shown of a brief."""
    return brief_extract(brief.text, backend.capabilities.context_tokens, backend.count_tokens)


def _parts(text: str) -> list[str]:
    """Cut a text into its sentences with what follows each, long ones into several."""
    ends = [span.end for span in sentences(text)]
    starts = [0, *ends[:-1]]
    return [part for a, b in zip(starts, [*ends[:-1], len(text)], strict=True) for part in _PART.findall(text[a:b])]
