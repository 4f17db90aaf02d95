# SPDX-License-Identifier: Apache-2.0
"""``longhand requirements``: what a document must tell and where, as the brief demands it and the author wants it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from studio.project.records import Requirement
    from studio.project.store import Project

ACTIONS = {
    "list": "show what must be told, where, and whether it is",
    "add": "demand something besides what the brief demands",
    "edit": "demand something else instead, or in other sections",
    "drop": "demand something no more",
}
_JSON_HELP = "print one JSON object to standard output"
_MOST = 2**53


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command: PROJECT [ACTION ...]."""
    add_project_argument(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", parser_class=type(parser))
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False)
        if name in ("edit", "drop"):
            action.add_argument("number", metavar="NUMBER", type=whole_number(1, _MOST), help="as `list` shows it")
        if name in ("add", "edit"):
            given = None if name == "add" else "?"
            what = "what must be told; it may name entries or chapters, as in a brief"
            action.add_argument("text", metavar="TEXT", nargs=given, help=what)
            action.add_argument(
                "--section",
                metavar="N",
                action="append",
                help="section that is to tell it; may be given several times (where it fits best)",
            )
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_JSON_HELP)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it, show all that is demanded then, and return the exit code."""
    from studio.cli.report import print_json, requirement_report
    from studio.project.records import Mode
    from studio.project.store import Project

    reads = arguments.action in (None, "list")
    with Project.open(arguments.project, Mode.READ if reads else Mode.WRITE) as project:
        if not reads:
            _change(project, arguments)
        if arguments.json:
            print_json({"requirements": requirement_report(project)})
        else:
            print("\n".join(_lines(project)))
    return SUCCESS


def _change(project: Project, arguments: argparse.Namespace) -> None:
    match arguments.action:
        case "add":
            _add(project, arguments)
        case "edit":
            _edit(project, arguments)
        case _:
            project.delete_requirement(arguments.number)


def _add(project: Project, arguments: argparse.Namespace) -> None:
    from studio.planning.assignment import authors_requirements
    from studio.project.records import PlannedRequirement, RequirementOrigin, RequirementScope

    text = _said(arguments.text)
    if not project.sections():
        raise UserError("There is no plan yet.", hint="`longhand plan` makes one; until then write it into the brief.")
    if arguments.section:
        leaves = _leaves(project, arguments.section)
        scope = RequirementScope.SINGLE if len(leaves) == 1 else RequirementScope.RANGE
        project.add_requirement(PlannedRequirement(text, text, scope, leaves, RequirementOrigin.AUTHOR))
        return
    for each in authors_requirements(text, project.info.brief, project.sections()):
        project.add_requirement(each)


def _edit(project: Project, arguments: argparse.Namespace) -> None:
    if arguments.text is None and not arguments.section:
        raise UserError("There is nothing to change.", hint="Give a text or --section.")
    leaves = _leaves(project, arguments.section or ())
    if arguments.text is not None:
        project.edit_requirement(arguments.number, _said(arguments.text))
    if leaves:
        project.place_requirement(arguments.number, leaves)


def _said(text: str) -> str:
    """The demand on one line. Raises UserError for one that says nothing a text could be looked through for."""
    from backends.text.keywords import content_words

    line = " ".join(text.split())
    if not content_words(line):
        raise UserError("A requirement must name something that can be told.", hint="Say it in a few words.")
    return line


def _leaves(project: Project, numbers: tuple[str, ...] | list[str]) -> tuple[int, ...]:
    from studio.cli.passages import section_named

    return tuple(section_named(project, number).id for number in numbers)


def _lines(project: Project) -> Iterator[str]:
    from studio.writing.coverage import looked_at

    found = looked_at(project)
    if not found:
        yield "Nothing is demanded: neither the brief nor you say what must be told."
    titles = {leaf.id: f"{leaf.number} {leaf.title}" for leaf in project.leaves()}
    for each in found:
        yield from _lines_of(each, titles)


def _lines_of(requirement: Requirement, titles: dict[int, str]) -> Iterator[str]:
    from studio.cli.screen import plain

    yield f"{requirement.id:>5}  {plain(requirement.text)}  ({requirement.origin}, {requirement.scope})"
    for place in requirement.places:
        state = {True: "told", False: "not told", None: "not looked at yet"}[place.met]
        yield f"       {plain(titles[place.section])}: {state}"
    if requirement.problem:
        yield f"       cannot be met: {plain(requirement.problem)}"
    elif not requirement.places:
        yield "       no section is left for it"
