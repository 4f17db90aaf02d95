# SPDX-License-Identifier: Apache-2.0
"""Prints as JSON what the native engine says about itself and this machine: ``python -m backends.engine.probe``.

Run in a child process only: a native library that is built for another processor ends the process that loads it.
"""

from __future__ import annotations

import ctypes
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """A device that the engine can compute on; memory is in bytes."""

    name: str
    description: str
    memory_free: int
    memory_total: int


def main() -> None:
    """Print version, build features and devices of llama.cpp, or why it does not load."""
    try:
        report = _engine_report()
    except Exception as error:
        report = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(report))


def _engine_report() -> dict[str, object]:
    import llama_cpp

    from backends.engine.native import ggml, load_backends, native, processor_features

    load_backends()
    return {
        "version": llama_cpp.__version__,
        "features": processor_features(),
        "gpu_offload": bool(native.llama_supports_gpu_offload()),
        "devices": [asdict(device) for device in _devices(ggml())],
    }


def _devices(library: ctypes.CDLL) -> list[Device]:
    """Ask ggml, which llama-cpp-python loads and does not wrap; one without these functions has none to tell."""
    try:
        count, get, memory = (getattr(library, f"ggml_backend_dev_{name}") for name in ("count", "get", "memory"))
        texts = [getattr(library, f"ggml_backend_dev_{name}") for name in ("name", "description")]
    except AttributeError:
        return []
    size_pointer = ctypes.POINTER(ctypes.c_size_t)
    count.restype, get.restype, memory.restype = ctypes.c_size_t, ctypes.c_void_p, None
    get.argtypes, memory.argtypes = [ctypes.c_size_t], [ctypes.c_void_p, size_pointer, size_pointer]
    for text in texts:
        text.restype, text.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    found = []
    for device in map(get, range(count())):
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        memory(device, ctypes.byref(free), ctypes.byref(total))
        name, description = (text(device).decode("utf-8", "replace") for text in texts)
        found.append(Device(name, description, free.value, total.value))
    return found


if __name__ == "__main__":
    main()
