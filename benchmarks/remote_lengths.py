# SPDX-License-Identifier: Apache-2.0
"""Documents of 1,000 words through servers with bad habits: how far they miss, and what that costs in requests.

The servers are scripted and on loopback (``tests.backends``); with ``--endpoint`` a real one is measured instead.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backends.server_address import ServerSettings, base_address
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence
from studio.bench.report import Row, at_most, print_rows
from studio.project.records import Brief
from studio.project.store import Project
from studio.writing.errors import ModelSilent
from studio.writing.runner import Runner
from studio.writing.session import open_model
from tests.backends.chat_author import HABITS, ChatAuthor
from tests.backends.openai_server import OpenAIServer

_SILENT = "leaves all replies empty"
_BRIEF = "A story about a lighthouse keeper who finds a map under the floor of the lamp room."


@dataclass(frozen=True, slots=True)
class _Document:
    """What became of one document: words, sections with an unfinished end, requests, words that the server sent."""

    words: int
    unfinished: int
    requests: int
    received: int


def write(settings: ServerSettings, words: int, seed: int) -> _Document:
    """Write a document. Raises ModelSilent where the server gives none."""
    with (
        tempfile.TemporaryDirectory(prefix="longhand-bench-") as folder,
        Project.create(Path(folder, "p.longhand"), Brief(_BRIEF, words), seed=seed) as project,
    ):
        with open_model(settings) as backend:
            for _ in Runner(project, backend).write():
                pass
        bodies = [project.text(leaf.id).body for leaf in project.leaves()]
        outcomes = [run.outcome for run in project.runs() if run.call.task == "write" and run.outcome]
        received = sum(count_words(text) for done in outcomes for text in (done.answer, *done.taken_back))
        unfinished = sum(not ends_sentence(body) for body in bodies)
        return _Document(sum(map(count_words, bodies)), unfinished, len(project.runs()), received)


@contextmanager
def scripted(habit: str, seed: int) -> Iterator[ServerSettings]:
    """Serve a habit and yield how to reach it."""
    with OpenAIServer(ChatAuthor(habit, seed)) as server:
        yield ServerSettings(server.address)


def habit_rows(habit: str, words: int, seeds: int) -> list[Row]:
    """Return the rows of a server with one habit."""
    documents = []
    for seed in range(seeds):
        with scripted(habit, seed) as settings:
            documents.append(write(settings, words, seed))
    print(f"{habit}: {[document.words for document in documents]}", file=sys.stderr, flush=True)
    return document_rows(f"server that {habit}", words, documents)


def document_rows(name: str, words: int, documents: list[_Document]) -> list[Row]:
    """Return worst and median error, unfinished ends, requests, and words received for each word delivered."""
    errors = [100 * abs(document.words - words) / words for document in documents]
    unfinished = sum(document.unfinished for document in documents)
    received = sum(document.received for document in documents) / sum(document.words for document in documents)
    return [
        at_most(f"{name}: largest document error of {len(documents)}", round(max(errors), 2), "%", 2),
        Row(f"{name}: median document error", round(statistics.median(errors), 2), "%"),
        Row(f"{name}: sections that do not end on a sentence", unfinished, "sections", "0", unfinished == 0),
        Row(f"{name}: requests a document", statistics.mean(document.requests for document in documents), "requests"),
        Row(f"{name}: words received for each delivered", round(received, 2), "words"),
    ]


def silent_row(words: int, seeds: int) -> Row:
    """Return how many runs through a server that says nothing did not end in an error."""
    wrong = 0
    for seed in range(seeds):
        with scripted(_SILENT, seed) as settings:
            try:
                write(settings, words, seed)
                wrong += 1
            except ModelSilent:
                pass
    return Row(f"server that {_SILENT}: runs that did not end in an error", wrong, "runs", "0", wrong == 0)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=1000, help="length of each document")
    parser.add_argument("--seeds", type=int, default=10, help="documents for each server")
    parser.add_argument("--endpoint", metavar="URL", help="measure a real server on loopback instead")
    parser.add_argument("--model", default="", metavar="NAME", help="its model")
    chosen = parser.parse_args()
    if chosen.endpoint:
        settings = ServerSettings(base_address(chosen.endpoint), chosen.model)
        documents = [write(settings, chosen.words, seed) for seed in range(chosen.seeds)]
        print_rows(document_rows("real server", chosen.words, documents))
        return
    rows = [row for habit in HABITS for row in habit_rows(habit, chosen.words, chosen.seeds)]
    print_rows([*rows, silent_row(chosen.words, chosen.seeds)])


if __name__ == "__main__":
    main()
