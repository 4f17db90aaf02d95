# SPDX-License-Identifier: Apache-2.0
"""The one executable of the packages. Which of its faces is meant is decided here, before anything heavy is loaded.

`longhand` alone or with a project is the window, `longhand WORD...` the command, `longhand --worker` the process that
holds the model. A fourth form, `longhand [-P] -m MODULE`, runs a module of Longhand as Python would: the program asks
children of its own about the engine (`longhand doctor`) in the same words in a checkout and in a package.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Sequence

PROJECT_ENDING = ".longhand"
OWN_MODULES = ("backends.", "studio.")


class Face(enum.Enum):
    """What the program was started as."""

    WINDOW = "window"
    COMMAND = "command"
    WORKER = "worker"
    MODULE = "module"


def face_of(words: Sequence[str]) -> tuple[Face, list[str]]:
    """Return what the words of the command line ask for, and the words that are left for it."""
    match words:
        case ["--worker", *rest]:
            return Face.WORKER, rest
        case ["-P", "-m", module, *rest] | ["-m", module, *rest] if module.startswith(OWN_MODULES):
            return Face.MODULE, [module, *rest]
        case []:
            return Face.WINDOW, []
        case [project] if project.endswith(PROJECT_ENDING):
            # A desktop opens a file by naming it.
            return Face.WINDOW, [project]
    return Face.COMMAND, list(words)


def main(words: Sequence[str]) -> int:
    """Run the face that is meant and return its exit code."""
    face, rest = face_of(words)
    if face is Face.WORKER:
        from backends.worker import main as work

        work(rest)  # ends the process
    if face is Face.MODULE:
        import runpy

        sys.argv[1:] = rest[1:]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return 0
    from studio.cli.main import main as command

    return command(["gui", *rest] if face is Face.WINDOW else rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
