# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's C interface as ``native``.

It is typed as Any: the annotations of the binding describe neither null pointers nor buffers, so they reject correct
calls and accept wrong ones. What may be passed is checked by hand in the modules that call it.
"""

from __future__ import annotations

from typing import Any

from llama_cpp import llama_cpp

native: Any = llama_cpp
