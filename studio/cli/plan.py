# SPDX-License-Identifier: Apache-2.0
"""``longhand plan``: makes the plan of a document and stops, or shows and changes the plan of a project."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.errors import INTERRUPTED, SUCCESS, UserError
from studio.cli.options import (
    add_brief_options,
    add_json_option,
    add_model_options,
    add_server_options,
    whole_number,
)

if TYPE_CHECKING:
    from backends.base import Backend
    from studio.cli.places import Places
    from studio.project.store import Project

_MOST_OUTLINES = 8
_SUFFIX = ".longhand"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_brief_options(parser)
    parser.add_argument(
        "--project", type=Path, metavar="FILE.longhand", help="project file; without it, named by the brief"
    )
    group = parser.add_argument_group("outlines to choose from")
    group.add_argument(
        "--outlines", type=whole_number(2, _MOST_OUTLINES), metavar="N", help="show N outlines and stop there"
    )
    group.add_argument(
        "--choose", type=whole_number(1, _MOST_OUTLINES), metavar="K", help="plan on below outline K of those shown"
    )
    group = parser.add_argument_group("the plan of a project (PROJECT.longhand in the place of BRIEF)")
    change = group.add_mutually_exclusive_group()
    change.add_argument("--export", type=Path, metavar="FILE.yaml", help="write the plan to a text file")
    change.add_argument("--import", type=Path, metavar="FILE.yaml", dest="import_", help="take an edited plan back")
    change.add_argument("--edit", action="store_true", help="open the plan in the editor named by VISUAL or EDITOR")
    add_model_options(parser)
    add_server_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make, show or change a plan and return the exit code."""
    if arguments.brief.endswith(_SUFFIX) and Path(arguments.brief).is_file():
        return _of_project(arguments, Path(arguments.brief))
    if arguments.export or arguments.import_ or arguments.edit:
        raise UserError("--export, --import and --edit belong to a project.", hint="Name it: longhand plan P.longhand")
    from studio.cli.new_project import new_project

    with new_project(arguments, None) as (project, backend, places):
        if arguments.outlines and not _propose(project, backend, places, arguments):
            return INTERRUPTED
        if arguments.outlines and not arguments.choose:
            return SUCCESS
        return _plan(project, backend, places, arguments)


def _of_project(arguments: argparse.Namespace, path: Path) -> int:
    """Change the plan of a project, plan it below a chosen outline, or show its plan."""
    from studio.cli.plan_file import edit_plan, export_plan, import_plan
    from studio.project.records import Mode
    from studio.project.store import Project

    if arguments.choose or arguments.outlines:
        return _go_on(arguments, path)
    if not (arguments.import_ or arguments.edit):
        with Project.open(path, Mode.READ) as project:
            if arguments.export:
                export_plan(project, arguments.export)
            _show(project, as_json=arguments.json)
        return SUCCESS
    with Project.open(path) as project:
        if arguments.edit:
            edit_plan(project)
        else:
            import_plan(project, arguments.import_)
        _show(project, as_json=arguments.json)
    return SUCCESS


def _go_on(arguments: argparse.Namespace, path: Path) -> int:
    from studio.cli.options import run_model, run_settings
    from studio.cli.places import places_for_existing
    from studio.cli.run import load_model
    from studio.project.store import Project

    places = places_for_existing(path, None)
    with Project.open(path) as project:
        if project.sections():
            raise UserError("The project has its plan already.", hint="Outlines are for a project without one.")
        settings = run_settings(arguments, run_model(arguments, project.info.model))
        with load_model(settings, path) as backend:
            if arguments.outlines and not arguments.choose:
                return SUCCESS if _propose(project, backend, places, arguments) else INTERRUPTED
            return _plan(project, backend, places, arguments)


def _propose(project: Project, backend: Backend, places: Places, arguments: argparse.Namespace) -> bool:
    """Show outlines to choose from; says whether it was not interrupted."""
    from studio.cli.report import print_json
    from studio.cli.run import propose_outlines
    from studio.cli.screen import plain
    from studio.planning.outlines import diversity
    from studio.writing.runner import proposed_outlines

    if not propose_outlines(project, backend, arguments.outlines):
        return False
    outlines = [outline for _, outline in proposed_outlines(project, arguments.outlines)]
    if arguments.json and not arguments.choose:
        shown = [{"title": each.title, "sections": [list(section) for section in each.sections]} for each in outlines]
        print_json({"project": str(places.project), "diversity": round(diversity(outlines), 3), "outlines": shown})
    elif not arguments.json:
        for number, outline in enumerate(outlines, start=1):
            print(f"Outline {number}: {plain(outline.title)}")
            for title, points in outline.sections:
                print(f"  {plain(title)}{': ' if points else ''}{plain('; '.join(points))}")
        print(f"Diversity (1 - self-BLEU): {diversity(outlines):.2f}")
        print(f"Choose with: longhand plan {places.project} --choose K")
    return True


def _plan(project: Project, backend: Backend, places: Places, arguments: argparse.Namespace) -> int:
    from studio.cli.run import plan_project

    if not plan_project(project, backend, places, _chosen(project, arguments)):
        return INTERRUPTED
    _show(project, as_json=arguments.json)
    return SUCCESS


def _chosen(project: Project, arguments: argparse.Namespace) -> str | None:
    """The answer of the outline that was chosen, None where none was. Raises UserError for one that is not there."""
    from studio.writing.runner import proposed_outlines

    if not arguments.choose:
        return None
    outlines = proposed_outlines(project, arguments.outlines or _MOST_OUTLINES)
    if arguments.choose > len(outlines):
        raise UserError(
            f"There is no outline {arguments.choose}: the project has {len(outlines)}.",
            hint="Ask for more: longhand plan PROJECT --outlines N",
        )
    return outlines[arguments.choose - 1][0]


def _show(project: Project, *, as_json: bool) -> None:
    from studio.cli.report import outline, print_json, project_report

    if as_json:
        print_json(project_report(project))
    else:
        print("\n".join(outline(project)))
