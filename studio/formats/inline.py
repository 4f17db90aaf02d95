# SPDX-License-Identifier: Apache-2.0
"""Reads the inline Markdown of a block, as CommonMark: pieces of text and how each is marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LINE_BREAK = "\n"
"""The whole text of a span that is a line break which the author meant."""


@dataclass(frozen=True, slots=True)
class Span:
    """Text that is marked in one way; ``link`` is an address, empty without one."""

    text: str
    emphasis: bool = False
    strong: bool = False
    code: bool = False
    link: str = ""


def read_inline(text: str) -> tuple[Span, ...]:
    """Return the spans of a text, neighbours that are marked alike joined.

    A newline is a space, or a line break where two spaces or a backslash stand before it. An image is its description.
    """
    (token,) = _reader().parseInline(text)
    joined: list[Span] = []
    for span in _spans(token.children or []):
        if joined and LINE_BREAK not in (span.text, joined[-1].text) and replace(joined[-1], text=span.text) == span:
            joined[-1] = replace(span, text=joined[-1].text + span.text)
        else:
            joined.append(span)
    return tuple(joined)


def plain_text(text: str) -> str:
    """Return inline Markdown as it is read: without its marks."""
    return "".join(span.text for span in read_inline(text))


def _spans(tokens: Sequence[Token]) -> Iterator[Span]:
    emphasis = strong = 0
    links: list[str] = []
    for token in tokens:
        match token.type:
            case "em_open" | "em_close":
                emphasis += token.nesting
            case "strong_open" | "strong_close":
                strong += token.nesting
            case "link_open":
                links.append(str(token.attrGet("href") or ""))
            case "link_close":
                links.pop()
            case _ if content := _content(token):
                link = links[-1] if links else ""
                yield Span(content, emphasis > 0, strong > 0, token.type == "code_inline", link)
            case _:
                pass


def _content(token: Token) -> str:
    if token.type == "softbreak":
        return " "
    if token.type == "hardbreak":
        return LINE_BREAK
    if token.type == "image":
        return "".join(span.text for span in _spans(token.children or []))
    return token.content


@cache
def _reader() -> MarkdownIt:
    # Loaded late: only some formats read inline markup.
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False})
