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
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from studio.cli.errors import FAILURE, SUCCESS, explain
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings

SELF_TEST_TOKENS = 16
PROBE_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]

# Both run in children: a broken native library is a line of the report and not the end of it.
_ENGINE_PROBE = ("-m", "backends.engine.probe")
_SQLITE_PROBE = ("-m", "studio.project.sqlite_probe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the report; return 1 where the engine does not work."""
    engine = _ask_child(_ENGINE_PROBE)
    report = {
        "versions": _versions(engine, _ask_child(_SQLITE_PROBE)),
        "processor": _processor(engine),
        "devices": {device["name"]: _device_line(device) for device in engine.get("devices", [])},
        **_try_model(arguments),
    }
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(report)))
    return SUCCESS if report["self_test"]["passed"] else FAILURE


def _ask_child(words: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object that a Python child prints, or ``error``: how it failed."""
    inherited = os.environ.get("PYTHONPATH")
    # A checkout that is not installed: the child must find the same code as this process.
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(_ROOT), *([inherited] if inherited else [])]))
    command = [sys.executable, "-P", *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"it did not load within {PROBE_SECONDS:g} seconds"}
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": f"loading it ended the process with exit code {done.returncode}"}


def _versions(engine: dict[str, Any], sqlite: dict[str, Any]) -> dict[str, str]:
    from studio.cli.version import longhand_version

    return {
        "longhand": longhand_version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": _version_or_error(sqlite),
        "llama_cpp_python": _version_or_error(engine),
        **{name: _installed(name) for name in ("torch", "transformers")},
    }


def _installed(package: str) -> str:
    """Return the version of a package that only some models need, without loading it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed; models in folders need it"


def _version_or_error(answer: dict[str, Any]) -> str:
    return answer.get("version") or f"not usable: {answer.get('error', 'unknown reason')}"


def _device_line(device: dict[str, Any]) -> str:
    free, total = (device[key] / 2**30 for key in ("memory_free", "memory_total"))
    return f"{device['description']}, {free:.1f} of {total:.1f} GiB free"


def _processor(probe: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": platform.machine(),
        "cores": os.cpu_count() or 0,
        "features": probe.get("features", []),
        "gpu_offload": probe.get("gpu_offload", False),
    }


def _try_model(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Load the model in a worker of its own, let it write a few tokens, and describe both."""
    from studio.writing.session import model_path, open_model

    settings = model_settings(arguments, model_of(arguments, user_settings().model))
    model: dict[str, Any] = {"starter": not settings.path}
    try:
        path = model_path(settings.path)
        model |= {"path": str(path), **_describe_file(path)}
        started = time.monotonic()
        with open_model(settings) as backend:
            model |= {"loading_seconds": round(time.monotonic() - started, 2), **_describe(backend)}
            return {"model": model, "self_test": {"passed": True, **_write_a_little(backend)}}
    except Exception as error:
        words = explain(error)
        return {"model": model, "self_test": {"passed": False, "error": f"{words.sentence} {words.hint}".strip()}}


def _describe_file(path: Path) -> dict[str, Any]:
    """What the file says of itself; what is wrong with it is said by the engine, which also opens other kinds."""
    from backends.catalog import read_metadata
    from backends.errors import BackendError

    try:
        file = read_metadata(path)
    except BackendError:
        return {}
    return {
        "megabytes": round(file.size / 1e6, 1),
        "parameters": file.parameters,
        "quantisation": file.quantisation,
        "prompt_version": file.prompt_version,
    }


def _describe(backend: Any) -> dict[str, Any]:
    can = backend.capabilities
    return {
        "name": can.model_name,
        "architecture": can.architecture,
        "device": can.device,
        "gpu_layers": can.gpu_layers,
        "threads": can.threads,
        "processor_features": list(can.processor_features),
        "flash_attention": can.flash_attention,
        "kv_cache": can.cache_type,
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
