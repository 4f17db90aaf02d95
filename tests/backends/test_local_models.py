# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from backends.local_models import Fit, memory_fit, model_paths

GIB = 1024**3


@pytest.mark.parametrize(
    ("size", "memory", "fit"),
    [
        (1 * GIB, 16 * GIB, Fit.FITS),
        (7 * GIB, 10 * GIB, Fit.TIGHT),
        (9 * GIB, 10 * GIB, Fit.TOO_LARGE),
        (GIB // 100, GIB // 4, Fit.TOO_LARGE),
        (1 * GIB, 0, Fit.UNKNOWN),
    ],
)
def test_what_fits_leaves_room_for_context_and_system(size: int, memory: int, fit: Fit) -> None:
    assert memory_fit(size, memory) is fit


def test_a_small_model_fits_into_this_machine() -> None:
    assert memory_fit(1) in (Fit.FITS, Fit.UNKNOWN)


def test_files_are_found_in_folders_and_directly_below(tmp_path: Path) -> None:
    wanted = ["B-00001-of-00002.gguf", "a.gguf", "sub/c.gguf"]
    for name in (*wanted, "B-00002-of-00002.gguf", "notes.txt", "sub/deep/d.gguf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = model_paths([tmp_path, tmp_path, tmp_path / "absent"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.gguf", wanted[0], wanted[2]]


def test_folders_with_safetensors_are_found_beside_files(tmp_path: Path) -> None:
    for name in ("one/config.json", "one/model.safetensors", "two/config.json", "two/model.safetensors.index.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "config.json").touch()
    (tmp_path / "three.gguf").touch()
    assert [path.name for path in model_paths([tmp_path])] == ["one", "three.gguf", "two"]
    assert model_paths([tmp_path / "one"]) == (tmp_path / "one",)
