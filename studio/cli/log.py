# SPDX-License-Identifier: Apache-2.0
"""``longhand log``: what models were asked and what they gave, and why a passage stands where it stands."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.records import Revision, Run
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.cli.passages import add_section_option

    add_project_argument(parser)
    add_section_option(parser, "show the calls and the revisions of this section")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--run", type=int, metavar="N", help="show one model call in full")
    what.add_argument("--why", metavar="PASSAGE", help="show which call wrote this passage, and what the model saw")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the log, a call, or where a passage came from, and return the exit code."""
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ) as project:
        if arguments.why:
            _why(project, arguments)
        elif arguments.run is not None:
            _show_run(project.run(arguments.run), as_json=arguments.json)
        else:
            _list(project, arguments)
    return SUCCESS


def _list(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import numbers_of, section_named
    from studio.cli.report import print_json

    section = section_named(project, arguments.section).id if arguments.section else None
    runs, numbers = project.runs(section), numbers_of(project)
    revisions = project.revisions(section) if section is not None else ()
    if arguments.json:
        print_json({"calls": [_run_report(each) for each in runs], "revisions": [asdict(each) for each in revisions]})
        return
    for each in runs:
        print(_run_line(each, numbers))
    for each in revisions:
        print(_revision_line(each))
    if not runs and not revisions:
        print("No model was asked yet.")


def _why(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.report import print_json
    from studio.project.search import Query

    hits = project.search(Query(arguments.why, case=True), most=1)
    if not hits:
        raise UserError("The document does not say that now.", hint="Give a few words exactly as they stand there.")
    section = project.section(hits[0].section)
    revision = project.brought_by(section.id, hits[0].found)
    call = project.run(revision.run) if revision is not None and revision.run is not None else None
    if arguments.json:
        found = {"section": section.number, "revision": asdict(revision) if revision is not None else None}
        print_json({**found, "call": _run_report(call) if call is not None else None})
        return
    if revision is None:
        print(f"It stands in section {section.number}, in text that is still being written.")
        return
    print(f"It stands in section {section.number} since revision {revision.id}: {revision.origin}, {revision.created}.")
    if call is not None:
        print()
        _show_run(call, as_json=False)


def _show_run(call: Run, *, as_json: bool) -> None:
    from studio.cli.report import print_json
    from studio.writing.call_records import account_of, prompt_text

    if as_json:
        print_json(_run_report(call))
        return
    account = account_of(call.call)
    print(_run_line(call, {}))
    print(f"Settings: {call.call.settings}")
    for piece in account.pieces:
        print(f"In the prompt: {piece.source}, {piece.tokens:,} tokens: {piece.reason}")
    for piece in account.dropped:
        print(f"Left out: {piece.source}: {piece.reason}")
    _print_text("Prompt", prompt_text(call.call))
    if call.outcome is not None:
        for taken in call.outcome.taken_back:
            _print_text("Taken back", taken)
        _print_text("Answer", call.outcome.answer)
        if call.outcome.kept != call.outcome.answer:
            _print_text("Kept of it", call.outcome.kept)


def _print_text(title: str, text: str) -> None:
    from studio.cli.passages import plain_line

    print(f"\n== {title}")
    for line in text.split("\n"):
        print(plain_line(line))


def _run_line(run: Run, numbers: dict[int, str]) -> str:
    call, outcome = run.call, run.outcome
    where = f", section {numbers[call.section]}" if call.section in numbers else ""
    head = f"{run.id:>5}  {run.started}  {call.task}{where}, {call.model or 'starter'}, seed {call.seed}"
    if outcome is None:
        return f"{head}: not finished"
    tokens = f"{outcome.prompt_tokens:,} + {outcome.completion_tokens:,} tokens ({outcome.cached_tokens:,} known)"
    back = f", {len(outcome.taken_back)} times taken back" if outcome.taken_back else ""
    return f"{head}: {outcome.reason}, {tokens}, {outcome.seconds:.1f} s{back}"


def _revision_line(revision: Revision) -> str:
    run = f", call {revision.run}" if revision.run is not None else ""
    return f"{revision.id:>5}  {revision.created}  revision, {revision.origin}, {revision.words:,} words{run}"


def _run_report(run: Run) -> dict[str, Any]:
    report = asdict(run)
    call = report["call"]
    for key in ("settings", "prompt", "context"):
        call[key] = _parsed(call[key])
    return report


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
