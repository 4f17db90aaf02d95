# SPDX-License-Identifier: Apache-2.0
"""What a witness saw, against what the project file has afterwards."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from backends.text.segmentation import sentences
from studio.project.store import Project

LONG_SENTENCE = 40


@dataclass
class Acknowledged:
    """A body that was stored; ``left`` is to where the writer openly took the text of the section back since."""

    section: int
    revision: int
    sha256: str
    left: int = sys.maxsize


@dataclass
class Testimony:
    """The lines of a log: what was shown when, and which texts were acknowledged as stored."""

    __test__: ClassVar[bool] = False

    lines: list[dict] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Testimony:
        return cls.of(path.read_bytes() if path.exists() else b"")

    @classmethod
    def of(cls, log: bytes) -> Testimony:
        # The last line may be half written; another program's lines may stand between those of the witness.
        return cls([json.loads(line) for line in log.split(b"\n")[:-1] if line.startswith(b'{"at"')])

    def acknowledged(self) -> list[Acknowledged]:
        """Each text that was acknowledged as stored."""
        shown: dict[int, int] = {}
        found: list[Acknowledged] = []
        for line in self.lines:
            if line["kind"] == "texts":
                shown = {int(section): len(text) for section, text in line["texts"].items()}
                continue
            section = line["section"]
            if line["kind"] == "stored":
                found.append(Acknowledged(section, line["revision"], line["sha256"]))
                continue
            shown[section] = shown.get(section, 0) - line.get("characters", 0) + len(line.get("text", ""))
            if line["kind"] == "back":
                for each in found:
                    each.left = min(each.left, shown[section]) if each.section == section else each.left
        return found

    def seconds_lost(self, texts: dict[int, str], end: float) -> float:
        """How long before ``end`` the oldest piece was shown that the file does not have; 0 if it has all.

        A run begins with what the file says then; an unfinished sentence there is taken back without a word.
        """
        shown: dict[int, str] = {}
        states: dict[int, list[tuple[float, str]]] = {}
        for line in self.lines:
            if line["kind"] == "texts":
                shown = {int(section): text for section, text in line["texts"].items()}
            elif line["kind"] in ("added", "back"):
                section = line["section"]
                before = shown.get(section, "")
                kept = len(before) - line.get("characters", 0)
                shown[section] = before[:kept] + line.get("text", "")
                states.setdefault(section, []).append((line["at"], shown[section]))
        return max((_age(states[section], texts.get(section, ""), end) for section in states), default=0.0)


def _age(states: list[tuple[float, str]], stored: str, end: float) -> float:
    """The last moment whose text the file has says how far it got; the next one began what is lost."""
    wanted = _bare(stored)
    # Sentences are compared by their letters: spaces at a seam may be stored or not.
    last = max((i for i, (_, text) in enumerate(states) if wanted.endswith(_bare(text)[-LONG_SENTENCE:])), default=-1)
    later = states[last + 1 :]
    return max(0.0, end - later[0][0]) if later else 0.0


def _bare(text: str) -> str:
    return "".join(text.split())


def texts_of(project: Project) -> dict[int, str]:
    """What each leaf says, tail included."""
    return {leaf.id: _whole(project, leaf.id) for leaf in project.leaves()}


def missing(project: Project, acknowledged: list[Acknowledged]) -> int:
    """How many characters of acknowledged texts are gone: from the history, or from the text without a word."""
    lost = 0
    for each in acknowledged:
        ids = {revision.id for revision in project.revisions(each.section)}
        body = project.revision_body(each.revision) if each.revision in ids else ""
        if hashlib.sha256(body.encode()).hexdigest() != each.sha256 and (each.revision or body):
            lost += max(1, len(body))
        elif not _whole(project, each.section).startswith(body[: each.left]):
            lost += len(body)
    return lost


def doubled(project: Project) -> int:
    """How many characters of sentences the document says twice. The scripted writer says nothing twice by itself."""
    told: Counter[str] = Counter()
    for leaf in project.leaves():
        body = project.text(leaf.id).body
        told.update(body[span.start : span.end].strip() for span in sentences(body))
    return sum((times - 1) * len(text) for text, times in told.items() if len(text) >= LONG_SENTENCE)


def _whole(project: Project, section: int) -> str:
    text = project.text(section)
    return text.body + text.tail
