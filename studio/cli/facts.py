# SPDX-License-Identifier: Apache-2.0
"""``longhand facts``: what a project remembers of people, places and things, and the author's hand on it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument, whole_number

if TYPE_CHECKING:
    from studio.project.memory_records import Fact, Statement
    from studio.project.store import Project

ACTIONS = {
    "list": "show the facts of a project",
    "add": "add a fact",
    "edit": "say a fact otherwise",
    "pin": "show a fact to the model in every prompt",
    "unpin": "show a fact only where it has to do with a section",
    "lock": "let nobody but you change a fact",
    "unlock": "let a fact be refreshed again",
    "settle": "say that a fact contradicts no other",
    "remove": "take a fact out; it is not found again",
    "alias": "let somebody be called something else too",
}
_MOST = 2**53


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command: PROJECT [ACTION ...]."""
    add_project_argument(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", parser_class=type(parser))
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False)
        if name in ("edit", "pin", "unpin", "lock", "unlock", "settle", "remove"):
            action.add_argument("fact", metavar="FACT", type=whole_number(1, _MOST), help="number of the fact")
        if name in ("add", "edit"):
            given = None if name == "add" else "?"
            action.add_argument("text", metavar="TEXT", nargs=given, help="the fact, as it can be read alone")
            for option, what in (("who", "whom or what it is about"), ("where", "the place"), ("when", "the time")):
                action.add_argument(f"--{option}", metavar="NAME" if option == "who" else "TEXT", help=what)
        if name == "add":
            action.add_argument("--pin", action="store_true", help="show it to the model in every prompt")
        if name == "alias":
            action.add_argument("who", metavar="NAME", help="name of somebody, made where it is new")
            action.add_argument("alias", metavar="ALIAS", help="what they are called too")
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_JSON_HELP)
    add_json_option(parser)


_JSON_HELP = "print one JSON object to standard output"


def run(arguments: argparse.Namespace) -> int:
    """Do it, show the facts that are concerned, and return the exit code."""
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project

    reads = arguments.action in (None, "list")
    with Project.open(arguments.project, Mode.READ if reads else Mode.WRITE) as project:
        if arguments.action == "alias":
            project.memory.add_alias(arguments.who, arguments.alias)
        shown = project.memory.facts() if reads or arguments.action == "alias" else _change(project, arguments)
        stale = {each.id: each.reason for each in project.memory.stale() if each.kind == "fact"}
        headings = project.memory.headings([each.statement.section for each in shown if each.statement.section])
        entities = project.memory.entities()
    if arguments.json:
        print_json(
            {
                "facts": [_report(fact, stale, headings) for fact in shown],
                "entities": [{"name": each.name, "aliases": list(each.aliases)} for each in entities],
            }
        )
        return SUCCESS
    for fact in shown:
        print("\n".join(_lines(fact, stale, headings)))
    if reads and not shown:
        print("There are no facts yet.")
    for each in entities if arguments.action == "alias" else ():
        print(f"{each.name}: {', '.join(each.aliases)}")
    return SUCCESS


def _change(project: Project, arguments: argparse.Namespace) -> tuple[Fact, ...]:
    from studio.memory.remember import add_fact, edit_fact
    from studio.project.memory_records import Author, Statement

    memory = project.memory
    if arguments.action == "add":
        statement = Statement(arguments.text, arguments.who or "", arguments.where or "", arguments.when or "")
        return (add_fact(project, statement, Author.AUTHOR, pinned=arguments.pin),)
    match arguments.action:
        case "edit":
            return (edit_fact(project, arguments.fact, _edited(memory.fact(arguments.fact), arguments)),)
        case "pin" | "unpin":
            memory.flag_fact(arguments.fact, pinned=arguments.action == "pin")
        case "lock" | "unlock":
            memory.flag_fact(arguments.fact, locked=arguments.action == "lock")
        case "settle":
            memory.settle_conflicts(arguments.fact)
        case _:
            memory.remove_fact(arguments.fact)
            return ()
    return (memory.fact(arguments.fact),)


def _edited(fact: Fact, arguments: argparse.Namespace) -> Statement:
    """The statement with what was given; it is the author's now and comes from no section."""
    from studio.project.memory_records import Statement

    before = fact.statement
    if all(each is None for each in (arguments.text, arguments.who, arguments.where, arguments.when)):
        raise UserError("There is nothing to change.", hint="Give a text, --who, --where or --when.")
    return Statement(
        before.text if arguments.text is None else arguments.text,
        before.who if arguments.who is None else arguments.who,
        before.place if arguments.where is None else arguments.where,
        before.time if arguments.when is None else arguments.when,
    )


def _lines(fact: Fact, stale: dict[int, str], headings: dict[int, str]) -> list[str]:
    from studio.cli.screen import plain

    flags = [name for name, on in (("pinned", fact.pinned), ("locked", fact.locked)) if on]
    section = fact.statement.section
    where = f"from {headings.get(section, 'a section that is gone')}" if section is not None else "yours"
    lines = [f"{fact.id:>5}  {plain(fact.line)}  ({', '.join([where, *flags])})"]
    lines += [f"       contradicts fact {each.fact}: {plain(each.reason)}" for each in fact.conflicts]
    lines += [f"       stale: {plain(stale[fact.id])}"] if fact.id in stale else []
    return lines


def _report(fact: Fact, stale: dict[int, str], headings: dict[int, str]) -> dict[str, Any]:
    statement = fact.statement
    return {
        "id": fact.id,
        "text": statement.text,
        "who": statement.who,
        "where": statement.place,
        "when": statement.time,
        "origin": str(fact.origin),
        "pinned": fact.pinned,
        "locked": fact.locked,
        "section": headings.get(statement.section or 0),
        "quote": statement.quote,
        "start": statement.start,
        "conflicts": [{"fact": each.fact, "reason": each.reason} for each in fact.conflicts],
        "stale": stale.get(fact.id, ""),
    }
