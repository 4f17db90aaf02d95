# SPDX-License-Identifier: Apache-2.0
"""``longhand doctor``: what this machine has, and whether the engine works on it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from typing import Any

from studio.cli.errors import FAILURE, SUCCESS, explain
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings

SELF_TEST_TOKENS = 16
PROBE_SECONDS = 60.0

# Runs in a child, so that a broken native library is a line of the report and not the end of it.
_PROBE = """
import json, sqlite3
found = {"sqlite": sqlite3.sqlite_version}
try:
    import llama_cpp
    found["llama_cpp_python"] = llama_cpp.__version__
    found["system_info"] = llama_cpp.llama_print_system_info().decode()
    found["gpu_offload"] = bool(llama_cpp.llama_supports_gpu_offload())
except Exception as error:
    found["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the report; return 1 where the engine does not work."""
    probe = _probe_engine()
    report = {"versions": _versions(probe), "processor": _processor(probe), **_try_model(arguments)}
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(report)))
    return SUCCESS if report["self_test"]["passed"] else FAILURE


def _probe_engine() -> dict[str, Any]:
    """Ask a child what the native libraries say about themselves."""
    command = [sys.executable, "-P", "-c", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"loading the engine took more than {PROBE_SECONDS:g} seconds"}
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": f"loading the engine ended its process with exit code {done.returncode}"}


def _versions(probe: dict[str, Any]) -> dict[str, str]:
    from studio.cli.version import longhand_version

    return {
        "longhand": longhand_version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": probe.get("sqlite", "unknown"),
        "llama_cpp_python": probe.get("llama_cpp_python") or f"not usable: {probe.get('error', 'unknown reason')}",
    }


def _processor(probe: dict[str, Any]) -> dict[str, Any]:
    """The system info of llama.cpp reads "CPU : AVX = 1 | FMA = 1 | ..."."""
    parts = probe.get("system_info", "").replace(":", "|").split("|")
    features = [name.strip() for name, _, value in (part.partition("=") for part in parts) if value.strip() == "1"]
    return {
        "name": platform.machine(),
        "cores": os.cpu_count() or 0,
        "features": features,
        "gpu_offload": probe.get("gpu_offload", False),
    }


def _try_model(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Load the model in a worker of its own, let it write a few tokens, and describe both."""
    from studio.writing.session import model_path, open_model

    settings = model_settings(arguments, model_of(arguments, user_settings().model))
    model: dict[str, Any] = {"starter": not settings.path}
    try:
        path = model_path(settings.path)
        model |= {"path": str(path), "megabytes": round(path.stat().st_size / 1e6, 1) if path.is_file() else 0}
        started = time.monotonic()
        with open_model(settings) as backend:
            model |= {"loading_seconds": round(time.monotonic() - started, 2), **_describe(backend)}
            return {"model": model, "self_test": {"passed": True, **_write_a_little(backend)}}
    except Exception as error:
        words = explain(error)
        return {"model": model, "self_test": {"passed": False, "error": f"{words.sentence} {words.hint}".strip()}}


def _describe(backend: Any) -> dict[str, Any]:
    can = backend.capabilities
    return {
        "name": can.model_name,
        "architecture": can.architecture,
        "device": can.device,
        "gpu_layers": can.gpu_layers,
        "threads": can.threads,
        "context_tokens": can.context_tokens,
        "trained_context_tokens": can.trained_context_tokens,
        "chat_template": can.chat_template,
    }


def _write_a_little(backend: Any) -> dict[str, Any]:
    from backends.errors import BackendError
    from backends.types import Delta, Finished, GenerationRequest, Prompt, SamplingParams

    request = GenerationRequest(
        prompt=Prompt(raw="The lighthouse stood"), sampling=SamplingParams(temperature=0), max_tokens=SELF_TEST_TOKENS
    )
    started = time.monotonic()
    tokens, finished = 0, False
    for event in backend.generate(request):
        match event:
            case Delta():
                tokens += event.tokens
            case Finished(usage=usage):
                tokens, finished = max(tokens, usage.completion_tokens), True
    if not finished or not tokens:
        raise BackendError("The engine wrote nothing.", hint="Try another model.")
    return {"tokens": tokens, "seconds": round(time.monotonic() - started, 3)}


def _lines(report: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for part, values in report.items():
        lines.append(part.replace("_", " ").capitalize())
        lines += [f"  {name.replace('_', ' '):<24}{_shown(value)}" for name, value in values.items()]
    return lines


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(value) or "none known"
        case int():
            return f"{value:,}"
    return str(value)
