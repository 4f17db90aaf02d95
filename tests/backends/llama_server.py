# SPDX-License-Identifier: Apache-2.0
"""A real server on loopback with the starter model: llama-server, or the server of llama-cpp-python."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from studio.writing.session import starter_model

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "benchmarks" / "llama.cpp" / "bin" / "llama-server"
KINDS = ("llama-server", "llama_cpp.server")
START_SECONDS = 60.0
SLOTS, CONTEXT = 2, 2048


@contextmanager
def serving_starter(kind: str, folder: Path, key: str = "") -> Iterator[str]:
    """Serve while the block runs, and yield the address; skips the test where such a server is not installed."""
    model = starter_model()
    if model is None:
        pytest.skip("this checkout has no starter model")
    port = _free_port()
    command = _command(kind, str(model), port, key)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            _wait(process, port, folder / "server.log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(kind: str, model: str, port: int, key: str) -> list[str]:
    place = ["--host", "127.0.0.1", "--port", str(port)]
    if kind == "llama_cpp.server":
        if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "sse_starlette")):
            pytest.skip("llama_cpp.server needs fastapi, uvicorn and sse-starlette (llama-cpp-python[server])")
        command = [sys.executable, "-m", "llama_cpp.server", "--model", model, "--n_ctx", str(CONTEXT), *place]
        return [*command, "--n_threads", "2", *(["--api_key", key] if key else [])]
    program = str(BUILT) if os.access(BUILT, os.X_OK) else shutil.which("llama-server")
    if program is None:
        pytest.skip("llama-server is not installed (benchmarks/build_llama_cpp.sh builds it)")
    command = [program, "-m", model, "-c", str(SLOTS * CONTEXT), "-np", str(SLOTS), "-t", "2", "--no-webui", *place]
    return [*command, *(["--api-key", key] if key else [])]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until models are listed, or refused for want of a key; either means that the server is ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        try:
            status = httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=2, trust_env=False).status_code
        except httpx.HTTPError:
            status = 0
        if status in (200, 401):
            # llama-server lists its model while it still loads.
            time.sleep(0.5)
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8", "replace")[-2000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
