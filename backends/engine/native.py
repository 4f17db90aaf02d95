# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's C interface as ``native``.

It is typed as Any: the annotations of the binding describe neither null pointers nor buffers, so they reject correct
calls and accept wrong ones. What may be passed is checked by hand in the modules that call it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp

native: Any = llama_cpp


def ggml() -> Any:
    """Return the library with ggml's functions, which the binding does not wrap.

    It is the handle of the library that computes: under another name the loader could give a second copy of ggml, with
    a list of backends of its own. On Windows, where a handle has only the functions of its own file, there is one copy.
    """
    if sys.platform == "win32":
        from llama_cpp._ggml import libggml

        return libggml
    return native._lib


def load_backends() -> None:
    """Load the code that computes on this machine, where the library was built without it (GGML_BACKEND_DL).

    Packages have it once for each kind of processor, in files beside the library; ggml takes the best that runs here.
    """
    library = ggml()
    if library.ggml_backend_reg_count() == 0:
        library.ggml_backend_load_all_from_path(os.fsencode(Path(native.__file__).parent / "lib"))


def processor_features() -> tuple[str, ...]:
    """Return what the code in use was compiled for, for example AVX2; a package has code for several processors."""
    # "CPU : AVX = 1 | FMA = 1 | ..."
    parts = native.llama_print_system_info().decode("utf-8", "replace").replace(":", "|").split("|")
    pairs = (part.partition("=") for part in parts)
    return tuple(name.strip() for name, _, value in pairs if value.strip() == "1")
