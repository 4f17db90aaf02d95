# SPDX-License-Identifier: Apache-2.0
"""``longhand gui``: opens the window."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from studio.cli.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("project", metavar="PROJECT", type=Path, nargs="?", help="project file to open")


def run(arguments: argparse.Namespace) -> int:
    """Open the window and return its exit code."""
    _require_display()
    # An exception out of nowhere would only be printed by Qt; the project file stands a plain end at any moment.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        from studio.gui.app import main
    except ImportError as error:
        raise UserError(
            f"The window cannot be opened: {error}.", hint="Install the Qt libraries that the README names."
        ) from error
    return main(arguments.project)


def _require_display() -> None:
    """Qt ends the whole process where there is no display, so this looks first."""
    named = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in named):
        raise UserError("There is no display to open a window on.", hint="Use the commands instead: longhand --help")
