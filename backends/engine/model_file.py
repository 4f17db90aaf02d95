# SPDX-License-Identifier: Apache-2.0
"""What is checked of a model file before native code opens it, and how a model is told from another."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from backends.errors import ModelInvalid, ModelNotFound

_HEADER = struct.Struct("<4sIQQ")
_MAX_TENSORS = 1_000_000
_MAX_KEYS = 1_000_000
_LEAST_BYTES_PER_ENTRY = 12
_FINGERPRINT_BYTES = 1 << 16


def check_header(path: Path) -> None:
    """Raise ModelNotFound or ModelInvalid unless the file begins like a GGUF model that can be as long as it says."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError as error:
        raise ModelNotFound(f"The model file {path} cannot be read: {error.strerror}.") from error
    if len(header) < _HEADER.size:
        raise ModelInvalid(f"The model file {path} is empty or cut off.")
    magic, version, tensors, keys = _HEADER.unpack(header)
    if magic != b"GGUF":
        raise ModelInvalid(f"The file {path} is not a GGUF model.")
    if version not in (2, 3):
        raise ModelInvalid(f"The model file {path} has GGUF version {version}; versions 2 and 3 are read.")
    if not 0 < tensors < _MAX_TENSORS or not 0 < keys < _MAX_KEYS or (tensors + keys) * _LEAST_BYTES_PER_ENTRY > size:
        raise ModelInvalid(f"The model file {path} is cut off or damaged.")


def fingerprint(path: Path) -> str:
    """Return 32 hexadecimal digits that tell a model file from others: its size, its beginning and its end."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_FINGERPRINT_BYTES))
        file.seek(max(0, size - _FINGERPRINT_BYTES))
        digest.update(file.read())
    return digest.hexdigest()[:32]
