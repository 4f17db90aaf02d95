# SPDX-License-Identifier: Apache-2.0
"""The tools of llama.cpp on the same model, built by benchmarks/build_llama_cpp.sh: what Longhand is compared with."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.types import Capabilities, SamplingParams
from studio.bench.report import ROOT

TOOLS = ROOT / "benchmarks" / "llama.cpp" / "bin"
START_SECONDS = 120.0
_CELLS = 256


@dataclass(frozen=True, slots=True)
class Setup:
    """How a tool runs a model: as Longhand's engine does."""

    model: Path
    threads: int
    gpu_layers: int
    flash_attention: bool
    cache_type: str
    context_tokens: int

    @classmethod
    def like(cls, model: str, can: Capabilities) -> Setup:
        """Return the setup of an engine that is open."""
        return cls(Path(model), can.threads, can.gpu_layers, can.flash_attention, can.cache_type, can.context_tokens)

    @property
    def arguments(self) -> list[str]:
        """The options that all tools of llama.cpp spell alike."""
        how = ["-m", str(self.model), "-t", str(self.threads), "-ngl", str(self.gpu_layers)]
        return [*how, "-fa", "on" if self.flash_attention else "off", "-ctk", self.cache_type, "-ctv", self.cache_type]


class LlamaBench:
    """``llama-bench``: prefill and decoding without sampling, after the tool's own warm-up."""

    def __init__(self, program: Path, setup: Setup) -> None:
        self._command = [str(program), *setup.arguments, "--repack", "0", "-r", "1", "-o", "json"]

    def prefill_rate(self, tokens: int, depth: int) -> float:
        """Return tokens per second of a prompt of so many tokens after ``depth`` others."""
        return self._measure("-p", str(tokens), "-n", "0", "-d", str(depth))

    def decode_rate(self, tokens: int, depth: int) -> float:
        """Return tokens per second of so many single tokens after ``depth`` others."""
        return self._measure("-p", "0", "-n", str(tokens), "-d", str(depth))

    def _measure(self, *arguments: str) -> float:
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=True)
        return float(json.loads(done.stdout)[0]["avg_ts"])


class LlamaBatchedBench:
    """``llama-batched-bench``: several sequences behind a prompt that they share, without sampling."""

    def __init__(self, program: Path, setup: Setup) -> None:
        self._command = [str(program), *setup.arguments, "--no-repack", "-pps", "-kvu", "--output-format", "jsonl"]

    def gain(self, sequences: int, prompt: int, answer: int) -> float:
        """Return the tokens per second of so many sequences in one batch against those of one."""
        cells = str(prompt + sequences * answer + _CELLS)
        arguments = ["-c", cells, "-npp", str(prompt), "-ntg", str(answer), "-npl", f"1,{sequences}"]
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        rates = {line["pl"]: line["speed_tg"] for line in lines}
        return rates[sequences] / rates[1]


class LlamaServer:
    """``llama-server`` with one slot, streaming over HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    def stream_rate(self, prompt: str, tokens: int, seed: int) -> float:
        """Return tokens per second between the first and the last chunk of an answer of ``tokens`` tokens."""
        body = {"prompt": prompt, "n_predict": tokens, "stream": True, "ignore_eos": True, "cache_prompt": False}
        arrivals, written = [], 0
        for chunk in self._chunks({**body, **_sampling(SamplingParams(), seed)}):
            arrivals.append(time.perf_counter())
            written = chunk.get("tokens_predicted", written)
        # The last chunk carries no text.
        return (written - 1) / (arrivals[-2] - arrivals[0])

    def _chunks(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        for line in answer:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
        connection.close()


@contextmanager
def llama_server(program: Path, setup: Setup) -> Iterator[LlamaServer]:
    """Start a server and wait until it is ready. Raises TimeoutError."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(program), *setup.arguments, "-c", str(setup.context_tokens), "-np", "1"]
    command += ["--no-repack", "--cache-ram", "0", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        yield LlamaServer(port)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise TimeoutError("llama-server did not become ready")


def _sampling(params: SamplingParams, seed: int) -> dict[str, Any]:
    """Return the same chain of samplers in the server's words."""
    return {
        "samplers": ["top_k", "min_p", "temperature"],
        "top_k": params.top_k,
        "min_p": params.min_p,
        "temperature": params.temperature,
        "seed": seed,
    }
