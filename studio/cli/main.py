# SPDX-License-Identifier: Apache-2.0
"""The ``longhand`` command: finds the command that was named and loads only its module."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from studio.cli.errors import FAILURE, INTERRUPTED, UserError, report

COMMANDS = {
    "write": "write a document from a brief",
    "plan": "make the plan of a document and stop",
    "requirements": "show what must be told and where; add, edit and drop demands",
    "resume": "go on with a document",
    "fit": "bring written text to another length",
    "batch": "write many documents side by side, from a file with one job a line",
    "status": "show how far a document or a batch is",
    "import": "make a project of a Markdown or text file",
    "export": "write a document to a file: Markdown, text, HTML or DOCX",
    "check": "show what a document repeats, and what it does not tell of what it must",
    "context": "show what the model would see for a section, and why",
    "facts": "show what a project remembers; add, edit, pin, lock and remove facts",
    "notes": "add background that is looked up, or take it out",
    "bans": "say what may not be written in a document",
    "summary": "show the summaries; edit and lock them",
    "refresh": "show what is stale since a text was changed, and make it anew",
    "search": "find text in the whole document",
    "replace": "replace text in the whole document, or undo that",
    "snapshot": "keep the present state of a project under a name, or list the states kept",
    "restore": "bring back a snapshot or a revision, or show what that would change",
    "log": "show what models were asked, what they gave, and why a passage stands there",
    "doctor": "show versions, devices and models, and test the engine",
    "gui": "open the window",
    "bench": "measure this machine and this program",
}
"""Every command with its help text; each is a module of this package."""


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the command."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and return the exit code."""
        ...


class _Parser(argparse.ArgumentParser):
    """Leaves the words for a wrong command line to ``report``."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}", hint=f"`{self.prog} --help` shows what can be given.")


class _ShowVersion(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from studio.cli.version import longhand_version

        print(f"longhand {longhand_version()}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failure, 2 user error, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        # `kill` ends a command as gently as Ctrl-C, and both also where a script started it with signals ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Exception as error:
        return report(error)
    return code


def _run(arguments: Sequence[str]) -> int:
    named = next((word for word in arguments if not word.startswith("-")), "")
    parser, commands = _parsers()
    if named not in commands:
        parser.parse_args(arguments)
        parser.print_help(sys.stderr)
        return 2
    command = cast("Command", importlib.import_module(f"studio.cli.{named}"))
    command.add_arguments(commands[named])
    return command.run(parser.parse_args(arguments))


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = _Parser(
        prog="longhand",
        description="Writes long documents with language models that run on this machine.",
        epilog="`longhand COMMAND --help` shows the options of a command.",
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version")
    choices = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=_Parser)
    return parser, {
        name: choices.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False)
        for name, text in COMMANDS.items()
    }


if __name__ == "__main__":
    sys.exit(main())
