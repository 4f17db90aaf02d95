# SPDX-License-Identifier: Apache-2.0
"""The list of what may not be written that an author names: the one of machine clichés, or a file of the author's."""

from __future__ import annotations

from pathlib import Path

from backends.errors import ExplainedError
from backends.text.ban_list import BanList, ban_entries, parse_ban_list
from resources import read_text
from studio.settings import settings_folder

CLICHES = "cliches"


class BanListUnusable(ExplainedError):
    """There is no such list, or it cannot be read. ``hint`` says what to do."""

    hint = (
        "Give the path of a text file with a phrase a line, or `cliches` for the list that comes with the program; "
        "bans/cliches.txt in the configuration folder takes that one's place."
    )


def named_bans(name: str) -> BanList | None:
    """Return the list with a name, or that of a file; None for the empty name. Raises BanListUnusable.

    The author's own ``bans/cliches.txt`` beside the settings comes before the one of the program.
    """
    return parse_ban_list("\n".join(named_entries(name))) if name else None


def named_entries(name: str) -> tuple[str, ...]:
    """Return the entries of such a list as they are written. Raises BanListUnusable."""
    own = settings_folder() / "bans" / f"{CLICHES}.txt"
    if name == CLICHES and not own.exists():
        return ban_entries(read_text(f"bans/{CLICHES}.txt"))
    path = own if name == CLICHES else Path(name).expanduser()
    try:
        return ban_entries(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BanListUnusable(f"The list of bans {path} cannot be used: {reason}") from error
