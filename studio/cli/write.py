# SPDX-License-Identifier: Apache-2.0
"""``longhand write``: a brief becomes a finished document."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.options import add_ban_option, add_brief_options, add_json_option, add_model_options, add_server_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_brief_options(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="file for the finished document: .md, .txt, .html or .docx"
    )
    parser.add_argument(
        "--project", type=Path, metavar="FILE.longhand", help="project file; without it, it lies beside the output"
    )
    add_model_options(parser)
    add_server_options(parser)
    add_ban_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan and write the document, and return the exit code."""
    from studio.cli.new_project import new_project
    from studio.cli.options import run_bans
    from studio.cli.run import write_project

    bans = run_bans(arguments)
    with new_project(arguments, arguments.out) as (project, backend, places):
        return write_project(project, backend, places, bans, as_json=arguments.json)
