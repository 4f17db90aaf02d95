# SPDX-License-Identifier: Apache-2.0
"""What takes long to load is not loaded before the window is there."""

from __future__ import annotations

import subprocess
import sys

LATE = ("sqlalchemy", "numpy", "httpx", "jinja2", "markdown_it", "llama_cpp", "torch", "docx", "lxml", "yaml")
ASK = f"import sys, studio.gui.app; print([name for name in {LATE!r} if name in sys.modules])"


def test_the_window_loads_nothing_heavy_before_it_appears() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
