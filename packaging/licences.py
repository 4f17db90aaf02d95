# SPDX-License-Identifier: Apache-2.0
"""Collects the licences of everything that a package holds: `python packaging/licences.py FOLDER`.

Run in the environment that the package is made from. A part without a licence of its own stops the build.
"""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "licences"

# The wheels of Qt name the LGPL and do not bring its text.
WITHOUT_TEXT = {"PySide6-Essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"), "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt")}
IS_LICENCE = re.compile(r"licen[cs]e|copying|notice", re.IGNORECASE)


def distributions() -> list[str]:
    """Return the names of what is pinned for the packages, PyInstaller among them for its bootloader."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line]


def licences_of(name: str) -> list[Path]:
    """Return the licence files of an installed distribution, or those that are kept here for it."""
    if name in WITHOUT_TEXT:
        return [KEPT / text for text in WITHOUT_TEXT[name]]
    distribution = metadata.distribution(name)
    paths = [path for path in distribution.files or () if ".dist-info" in path.parts[0]]
    return [Path(str(path.locate())) for path in paths if IS_LICENCE.search(path.name)]


def collect(folder: Path) -> None:
    """Copy all of them. Raises LookupError where one has no licence."""
    for name in distributions():
        found = licences_of(name)
        if not found:
            raise LookupError(f"{name} has no licence file; put one into {KEPT} and name it in licences.py.")
        _copy(found, folder / name)
    _copy([KEPT / "llama.cpp.txt"], folder / "llama.cpp")
    _copy([Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"], folder / "Python")


def _copy(paths: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        # numpy has several files of one name, each for a part of it.
        name = path.name if not (folder / path.name).exists() else f"{path.parent.name}-{path.name}"
        shutil.copyfile(path, folder / name)


if __name__ == "__main__":
    collect(Path(sys.argv[1]))
