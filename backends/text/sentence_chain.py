# SPDX-License-Identifier: Apache-2.0
"""The sentences of a document as a chain of blobs, so that what was sent once is not sent again.

A link has one sentence a line; its first line may name the link before it by its hash, behind a sign (U+001F) that no
sentence has, because white space in sentences is single spaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from backends.text.segmentation import sentences

_BASE = "\x1f"


def sentence_lines(text: str) -> list[str]:
    """Return the sentences of a text, each as one line."""
    return [" ".join(text[start:end].split()) for start, end in sentences(text)]


def make_link(lines: Sequence[str], base: str = "") -> tuple[str, bytes]:
    """Return hash and data of a link that follows the link with the hash ``base``, or none."""
    data = "\n".join([_BASE + base, *lines] if base else lines).encode()
    return hashlib.sha256(data).hexdigest(), data


def read_chain(digest: str, blobs: Mapping[str, bytes]) -> list[str]:
    """Return all sentences up to a link. Raises KeyError with the hash of a link that is missing or follows itself."""
    links: list[list[str]] = []
    seen: set[str] = set()
    while digest:
        if digest in seen:
            raise KeyError(digest)
        seen.add(digest)
        lines = blobs[digest].decode("utf-8", "replace").splitlines()
        digest = lines.pop(0)[len(_BASE) :] if lines and lines[0].startswith(_BASE) else ""
        links.append(lines)
    return [line for lines in reversed(links) for line in lines]
