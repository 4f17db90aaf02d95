# SPDX-License-Identifier: Apache-2.0
"""The large inputs that requests name by hash: the document so far, and what may not be written.

Both are read once.
"""

from __future__ import annotations

from collections.abc import Mapping

from backends.engine.bans import BanRules
from backends.engine.document_memory import KnownText, Library
from backends.errors import InvalidRequest
from backends.text.ban_list import decode_bans
from backends.text.sentence_chain import read_chain
from backends.types import GenerationRequest

_RULES_KEPT = 4


class RequestInputs:
    """Reads the blobs of one worker. ``blobs`` may grow and shrink meanwhile."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs
        self._library = Library()
        self._rules: dict[str, BanRules] = {}

    def known_text(self, request: GenerationRequest) -> KnownText:
        """Return what the document says before a request. Raises InvalidRequest for a part that was not sent."""
        digest = request.repetition.known_sentences if request.repetition else ""
        try:
            return self._library.known(read_chain(digest, self._blobs))
        except KeyError as missing:
            raise InvalidRequest(f"The sentences {missing.args[0][:12]} of the document were not sent.") from missing

    def bans(self, request: GenerationRequest) -> BanRules | None:
        """Return what a request may not write. Raises InvalidRequest for a list that was not sent or makes no sense."""
        if not request.bans:
            return None
        if request.bans not in self._rules:
            try:
                bans = decode_bans(self._blobs[request.bans])
            except KeyError as missing:
                raise InvalidRequest(f"The bans {request.bans[:12]} were not sent.") from missing
            except (ValueError, UnicodeDecodeError, TypeError) as error:
                raise InvalidRequest(f"The list of bans cannot be read: {error}.") from error
            while len(self._rules) >= _RULES_KEPT:
                del self._rules[next(iter(self._rules))]
            self._rules[request.bans] = BanRules(bans)
        return self._rules[request.bans]
