# SPDX-License-Identifier: Apache-2.0
"""How the tools of llama.cpp are called and understood, with programs that answer like them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from backends.types import Capabilities
from studio.bench.peers import LlamaBench, Setup, llama_server

CAPABILITIES = Capabilities("m", "llama", 4096, 8192, "cpu", True, True, True, True, True, threads=2)
BENCH = """
import json, pathlib, sys
pathlib.Path(sys.argv[0] + ".said").write_text(json.dumps(sys.argv[1:]))
print(json.dumps([{"avg_ts": 123.5}]))
"""
SERVER = """
import http.server, json, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        for _ in range(asked["n_predict"]):
            self.wfile.write(b'data: {"content": " word"}\\n\\n')
            time.sleep(0.01)
        last = {"content": "", "stop": True, "tokens_predicted": asked["n_predict"]}
        self.wfile.write(b"data: " + json.dumps(last).encode() + b"\\n\\n")

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def program(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return path


def setup(folder: Path) -> Setup:
    return Setup.like(str(folder / "m.gguf"), CAPABILITIES)


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_llama_bench_runs_as_the_engine_does(tmp_path):
    bench = LlamaBench(program(tmp_path, "llama-bench", BENCH), setup(tmp_path))
    assert bench.decode_rate(128, 512) == 123.5
    said = json.loads((tmp_path / "llama-bench.said").read_text())
    options = dict(zip(said[::2], said[1::2], strict=True))
    assert options["-t"] == "2"
    assert options["-fa"] == "off"
    assert options["--repack"] == "0"
    assert (options["-p"], options["-n"], options["-d"]) == ("0", "128", "512")
    assert bench.prefill_rate(1024, 256) == 123.5


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_llama_server_is_read_chunk_by_chunk(tmp_path):
    with llama_server(program(tmp_path, "llama-server", SERVER), setup(tmp_path)) as server:
        rate = server.stream_rate("Once", 8, seed=1)
    assert 1 < rate <= 101


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_a_server_that_ends_is_no_server(tmp_path):
    with (
        pytest.raises(TimeoutError),
        llama_server(program(tmp_path, "llama-server", "raise SystemExit(1)"), setup(tmp_path)),
    ):
        pass
