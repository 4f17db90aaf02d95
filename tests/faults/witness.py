# SPDX-License-Identifier: Apache-2.0
"""The real ``longhand`` command with a witness: ``python -m tests.faults.witness LOG WORDS...``.

The witness writes a line of JSON to LOG for what the writing floor tells: text shown, text taken back, text stored. A
line that is in the log was written before anything that the program did next, so it is there whatever happens to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence

from studio.cli import run
from studio.cli.main import main
from studio.project.store import Project
from studio.writing.events import TextAdded, TextStored, TextTakenBack, WritingEvent
from studio.writing.runner import Runner


class Witness:
    """An open log."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, **line: object) -> None:
        os.write(self._file, (json.dumps({"at": time.monotonic(), **line}) + "\n").encode())

    def event(self, project: Project, event: WritingEvent) -> None:
        match event:
            case TextAdded():
                self.note(kind="added", section=event.section, text=event.text)
            case TextTakenBack():
                self.note(kind="back", section=event.section, characters=event.characters)
            case TextStored():
                text = project.text(event.section)
                sha256 = hashlib.sha256(text.body.encode()).hexdigest()
                self.note(kind="stored", section=event.section, revision=text.revision, sha256=sha256)
            case _:
                pass


def watch(witness: Witness) -> None:
    """Let every run of the command tell the witness first."""

    class WatchedRunner(Runner):
        def write(self, only: Sequence[int] = ()) -> Iterator[WritingEvent]:
            witness.note(kind="texts", texts=_texts(self._project))
            for event in super().write(only):
                witness.event(self._project, event)
                yield event

    run.Runner = WatchedRunner  # type: ignore[misc]


def _texts(project: Project) -> dict[int, str]:
    texts = [project.text(leaf.id) for leaf in project.leaves()]
    return {text.section: text.body + text.tail for text in texts}


if __name__ == "__main__":
    watch(Witness(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
