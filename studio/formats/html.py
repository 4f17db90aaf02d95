# SPDX-License-Identifier: Apache-2.0
"""Writes a document as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from studio.formats.blocks import Block, Break, Code, Document, Heading, Items, Paragraph, Quotation
from studio.formats.inline import LINE_BREAK, Span, read_inline
from studio.formats.signs import break_signs, printable

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi"})
# An address of another kind could run something in the reader's browser.
_LINKS = ("http://", "https://", "mailto:", "#")
_STYLE = """
body { margin: 0; background: #fdfdfb; color: #1c1c1a; font: 1.15rem/1.6 Georgia, "Times New Roman", serif; }
main { max-width: 38rem; margin: 0 auto; padding: 3rem 1.25rem 6rem; overflow-wrap: break-word; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 2.4em 0 0.8em; }
h1 { margin-top: 0; font-size: 2rem; }
p { margin: 0 0 0.9em; }
blockquote { margin: 1.2em 0 1.2em 1.5em; font-style: italic; }
pre { overflow-x: auto; font-size: 0.85em; }
.break { margin: 1.8em 0; text-align: center; }
@media (prefers-color-scheme: dark) { body { background: #1b1b19; color: #dedbd2; } a { color: #9cc2ff; } }
@media print { body { background: none; color: #000; } main { max-width: none; padding: 0; } h1, h2 { break-after: avoid; } }
""".strip()  # noqa: E501 (a rule a line)


def render_html(document: Document) -> str:
    """Return the document as HTML that ends with a newline; the title is its heading of level 1."""
    language = escape(document.language or "en")
    direction = ' dir="rtl"' if language.lower().split("-")[0] in _RIGHT_TO_LEFT else ""
    title = _text(" ".join(document.title.split()))
    heading = [f"<h1>{title}</h1>"] if title else []
    body = "\n".join([*heading, *map(_block, document.blocks)])
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"{direction}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(level, text):
            level = min(max(level, 1), 6)
            return f"<h{level}>{_inline(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_inline(text)}</p>"
        case Quotation(inner):
            return f"<blockquote>\n{_blocks(inner)}\n</blockquote>"
        case Items(items, start):
            return _items(items, start)
        case Code(text, _):
            return f"<pre><code>{_text(text)}</code></pre>"
        case Break():
            return f'<p class="break" role="separator">{break_signs(block)}</p>'


def _blocks(blocks: Iterable[Block]) -> str:
    return "\n".join(map(_block, blocks))


def _items(items: Sequence[str], start: int | None) -> str:
    tag = "ul" if start is None else "ol"
    first = f' start="{start}"' if start not in (None, 1) else ""
    lines = "\n".join(f"<li>{'<br>'.join(map(_inline, item.split(LINE_BREAK)))}</li>" for item in items)
    return f"<{tag}{first}>\n{lines}\n</{tag}>"


def _inline(text: str) -> str:
    return "".join(map(_span, read_inline(text)))


def _span(span: Span) -> str:
    if span.text == LINE_BREAK:
        return "<br>\n"
    html = _text(span.text)
    for marked, tag in ((span.code, "code"), (span.emphasis, "em"), (span.strong, "strong")):
        html = f"<{tag}>{html}</{tag}>" if marked else html
    return f'<a href="{escape(span.link)}">{html}</a>' if span.link.lower().startswith(_LINKS) else html


def _text(text: str) -> str:
    return escape(printable(text), quote=False)
