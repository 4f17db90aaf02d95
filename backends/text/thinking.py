# SPDX-License-Identifier: Apache-2.0
"""The marks between which models write hidden reasoning before they answer. It is no part of the text."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThinkingMarks:
    """What stands before and after the thoughts of a model."""

    opening: str
    closing: str


USUAL = ThinkingMarks("<think>", "</think>")
MARKS = (
    USUAL,
    ThinkingMarks("<thinking>", "</thinking>"),
    ThinkingMarks("<thought>", "</thought>"),
    ThinkingMarks("<reasoning>", "</reasoning>"),
    ThinkingMarks("<seed:think>", "</seed:think>"),
    ThinkingMarks("[THINK]", "[/THINK]"),
    ThinkingMarks("<|START_THINKING|>", "<|END_THINKING|>"),
    ThinkingMarks("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
)
"""The marks of published models; the first ones are the most usual."""


def marks_in(template: str) -> ThinkingMarks | None:
    """Return the marks that a chat template names, None where it names none."""
    return next((marks for marks in MARKS if marks.opening in template or marks.closing in template), None)


class Verdict(enum.Enum):
    """What the beginning of an answer is."""

    UNKNOWN = "unknown"
    THINKING = "thinking"
    ANSWER = "answer"


def verdict(beginning: str, marks: Sequence[ThinkingMarks] = MARKS) -> Verdict:
    """Say whether a text that begins so is a thought, the answer, or may still become either."""
    text = beginning.lstrip()
    if any(text.startswith(each.opening) for each in marks):
        return Verdict.THINKING
    return Verdict.UNKNOWN if any(each.opening.startswith(text) for each in marks) else Verdict.ANSWER
