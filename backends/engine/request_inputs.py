# SPDX-License-Identifier: Apache-2.0
"""The large inputs that requests name by hash: the document so far, and what may not be written.

Both are read once. The sentences of a document come as a chain: the first line of a blob may name the one before it
(``base:`` and its hash), so that each request sends only what is new.
"""

from __future__ import annotations

from collections.abc import Mapping

from backends.engine.bans import BanRules
from backends.engine.document_memory import KnownText, Library
from backends.errors import InvalidRequest
from backends.text.ban_list import decode_bans
from backends.types import GenerationRequest

BASE = "base:"
_RULES_KEPT = 4


class RequestInputs:
    """Reads the blobs of one worker. ``blobs`` may grow and shrink meanwhile."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs
        self._library = Library()
        self._rules: dict[str, BanRules] = {}

    def known_text(self, request: GenerationRequest) -> KnownText:
        """Return what the document says before a request. Raises InvalidRequest for a part that was not sent."""
        parts: list[list[str]] = []
        digest = request.repetition.known_sentences if request.repetition else ""
        while digest:
            lines = self._blob(digest, "sentences").decode("utf-8", "replace").splitlines()
            follows = bool(lines) and lines[0].startswith(BASE)
            digest = lines[0].removeprefix(BASE) if follows else ""
            parts.append(lines[1:] if follows else lines)
            if len(parts) > len(self._blobs):
                raise InvalidRequest("The sentences of the document follow themselves.")
        return self._library.known([sentence for lines in reversed(parts) for sentence in lines])

    def bans(self, request: GenerationRequest) -> BanRules | None:
        """Return what a request may not write. Raises InvalidRequest for a list that was not sent or makes no sense."""
        if not request.bans:
            return None
        if request.bans not in self._rules:
            try:
                bans = decode_bans(self._blob(request.bans, "bans"))
            except (ValueError, UnicodeDecodeError, TypeError) as error:
                raise InvalidRequest(f"The list of bans cannot be read: {error}.") from error
            while len(self._rules) >= _RULES_KEPT:
                del self._rules[next(iter(self._rules))]
            self._rules[request.bans] = BanRules(bans)
        return self._rules[request.bans]

    def _blob(self, digest: str, what: str) -> bytes:
        if digest not in self._blobs:
            raise InvalidRequest(f"The {what} {digest[:12]} of the document were not sent.")
        return self._blobs[digest]
