# SPDX-License-Identifier: Apache-2.0
"""AgentWrite (LongWriter, arXiv 2408.07055, part 2): a plan of paragraphs, then each with everything written so far.

The control flow is the published one: every line of the plan that is not empty is a step, more than 50 steps are given
up, no word count is checked, and nothing is left out of a prompt. The prompts have the published parts in our words.
Where the published program writes an error into the text, the item is reported as not written.
"""

from __future__ import annotations

import re

from backends.base import Backend
from backends.errors import ContextOverflow
from backends.text.counting import count_words
from backends.types import CountingProfile
from studio.bench.items import Item
from studio.bench.strategies import LEAST_ANSWER_TOKENS, PARAGRAPH, DoesNotFit, Written, ask, seed_of

MOST_STEPS = 50
_TOKENS_PER_WORD = 1.5
_WORD_COUNT = re.compile(r"Word Count:\D*(\d[\d,]*)", re.IGNORECASE)

_PLAN = """\
Break the long writing task below down into subtasks. Each subtask guides the writing of one paragraph of the text and \
names the main point of that paragraph and how many words it must have.

The writing task:

{task}

Give one subtask a line, in this form:

Paragraph 1 - Main Point: [what the paragraph says, in detail] - Word Count: [for example 400 words]

Paragraph 2 - Main Point: [what the paragraph says, in detail] - Word Count: [for example 1000 words]

...

Each subtask must be clear and specific, and together they must cover the whole task. Do not split it too finely: no \
paragraph has fewer than 200 or more than 1000 words. Write nothing else."""

_WRITE = """\
You are an excellent writer. Below are a writing task, the plan for it and the text written so far. Go on with the \
next paragraph, following the task, the plan and the text.

Writing task:

{task}

Plan:

{plan}

Text so far:

{text}

Now write {step} A short subtitle may come first. Write only this paragraph and repeat nothing that is already \
written. The work goes on after it, so do not conclude and leave no open question at the end."""


def write_agentwrite(backend: Backend, item: Item, seed: int, profile: CountingProfile) -> Written:
    """Plan, then write each step; an item whose prompts outgrow the model's context is not written."""
    try:
        steps = plan_steps(ask(backend, item, _PLAN.format(task=item.prompt), seed_of(item, seed)))
        if not 0 < len(steps) <= MOST_STEPS:
            return Written(reason=f"The plan has {len(steps)} steps.")
        return _write_steps(backend, item, seed, steps, profile)
    except (DoesNotFit, ContextOverflow) as error:
        return Written(reason=f"It does not fit into the context: {error}")


def plan_steps(plan: str) -> list[str]:
    """Return the steps of a plan as published: all lines that are not empty."""
    return [line.strip() for line in plan.splitlines() if line.strip()]


def step_tokens(step: str) -> int:
    """Return how many tokens the paragraph of a step needs at least, by the word count that it names (0: none)."""
    words = _WORD_COUNT.search(step)
    return round(int(words[1].replace(",", "")) * _TOKENS_PER_WORD) if words else 0


def _write_steps(backend: Backend, item: Item, seed: int, steps: list[str], profile: CountingProfile) -> Written:
    plan, paragraphs = "\n".join(steps), []
    for number, step in enumerate(steps, start=1):
        prompt = _WRITE.format(task=item.prompt, plan=plan, text=PARAGRAPH.join(paragraphs), step=step)
        room = max(step_tokens(step), LEAST_ANSWER_TOKENS)
        answer = ask(backend, item, prompt, seed_of(item, seed, number), room).strip()
        if answer:
            paragraphs.append(answer)
    lengths = tuple((0, count_words(paragraph, profile)) for paragraph in paragraphs)
    return Written(PARAGRAPH.join(paragraphs), sections=lengths)
