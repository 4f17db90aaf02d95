# SPDX-License-Identifier: Apache-2.0
"""A model's own chat template, rendered so that the author's text can never be mistaken for control tokens.

The template is a program that comes with the model file: it runs in a sandbox with bounded steps and output. It is
given placeholders instead of the messages, so that the result falls into the template's own text, in which control
tokens are meant, and the messages' text, in which they are not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backends.text.thinking import marks_in
from backends.types import Message, Role

MAX_TEMPLATE_CHARACTERS = 200_000
MAX_STEPS = 200_000
MAX_OUTPUT_CHARACTERS = 100_000
_PLACEHOLDER = re.compile("\ue0f0([0-9]+)\ue0f1")
# By which names templates ask whether the model is to think.
_SWITCHES = ("enable_thinking", "thinking")
# Templates may print the date; a request must not depend on the day on which it is made.
_FIXED_DAY = datetime(2024, 7, 26)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)
PLAIN = (
    "{% for message in messages %}{% if message['role'] == 'user' %}### Instruction:\n{% elif message['role'] == "
    "'assistant' %}### Response:\n{% endif %}{{ message['content'] }}\n\n{% endfor %}{{ '### Response:\n' }}"
)


@dataclass(frozen=True, slots=True)
class TemplateText:
    """Text of the template itself: control tokens in it are meant."""

    text: str


@dataclass(frozen=True, slots=True)
class MessageText:
    """Text of a message: nothing in it is a control token."""

    text: str


Part = TemplateText | MessageText


class TemplateRefused(Exception):
    """The template raised an error, ran too long, or did not print what it was given."""


class ChatTemplate:
    """The chat template of a model, compiled once; falls back to a plain layout where it is missing or broken."""

    def __init__(self, source: str, begin: str, end: str, fallback: str = PLAIN) -> None:
        self._variables = {"bos_token": begin, "eos_token": end, "add_generation_prompt": True}
        environment = _Environment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _FIXED_DAY.strftime
        self._template = None
        if source and len(source) <= MAX_TEMPLATE_CHARACTERS:
            try:
                self._template = environment.from_string(source)
            except (jinja2.TemplateError, RecursionError, ValueError):
                self._template = None
        self._fallback = environment.from_string(fallback)
        self.marks = marks_in(source) if self._template is not None else None

    @property
    def own(self) -> bool:
        """Whether the model has a usable template of its own."""
        return self._template is not None

    def render(self, messages: Sequence[Message], *, thinking: bool = False) -> list[Part]:
        """Return the prompt up to the start of the answer, in parts.

        Without ``thinking`` the thoughts that a template begins are ended at once.
        """
        if self._template is not None:
            for variant in (messages, _without_system(messages)):
                try:
                    return self._past_thoughts(list(self._parts(self._template, variant, thinking)), thinking)
                except TemplateRefused:
                    continue
        return list(self._parts(self._fallback, messages, thinking))

    def _past_thoughts(self, parts: list[Part], thinking: bool) -> list[Part]:
        begun = self.marks and parts and parts[-1].text.rstrip().endswith(self.marks.opening)
        if thinking or not begun or not isinstance(parts[-1], TemplateText):
            return parts
        assert self.marks is not None
        return [*parts[:-1], TemplateText(f"{parts[-1].text.rstrip()}\n\n{self.marks.closing}\n\n")]

    def _parts(self, template: jinja2.Template, messages: Sequence[Message], thinking: bool) -> Iterator[Part]:
        inputs = [{"role": str(each.role), "content": _placeholder(n, each.content)} for n, each in enumerate(messages)]
        switches = dict.fromkeys(_SWITCHES, thinking)
        text = _bounded_render(template, {**self._variables, **switches, "messages": inputs})
        pieces = _PLACEHOLDER.split(text)
        if [int(number) for number in pieces[1::2]] != list(range(len(messages))):
            raise TemplateRefused("the template left out or moved a message")
        for number, piece in enumerate(pieces):
            if number % 2:
                yield MessageText(messages[int(piece)].content.strip())
            elif piece:
                yield TemplateText(piece)


def _placeholder(number: int, content: str) -> str:
    """Return what stands for a message: its own white space around a mark, since templates trim."""
    stripped = content.strip()
    start = content.find(stripped) if stripped else 0
    return f"{content[:start]}\ue0f0{number}\ue0f1{content[start + len(stripped) :]}"


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """Put the text of system messages in front of the first user message, for templates that refuse the role."""
    system = "\n\n".join(message.content for message in messages if message.role is Role.SYSTEM)
    others = [message for message in messages if message.role is not Role.SYSTEM]
    if not others or others[0].role is not Role.USER:
        return [Message(Role.USER, system), *others]
    if system:
        others[0] = Message(Role.USER, f"{system}\n\n{others[0].content}")
    return others


def _refuse(reason: object) -> None:
    raise TemplateRefused(str(reason))


def _bounded_render(template: jinja2.Template, variables: dict[str, object]) -> str:
    """Render with a bound on the lines executed and on the characters printed."""
    steps = 0

    def count(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        if steps > MAX_STEPS:
            raise TemplateRefused("the template takes too many steps")
        return count

    pieces: list[str] = []
    size = 0
    before = sys.gettrace()
    sys.settrace(count)
    try:
        for piece in template.generate(variables):
            size += len(piece)
            if size > MAX_OUTPUT_CHARACTERS:
                raise TemplateRefused("the template prints too much")
            pieces.append(piece)
    except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        raise TemplateRefused(str(error)) from error
    except (RecursionError, MemoryError, IndexError) as error:
        raise TemplateRefused(type(error).__name__) from error
    finally:
        sys.settrace(before)
    return "".join(pieces)


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which multiplication cannot make huge objects either."""

    intercepted_binops = frozenset(["*", "**"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Allow arithmetic on small numbers only."""
        if not all(isinstance(value, int | float) and abs(value) < 10**6 for value in (left, right)):
            raise TemplateRefused(f"the template uses {operator} on something else than small numbers")
        if operator == "**" and right > 16:
            raise TemplateRefused("the template computes a huge power")
        return super().call_binop(context, operator, left, right)
