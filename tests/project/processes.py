# SPDX-License-Identifier: Apache-2.0
"""Other processes that use a project: they print a line for each thing done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from pathlib import Path
from studio.project.store import Project
project = Project.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
project.close()
"""

# Writes until it is killed. Prints "r<n>" when the paragraphs up to n are settled, "t<n>" when n is in the tail.
WRITE = """
import sys
from pathlib import Path
from studio.project.records import Origin
from studio.project.store import Project
project = Project.open(Path(sys.argv[1]))
leaf = project.leaves()[0]
now = project.text(leaf.id)
body, revision = now.body, now.revision
for number in range(int(sys.argv[2]), 10**6):
    paragraph = f"Paragraph {number} " + "of the sea " * (number % 40)
    project.store_tail(leaf.id, "\\n\\n" + paragraph, expected=revision)
    print(f"t{number}", flush=True)
    body += "\\n\\n" + paragraph
    revision = project.store_text(leaf.id, body, expected=revision, origin=Origin.GENERATED).id
    print(f"r{number}", flush=True)
"""

# Writes under a limit of file size until that is reached, then without it. Prints what was acknowledged.
FILL = """
import resource, sys
from pathlib import Path
from studio.project.errors import DiskFull
from studio.project.records import Origin
from studio.project.store import Project
path = Path(sys.argv[1])
with Project.open(path) as project:
    leaf = project.leaves()[0]
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + int(sys.argv[2]), resource.RLIM_INFINITY))
    body, revision, failures = "", 0, 0
    for number in range(60):
        text = body + f"Paragraph {number}: " + f"{number} waves. " * 600 + "\\n\\n"
        try:
            revision = project.store_text(leaf.id, text, expected=revision, origin=Origin.GENERATED).id
            body = text
        except DiskFull as error:
            failures += 1
            assert project.text(leaf.id).body == body
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            if failures == 1:
                at_failure = number
    assert project.damage() == ()
    assert project.text(leaf.id).body == body
    print(failures, at_failure, body.count("\\n\\n"))
"""

CREATE = """
import sys
from pathlib import Path
from studio.project.store import Project
from tests.project.conftest import BRIEF
print("ready", flush=True)
Project.create(Path(sys.argv[1]), BRIEF)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python program that can import what the tests import."""
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
