# SPDX-License-Identifier: Apache-2.0
"""``longhand check``: what a document repeats, and where, what it has word by word from the notes, and what it does not
tell of what it must, and which terms it defines twice; also while another Longhand writes it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from studio.cli.errors import FAILURE, SUCCESS
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.store import Project
    from studio.writing.repetition_report import Part, Place, Repeated, RepetitionReport

_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the report; return 1 where a window repeats so much that it should be written again."""
    from dataclasses import asdict

    from studio.cli.report import print_json, requirement_lines, requirement_report
    from studio.project.records import Mode
    from studio.project.store import Project
    from studio.writing.repetition_report import Verdict

    with Project.open(arguments.project, Mode.READ) as project:
        report, copied, defined = _report(project), _copied(project), _defined(project)
        demanded, demanded_lines = requirement_report(project), requirement_lines(project)
    if arguments.json:
        found = {**asdict(report), "copied_from_notes": copied, "requirements": demanded}
        found["defined_twice"] = [asdict(each) for each in defined]
        print_json({"project": str(arguments.project), **found})
    else:
        print("\n".join((*_lines(report), *_copied_lines(copied), *_defined_lines(defined), *demanded_lines)))
    return FAILURE if report.whole.verdict in (Verdict.ACT, Verdict.LOOP) else SUCCESS


def _report(project: Project) -> RepetitionReport:
    from studio.writing.findings import prose_of
    from studio.writing.repetition_report import repetition_report

    return repetition_report(list(prose_of(project, project.leaves())))


def _defined(project: Project) -> tuple[Repeated, ...]:
    from studio.writing.findings import defined_again

    return defined_again(project, project.leaves())


def _defined_lines(defined: tuple[Repeated, ...]) -> Iterator[str]:
    return _found("Terms that are defined again", defined) if defined else iter(())


def _copied(project: Project) -> list[dict[str, Any]]:
    """Return what the text has word by word from the notes, with the number of the section."""
    from studio.memory.notes import copied

    leaves = {leaf.id: leaf.number for leaf in project.leaves()}
    notes = [(each.note, each.text) for each in project.memory.note_passages()]
    texts = [(each, project.text(each).body + project.text(each).tail) for each in leaves] if notes else []
    return [
        {"section": leaves[each.section], "note": each.note, "words": each.words, "text": each.text}
        for each in copied(texts, notes)
    ]


def _copied_lines(copied: list[dict[str, Any]]) -> Iterator[str]:
    lines = [
        f"{each['words']} words: {each['text']} (section {each['section']}, from {each['note']})" for each in copied
    ]
    return _block("Words of the notes that stand in the text", lines)


def _lines(report: RepetitionReport) -> Iterator[str]:
    yield "Repeated 4-grams in 1,000 tokens: people .0085 on average; unusual above .045, to be written again above .07"
    yield ""
    yield _part_line("Document", report.whole)
    yield from (_part_line(f"{part.number}  {part.title}", part) for part in report.sections if part.tokens)
    yield from _found("Passages of 13 words and marks or more that return", report.passages)
    yield from _found("The same sentence directly again", report.neighbours)
    yield from _found("Sentences that return", report.sentences)
    yield from _block(
        "Sentences that are nearly one before",
        [f"{each.share:.0%}: {each.text} ({_places(each.places)})" for each in report.near],
    )
    yield from _found("Paragraphs that begin alike", report.openings)
    yield from _found("Refrains, not counted", report.refrains)


def _part_line(name: str, part: Part) -> str:
    from studio.cli.screen import plain

    return (
        f"{plain(name)[:48]:<48} mean {part.mean:.4f}  worst {part.worst:.4f}  {part.tokens:>7,} tokens  {part.verdict}"
    )


def _found(heading: str, found: Iterable[Repeated]) -> Iterator[str]:
    return _block(heading, [f"{len(each.places)} times: {each.text} ({_places(each.places)})" for each in found])


def _block(heading: str, lines: list[str]) -> Iterator[str]:
    from studio.cli.screen import plain

    yield ""
    yield f"{heading}: {len(lines) or 'none'}"
    yield from (f"  {plain(line)}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more (--json shows all)"


def _places(places: Iterable[Place]) -> str:
    return "; ".join(f"section {place.section}, paragraph {place.paragraph}" for place in places)
