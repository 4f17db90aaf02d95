# SPDX-License-Identifier: Apache-2.0
"""The description at the start of a GGUF file, read with a bound on everything.

The file may come from anywhere. No number in it decides alone how much is read, kept or repeated: each is held
against the bytes that the file really has. Arrays are skipped; what a catalog needs are numbers and short texts.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from backends.errors import ModelInvalid, ModelNotFound

MAX_KEYS = 100_000
MAX_TENSORS = 200_000
MAX_NAME = 65_535
MAX_KEPT_TEXT = 1024 * 1024
MAX_ARRAY_TEXTS = 4_000_000
MAX_ELEMENTS = 2**48

_SMALLEST_KEY = 13  # length, one byte of value type and of value
_SMALLEST_TENSOR = 24  # length, dimensions, type, offset
_READ_AT_ONCE = 65_536
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_SCALARS = {
    number: struct.Struct(f"<{code}")
    for number, code in {
        0: "B",
        1: "b",
        2: "H",
        3: "h",
        4: "I",
        5: "i",
        6: "f",
        7: "?",
        10: "Q",
        11: "q",
        12: "d",
    }.items()
}
_TEXT, _ARRAY = 8, 9

# Elements in a block and bytes of a block, by tensor type.
TENSOR_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}

Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor; ``size`` in bytes is 0 for a type that is newer than this program."""

    name: str
    kind: str
    elements: int
    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself. ``values`` has no arrays, and no text longer than 1 MB."""

    file_size: int
    values: dict[str, Value] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = ()


def read_header(path: Path) -> Header:
    """Read and check the description of a GGUF file.

    Raises ModelNotFound where there is no such file or it cannot be read; ModelInvalid, in one sentence, where it is
    no GGUF file, damaged, or shorter than the tensors that it announces.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ModelInvalid(f"{path} is a folder, not a model file.")
        if not stat.S_ISREG(status.st_mode):
            # Opening a pipe would wait for whoever writes to it.
            raise ModelInvalid(f"{path} is not a file.")
        with path.open("rb", buffering=_READ_AT_ONCE) as file:
            return _parsed(_Source(file, os.fstat(file.fileno()).st_size))
    except FileNotFoundError as error:
        raise ModelNotFound(f"There is no model file {path}.") from error
    except (OSError, ValueError) as error:
        # ValueError: a name with a zero byte.
        raise ModelNotFound(f"The model file {path} cannot be read ({error}).") from error
    except _Damaged as damage:
        raise ModelInvalid(f"The file {path} {damage}.") from damage


class _Damaged(Exception):
    """What is wrong with the file, as the end of a sentence."""


