# SPDX-License-Identifier: Apache-2.0
"""Compares a batch of requests with each of them alone, token by token, as ``backends.bench_forcing`` finds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from backends.errors import BackendError
from backends.types import ModelSettings
from studio.bench.report import ROOT, Row, at_least, at_most

EQUAL = 99.0
NEAR_TIE = 0.05
"""Of logits: the one token is at most 5 % more probable than the other."""


def forcing_rows(settings: ModelSettings, requests: int, prompt: int, tokens: int) -> Iterator[Row]:
    """Force a batch of requests along the tokens of each alone. Raises BackendError where the model cannot be run."""
    command = [sys.executable, "-m", "backends.bench_forcing", settings.path]
    counts = ["--requests", str(requests), "--prompt", str(prompt), "--tokens", str(tokens)]
    done = subprocess.run([*command, *counts], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        raise BackendError(f"The model could not be forced along its own tokens: {last}")
    found = json.loads(done.stdout)
    name = f"batch of {requests}, {found['tokens']:,} tokens forced"
    yield at_least(f"{name}: argmax as alone", round(100 * found["equal"] / found["tokens"], 3), "%", EQUAL)
    yield at_most(f"{name}: largest gap of those that differ", round(found["largest_gap"], 5), "logits", NEAR_TIE)
    yield Row(f"{name}: largest change of a logit", round(found["largest_change"], 5), "logits")
