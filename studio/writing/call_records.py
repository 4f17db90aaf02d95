# SPDX-License-Identifier: Apache-2.0
"""Reads what ``studio.writing.calls`` wrote to the run log: the prompt, the account of its pieces, the settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from studio.project.records import ModelCall


@dataclass(frozen=True, slots=True)
class LoggedPiece:
    """A piece of a prompt, or one that stayed out (``tokens`` 0); ``begins`` is how its text begins."""

    source: str
    tokens: int
    reason: str
    begins: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a prompt was composed of, and what had to stay out."""

    pieces: tuple[LoggedPiece, ...] = ()
    dropped: tuple[LoggedPiece, ...] = ()


def account_of(call: ModelCall) -> Account:
    """Return the account of a call's prompt; an empty one where it was not composed of pieces."""
    found = _parsed(call.context)
    if not isinstance(found, dict):
        return Account()
    return Account(_pieces(found.get("pieces")), _pieces(found.get("dropped")))


def prompt_text(call: ModelCall) -> str:
    """Return the messages of a prompt below each other; one that is no JSON of messages as it is."""
    try:
        messages = json.loads(call.prompt)["messages"]
        return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
    except (ValueError, KeyError, TypeError):
        return call.prompt


def settings_of(call: ModelCall) -> dict[str, str]:
    """Return what was asked of the model besides the prompt, by name and in words; empty values are left out."""
    found = _parsed(call.settings)
    if not isinstance(found, dict):
        return {}
    return {name: text for name, value in found.items() if (text := _words(value))}


def _pieces(found: Any) -> tuple[LoggedPiece, ...]:
    rows = found if isinstance(found, list) else []
    return tuple(
        LoggedPiece(
            str(row.get("source", "")),
            int(row.get("tokens") or 0),
            str(row.get("reason", "")),
            str(row.get("begins", "")),
        )
        for row in rows
        if isinstance(row, dict)
    )


def _words(value: Any) -> str:
    if value in (None, "", [], {}, False):
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {text}" for name, each in value.items() if (text := _words(each)))
    if isinstance(value, list):
        return ", ".join(filter(None, map(_words, value)))
    return str(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
