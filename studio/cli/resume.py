# SPDX-License-Identifier: Apache-2.0
"""``longhand resume``: goes on with a document where it stands."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.errors import SUCCESS
from studio.cli.options import (
    add_ban_option,
    add_json_option,
    add_model_options,
    add_project_argument,
    add_server_options,
)

if TYPE_CHECKING:
    from studio.cli.places import Places
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file for the finished document; without it, Markdown beside the project",
    )
    add_model_options(parser)
    add_server_options(parser)
    add_ban_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write what is missing and return the exit code."""
    from studio.cli.places import places_for_existing, require_free_output
    from studio.cli.report import is_finished
    from studio.project.store import Project

    places = places_for_existing(arguments.project, arguments.out)
    with Project.open(places.project) as project:
        for notice in project.notices:
            print(notice, file=sys.stderr)
        if is_finished(project):
            return _export_again(project, places, arguments)
        require_free_output(places.out)
        return _go_on(project, places, arguments)


def _go_on(project: Project, places: Places, arguments: argparse.Namespace) -> int:
    from studio.cli.options import kept_model, run_bans, run_model, run_settings
    from studio.cli.run import load_model, write_project

    bans = run_bans(arguments)
    settings = run_settings(arguments, run_model(arguments, project.info.model))
    with load_model(settings, places.project) as backend:
        model = kept_model(settings, backend.capabilities)
        if model != project.info.model:
            project.set_model(model)
        return write_project(project, backend, places, bans, as_json=arguments.json)


def _export_again(project: Project, places: Places, arguments: argparse.Namespace) -> int:
    """A finished document needs no model; an output that is there is probably this document and stays."""
    from studio.cli.places import require_free_output
    from studio.cli.report import print_json, project_report
    from studio.cli.run import finish
    from studio.cli.screen import Screen

    screen = Screen(sys.stderr)
    screen.line(f"The document is finished: {project.words():,} words.")
    if arguments.out is None and os.path.lexists(places.out):
        screen.line(f"{places.out} is already there and was left as it is; --out takes another name.")
        if arguments.json:
            print_json(project_report(project))
        return SUCCESS
    require_free_output(places.out)
    finish(project, places, screen, as_json=arguments.json)
    return SUCCESS
