# SPDX-License-Identifier: Apache-2.0
"""How long a new document is to be: so many words, at least or at most so many, or so many characters."""

from __future__ import annotations

import argparse

from studio.cli.errors import UserError

# Written without spaces, so that Longhand's words are their characters.
_BY_CHARACTER = frozenset({"zh", "ja"})


def add_length_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how long a document is to be."""
    group = parser.add_argument_group("length (of a new document; one of these is needed)")
    group.add_argument("--words", type=_words, metavar="N", help="length in words")
    group.add_argument("--at-least", type=_words, metavar="N", help="no fewer words; with --at-most between the two")
    group.add_argument("--at-most", type=_words, metavar="N", help="no more words")
    group.add_argument("--characters", type=_words, metavar="N", help="length in characters, for Chinese and Japanese")


def wanted_words(arguments: argparse.Namespace, language: str) -> int:
    """Return the words that a document of this language is to have, between the bounds where there are any.

    Raises UserError for no length, several that exclude each other, bounds that contradict each other or lie nearer
    than a document can be landed, and characters in a language that is not counted by them.
    """
    from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS, target_within

    given = {name: value for name, value in _given(arguments).items() if value is not None}
    if not given:
        raise UserError("The document has no length.", hint="Say how long it is to be: --words 5000.")
    bounds = given.keys() <= {"--at-least", "--at-most"}
    if len(given) > 1 and not bounds:
        raise UserError(
            f"{' and '.join(given)} do not go together.",
            hint="Give one length, or the bounds --at-least and --at-most.",
        )
    if "--characters" in given and language.lower().split("-")[0] not in _BY_CHARACTER:
        raise UserError(
            f"A document in the language {language} is not counted by characters.",
            hint="Give its length in words, or another --language: zh or ja.",
        )
    if not bounds:
        return next(iter(given.values()))
    least, most = arguments.at_least, arguments.at_most
    if least is not None and most is not None and least > most:
        raise UserError(
            f"No document has at least {least:,} and at most {most:,} words.", hint="Give the smaller number first."
        )
    words = target_within(least, most)
    if words is None or not MIN_DOCUMENT_WORDS <= words <= MAX_DOCUMENT_WORDS:
        raise UserError(
            f"A document cannot be made to end between {least or MIN_DOCUMENT_WORDS:,} and "
            f"{most or MAX_DOCUMENT_WORDS:,} words for certain.",
            hint="Set the bounds farther apart: five words, or 1.2 % of a long document; or give --words alone.",
        )
    return words


def _given(arguments: argparse.Namespace) -> dict[str, int | None]:
    return {
        "--words": arguments.words,
        "--at-least": arguments.at_least,
        "--at-most": arguments.at_most,
        "--characters": arguments.characters,
    }


def _words(text: str) -> int:
    from studio.cli.options import whole_number
    from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS

    return whole_number(MIN_DOCUMENT_WORDS, MAX_DOCUMENT_WORDS)(text)
