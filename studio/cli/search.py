# SPDX-License-Identifier: Apache-2.0
"""``longhand search``: finds text in the whole document; also while another Longhand writes it."""

from __future__ import annotations

import argparse

from studio.cli.errors import SUCCESS
from studio.cli.options import add_json_option, add_project_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.cli.passages import add_query_options

    add_project_argument(parser)
    parser.add_argument("text", metavar="TEXT", help="what to look for")
    add_query_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the hits in reading order and return the exit code."""
    from studio.cli.passages import hit_line, hit_report, numbers_of, query_of
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ) as project:
        hits, numbers = project.search(query_of(arguments)), numbers_of(project)
    if arguments.json:
        print_json({"hits": [hit_report(numbers, hit) for hit in hits]})
        return SUCCESS
    for hit in hits:
        print(hit_line(numbers, hit))
    print(f"{len(hits):,} found." if hits else "Nothing found.")
    return SUCCESS
