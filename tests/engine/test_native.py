# SPDX-License-Identifier: Apache-2.0
"""Where the code that computes comes from, and what it was compiled for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from backends.engine import native as module
from backends.engine.native import load_backends, processor_features


def test_features_are_read_from_the_system_info(monkeypatch):
    info = b"CPU : AVX = 1 | AVX2 = 0 | FMA = 1 | CUDA : ARCHS = 900 | "
    monkeypatch.setattr(module, "native", SimpleNamespace(llama_print_system_info=lambda: info))
    assert processor_features() == ("AVX", "FMA")


@pytest.mark.parametrize(("registered", "loaded"), [(0, [b"/program/llama_cpp/lib"]), (1, [])])
def test_code_in_files_of_its_own_is_loaded_where_the_library_has_none(monkeypatch, registered, loaded):
    calls = []
    library = SimpleNamespace(
        ggml_backend_reg_count=lambda: registered, ggml_backend_load_all_from_path=lambda folder: calls.append(folder)
    )
    monkeypatch.setattr(module, "native", SimpleNamespace(_lib=library, __file__="/program/llama_cpp/llama_cpp.py"))
    load_backends()
    assert calls == loaded
