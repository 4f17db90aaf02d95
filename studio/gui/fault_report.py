# SPDX-License-Identifier: Apache-2.0
"""A report that helps to find a fault and has none of the author's text in it.

It is made of what the program knows about itself: versions, system, the model's file name, the kinds and places of the
last errors, and the last lines of the engine's log. Of that log only lines in the form of llama.cpp's own messages and
the places of a Python trace are kept; any other line could quote a prompt, and is counted instead.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

ENGINE_LINES = 60
_LINE_LENGTH = 200
_PACKAGES = ("longhand", "PySide6-Essentials", "llama-cpp-python", "numpy", "SQLAlchemy")
# llama.cpp's own messages: a name of its code, a key and a figure. Metadata of models have other forms.
_NATIVE = re.compile(r"[a-z][\w.]*: +[\w ./()-]{1,40} *= *[\w.+-]{1,24}(?: [A-Za-z/]{1,8})?")
_FAILURE = re.compile(r"(?:\S{1,80}: )?(?:GGML_ASSERT\([^\"\n]{1,120}\) failed|CUDA error: [a-z ]{1,60})")
_PLACE = re.compile(r'\s*File "([^"]*)", line (\d+),? in (\S+)')
_ENDED = re.compile(
    r"Fatal Python error: [A-Z][\w ]{1,40}|(?:Current thread|Thread) 0x\w+ \(most recent call first\):"
    r"|Traceback \(most recent call last\):"
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report is made of besides what the program finds by itself."""

    model: str = ""
    device: str = ""
    errors: Sequence[str] = ()
    crash: str = ""
    engine_log: str = ""


def heading() -> str:
    """Return versions and system, one a line."""
    lines = [f"{name} {_version(name)}" for name in _PACKAGES]
    lines.append(
        f"Python {platform.python_version()}, Qt {qVersion()} on {QGuiApplication.platformName() or 'no display'}"
    )
    lines.append(f"{platform.system()} {platform.release()}, {platform.machine()}")
    return "\n".join(lines)


def fault_report(findings: Findings) -> str:
    """Return the report as plain text."""
    model = Path(findings.model).name or "starter model"
    parts = [
        ("Program", heading()),
        ("Model", f"{model} on {findings.device}" if findings.device else f"{model}, not loaded"),
        ("Errors of this run", "\n".join(findings.errors)),
        ("What the last run left", findings.crash),
        ("Engine", "\n".join(engine_lines(findings.engine_log))),
    ]
    text = "\n\n".join(f"{name}\n{body.strip() or 'nothing'}" for name, body in parts)
    return _without_home(text) + "\n"


def engine_lines(log: str) -> Iterator[str]:
    """Yield the last lines of the engine's log that cannot hold text of the author, and how many others there were."""
    left_out = 0
    for line in log.splitlines()[-ENGINE_LINES:]:
        kept = _kept(line)
        if kept:
            yield kept[:_LINE_LENGTH]
        elif line.strip():
            left_out += 1
    if left_out:
        yield f"({left_out} other lines are left out: they could quote the text)"


def _kept(line: str) -> str:
    place = _PLACE.match(line)
    if place is not None:
        return f"  {'/'.join(Path(place[1]).parts[-3:])}:{place[2]} in {place[3]}"
    return line if any(form.fullmatch(line) for form in (_NATIVE, _FAILURE, _ENDED)) else ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "without a version"


def _without_home(text: str) -> str:
    """Leave out the folder of the user, whose name may be the author's."""
    return text.replace(str(Path.home()), "~")
