# SPDX-License-Identifier: Apache-2.0
"""Builds llama-cpp-python for packages: `python packaging/engine_wheel.py [--jobs N] [--folder FOLDER]`.

What pip builds runs only on the processor of the machine that built it. Here the code that computes is built once for
each kind of processor, in a file of its own, and the program loads the best that runs (backends.engine.native). The
wheel stands in the folder and is built again only when something here changes. Prints the path of the wheel.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
LIBRARIES_ONLY = HERE / "llama_cpp" / "only_the_libraries.cmake"
IN_THE_PACKAGE = "llama_cpp/lib"

OPTIONS = (
    "-DGGML_NATIVE=OFF",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    # Pictures and sound are not read.
    "-DLLAVA_BUILD=OFF",
    "-DLLAMA_BUILD_MTMD=OFF",
    # The files with the code for each processor go to llama.cpp's own folders, and must stand beside the library.
    f"-DCMAKE_INSTALL_BINDIR={IN_THE_PACKAGE}",
    f"-DCMAKE_INSTALL_LIBDIR={IN_THE_PACKAGE}",
    "-DCMAKE_INSTALL_INCLUDEDIR=llama_cpp/include",
)
"""What CMake is told, on every system; on macOS the binding adds Metal by itself."""


def requirement() -> str:
    """Return the pinned requirement of the binding."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("llama-cpp-python=="))


def fingerprint() -> str:
    """Return what distinguishes wheels: version, options, system and processor family."""
    parts = (requirement(), *OPTIONS, LIBRARIES_ONLY.read_text(encoding="utf-8"), sys.platform, platform.machine())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def build(folder: Path, jobs: int) -> Path:
    """Return the wheel in ``folder``, which is built if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    if found := sorted(folder.glob("*.whl")):
        return found[0]
    options = [*OPTIONS, f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={LIBRARIES_ONLY.as_posix()}"]
    environment = dict(os.environ, CMAKE_ARGS=" ".join(options), CMAKE_BUILD_PARALLEL_LEVEL=str(jobs))
    # A wheel that pip built and kept before would be the native one.
    words = ["--no-cache-dir", "--no-deps", "--no-binary", "llama-cpp-python", "--wheel-dir", str(folder)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", *words, requirement()]
    subprocess.run(command, env=environment, stdout=sys.stderr, check=True)
    return next(folder.glob("*.whl"))


def main() -> None:
    """Build the wheel and print where it stands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="compilers at a time")
    parser.add_argument("--folder", type=Path, default=HERE.parent / "build" / "engine", help="where wheels stand")
    arguments = parser.parse_args()
    print(build(arguments.folder / fingerprint(), arguments.jobs))


if __name__ == "__main__":
    main()