class _Source:
    """The bytes of a file from front to back, and how many are left."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.left = size

    def take(self, count: int) -> bytes:
        self._use(count)
        data = self._file.read(count)
        if len(data) < count:
            raise _Damaged("became shorter while it was read")
        return data

    def skip(self, count: int) -> None:
        if count < _READ_AT_ONCE:
            # Reading on in the buffer is several times faster than seeking, and vocabularies have many short texts.
            self.take(count)
        else:
            self._use(count)
            self._file.seek(count, os.SEEK_CUR)

    def number(self, form: struct.Struct) -> int:
        return form.unpack(self.take(form.size))[0]

    def text(self, limit: int) -> str:
        length = self.number(_U64)
        if length > limit:
            raise _Damaged(f"is damaged: a name of {length:,} bytes")
        return self.take(length).decode("utf-8", "replace")

    def _use(self, count: int) -> None:
        if count > self.left:
            raise _Damaged("is incomplete: it ends inside its own description; get it again")
        self.left -= count


def _parsed(source: _Source) -> Header:
    _check_magic(source)
    tensor_count, key_count = source.number(_U64), source.number(_U64)
    if key_count > min(MAX_KEYS, source.left // _SMALLEST_KEY):
        raise _Damaged(f"is damaged or incomplete: it announces {key_count:,} properties")
    if tensor_count > min(MAX_TENSORS, source.left // _SMALLEST_TENSOR):
        raise _Damaged(f"is damaged or incomplete: it announces {tensor_count:,} tensors")
    values = _values(source, key_count)
    return Header(source.size, values, _tensors(source, tensor_count, _alignment(values)))


def _check_magic(source: _Source) -> None:
    if source.size == 0:
        raise _Damaged("is empty")
    start = source.take(min(8, source.size))
    if start == b"version ":
        raise _Damaged("is a Git LFS pointer and not the model itself; download the model")
    if start[:4] != b"GGUF":
        raise _Damaged("is not a GGUF model")
    if len(start) < 8:
        raise _Damaged("is incomplete: it ends inside its own description; get it again")
    (version,) = _U32.unpack(start[4:])
    if version in (2 << 24, 3 << 24):
        raise _Damaged("is made for big-endian machines")
    if version not in (2, 3):
        raise _Damaged(f"has GGUF version {version}; this program reads 2 and 3")


def _values(source: _Source, count: int) -> dict[str, Value]:
    values: dict[str, Value] = {}
    texts_left = MAX_ARRAY_TEXTS
    for _ in range(count):
        key, kind = source.text(MAX_NAME), source.number(_U32)
        if key in values:
            raise _Damaged(f"is damaged: it has the property {key[:80]!r} twice")
        if kind in _SCALARS:
            values[key] = source.number(_SCALARS[kind])
        elif kind == _TEXT:
            _keep_text(source, values, key)
        elif kind == _ARRAY:
            texts_left -= _skip_array(source, texts_left)
        else:
            raise _Damaged(f"is damaged: a property of the unknown type {kind}")
    return values


def _keep_text(source: _Source, values: dict[str, Value], key: str) -> None:
    length = source.number(_U64)
    if length <= MAX_KEPT_TEXT:
        values[key] = source.take(length).decode("utf-8", "replace")
    else:
        source.skip(length)


def _skip_array(source: _Source, texts_left: int) -> int:
    """Skip an array and return how many texts were in it: only they cost time for each."""
    kind, count = source.number(_U32), source.number(_U64)
    if kind in _SCALARS:
        source.skip(count * _SCALARS[kind].size)
        return 0
    if kind != _TEXT:
        raise _Damaged(f"is damaged: an array of the type {kind}")
    if count > min(texts_left, source.left // _U64.size):
        raise _Damaged(f"is damaged or incomplete: it announces a list of {count:,} texts")
    for _ in range(count):
        source.skip(source.number(_U64))
    return count


def _alignment(values: dict[str, Value]) -> int:
    alignment = values.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= 2**20 or alignment & (alignment - 1):
        raise _Damaged("is damaged: its alignment is no power of two")
    return alignment


def _tensors(source: _Source, count: int, alignment: int) -> tuple[Tensor, ...]:
    tensors: list[Tensor] = []
    names: set[str] = set()
    end = 0
    for _ in range(count):
        tensor, offset = _tensor(source)
        if tensor.name in names or offset % alignment:
            raise _Damaged(f"is damaged: the tensor {tensor.name[:80]!r} cannot be where it is said to be")
        names.add(tensor.name)
        tensors.append(tensor)
        end = max(end, offset + tensor.size)
    described = source.size - source.left
    needed = described + -described % alignment + end if tensors else described
    if needed > source.size:
        raise _Damaged(f"is incomplete: it has {source.size:,} of {needed:,} bytes; get it again")
    return tuple(tensors)


def _tensor(source: _Source) -> tuple[Tensor, int]:
    name, dimensions = source.text(MAX_NAME), source.number(_U32)
    if not 1 <= dimensions <= 4:
        raise _Damaged(f"is damaged: a tensor with {dimensions} dimensions")
    shape = [source.number(_U64) for _ in range(dimensions)]
    kind, offset = source.number(_U32), source.number(_U64)
    elements = 1
    for extent in shape:
        elements *= extent
        if not 0 < elements <= MAX_ELEMENTS:
            raise _Damaged(f"is damaged: a tensor of the shape {shape}")
    label, in_block, block_size = TENSOR_TYPES.get(kind, (f"type {kind}", 1, 0))
    if shape[0] % in_block:
        raise _Damaged(f"is damaged: a tensor of the shape {shape} in {label}")
    return Tensor(name, label, elements, elements // in_block * block_size), offset
