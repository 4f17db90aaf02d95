# SPDX-License-Identifier: Apache-2.0
"""A process that does nothing but read a long stream, and notes its own memory meanwhile.

The engine of the stream is a scripted one: the memory of the reader does not depend on who writes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from studio.bench.report import ROOT

SAMPLE_EVERY = 500
_SCRIPT = {"behaviour": "never_ends", "context_tokens": 65_536}


def memory_while_streaming(tokens: int) -> list[float]:
    """Return the resident MB of a reading process, one number for each ``SAMPLE_EVERY`` tokens of ``tokens``."""
    command = [sys.executable, "-m", __name__, str(tokens)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def main() -> None:
    """Read as many tokens as the command line says, and print the samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokens", type=int)
    print(json.dumps(_read(parser.parse_args().tokens)))


def _read(tokens: int) -> list[float]:
    from backends.client import WorkerBackend
    from backends.types import Delta, GenerationRequest, ModelSettings, Prompt

    samples: list[float] = []
    pieces: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "endless.script.json")
        script.write_text(json.dumps(_SCRIPT), encoding="utf-8")
        with WorkerBackend(ModelSettings(str(script))) as backend:
            for event in backend.generate(GenerationRequest(Prompt(raw="Write on."), max_tokens=tokens)):
                if isinstance(event, Delta):
                    pieces.append(event.text)
                    if len(pieces) % SAMPLE_EVERY == 0:
                        samples.append(_resident_megabytes())
    return samples


def _resident_megabytes() -> float:
    """Return the resident memory of this process; where the system does not say it, the highest so far."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
