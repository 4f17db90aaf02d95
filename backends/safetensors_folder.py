# SPDX-License-Identifier: Apache-2.0
"""A model as a folder of safetensors files: what it is, told from its descriptions, with a bound on everything.

The folder may come from anywhere. Weights are read from safetensors files only, since the other formats can run code,
and a folder that brings its own program code is refused. Nothing here needs torch.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.errors import ModelInvalid, ModelNotFound

KINDS = ("llama", "mistral", "qwen2", "qwen3", "granite", "olmo2", "smollm3")
"""The kinds of models (``model_type``) that are read: Llama, and those that differ from it in details only."""

MAX_DESCRIPTION = 64 << 20
MAX_PARTS = 1000
_CONFIG, _WEIGHTS, _INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
_UNSAFE = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_U64 = struct.Struct("<Q")
_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8}
_WEIGHT_KINDS = ("F32", "F16", "BF16")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What a folder says of itself: its configuration, its files, how many weights they hold and of which kind.

    ``size`` is in bytes; ``weight_kind`` is F32, F16 or BF16, whichever most weights have.
    """

    path: Path
    config: Mapping[str, Any]
    files: tuple[Path, ...]
    parameters: int
    size: int
    weight_kind: str

    @property
    def kind(self) -> str:
        """The kind of model, one of ``KINDS``."""
        return str(self.config["model_type"])

    def number(self, key: str) -> int:
        """Return a whole number of the configuration, 0 where there is none."""
        value = self.config.get(key, 0)
        return value if type(value) is int and value >= 0 else 0

    @property
    def chat_template(self) -> str:
        """The source of the chat template, empty where there is none."""
        beside = self.path / "chat_template.jinja"
        if beside.is_file():
            return _text(beside)
        template = read_description(self.path / "tokenizer_config.json", required=False).get("chat_template", "")
        if isinstance(template, list):
            named = {each.get("name"): each.get("template") for each in template if isinstance(each, dict)}
            template = named.get("default", "")
        return template if isinstance(template, str) else ""


def is_model_folder(path: Path) -> bool:
    """Tell whether a folder has what a model has: its configuration and weights. Nothing is read."""
    return (path / _CONFIG).is_file() and any((path / name).is_file() for name in (_WEIGHTS, _INDEX))


def read_folder(path: Path) -> ModelFolder:
    """Read and check the descriptions in a folder.

    Raises ModelNotFound where there is no model in it, ModelInvalid, in one sentence, where it is none that this
    program reads, needs code of its own, or is not complete.
    """
    if not (path / _CONFIG).is_file():
        raise ModelNotFound(f"The folder {path} has no {_CONFIG}, so it is no model.", hint=_NAME_A_MODEL)
    config = read_description(path / _CONFIG)
    _check_kind(path, config)
    files = _weight_files(path)
    kinds: Counter[str] = Counter()
    for file in files:
        kinds += _weights_in(file)
    if not kinds:
        raise ModelInvalid(f"The model {path} has no weights.")
    others = [kind for kind in kinds if kind not in _WEIGHT_KINDS]
    if others:
        raise ModelInvalid(f"The weights of {path} are of the kind {others[0]}; F32, F16 and BF16 are read.")
    size = sum(file.stat().st_size for file in files)
    return ModelFolder(path, config, files, sum(kinds.values()), size, kinds.most_common(1)[0][0])


_NAME_A_MODEL = "Name a GGUF file, or a folder with config.json, tokenizer.json and safetensors files."


def read_description(path: Path, *, required: bool = True) -> dict[str, Any]:
    """Return the JSON object in a file, an empty one where it is absent and not ``required``.

    Raises ModelInvalid where it is no such object, or too large to be one.
    """
    if not required and not path.is_file():
        return {}
    try:
        described = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ModelInvalid(f"The file {path} is damaged: {error}.") from error
    if not isinstance(described, dict):
        raise ModelInvalid(f"The file {path} describes nothing.")
    return described


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DESCRIPTION + 1)
    except OSError as error:
        raise ModelNotFound(f"The file {path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_DESCRIPTION:
        raise ModelInvalid(f"The file {path} is larger than any description.")
    return data.decode("utf-8", "replace")


def _check_kind(path: Path, config: Mapping[str, Any]) -> None:
    kind = config.get("model_type")
    if kind not in KINDS:
        if config.get("auto_map"):
            raise ModelInvalid(
                f"The model {path} needs program code of its own, which Longhand does not run.",
                hint="Choose a model that needs none, or a GGUF file of this one.",
            )
        raise ModelInvalid(
            f"The model {path} is of the kind {str(kind)[:40]!r}; folders of these kinds are read: {', '.join(KINDS)}.",
            hint="Choose a GGUF file of this model: many more kinds are read from those.",
        )
    if config.get("quantization_config"):
        raise ModelInvalid(
            f"The weights in {path} are quantised; only plain ones are read from folders.",
            hint="Choose a quantised GGUF file of this model, or its folder with plain weights.",
        )


def _weight_files(path: Path) -> tuple[Path, ...]:
    """Return the files with weights, every one of them inside the folder and present."""
    if (path / _INDEX).is_file():
        places = read_description(path / _INDEX).get("weight_map")
        names = sorted({str(name) for name in places.values()}) if isinstance(places, dict) else []
        if not 0 < len(names) <= MAX_PARTS or any(Path(name).name != name for name in names):
            raise ModelInvalid(f"The file {path / _INDEX} is damaged.")
    elif (path / _WEIGHTS).is_file():
        names = [_WEIGHTS]
    else:
        raise _no_weights(path)
    for name in names:
        if not name.endswith(".safetensors"):
            raise _no_weights(path)
        if not (path / name).is_file():
            raise ModelInvalid(f"The model {path} is incomplete: {name} is missing.")
    return tuple(path / name for name in names)


def _no_weights(path: Path) -> ModelInvalid:
    unsafe = next((file.name for pattern in _UNSAFE for file in sorted(path.glob(pattern))), "")
    if unsafe:
        return ModelInvalid(
            f"The weights of {path} are in files that can run code ({unsafe}); only safetensors files are read.",
            hint="Get the model with its weights as safetensors, or a GGUF file of it.",
        )
    return ModelInvalid(f"The folder {path} has no {_WEIGHTS}.", hint=_NAME_A_MODEL)


def _weights_in(path: Path) -> Counter[str]:
    """Return how many weights of each kind a file holds. Raises ModelInvalid where it is damaged or cut off."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_U64.size)
        length = _U64.unpack(start)[0] if len(start) == _U64.size else 0
        if not 0 < length <= min(MAX_DESCRIPTION, size):
            raise ModelInvalid(f"The file {path} is no safetensors file, or cut off.")
        header = file.read(length)
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        counted: Counter[str] = Counter()
        end = 0
        for tensor in tensors.values():
            end = max(end, _count(tensor, counted))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelInvalid(f"The file {path} is damaged.") from error
    if _U64.size + length + end > size:
        raise ModelInvalid(f"The file {path} is incomplete: it has {size:,} bytes and needs more; get it again.")
    return counted


def _count(tensor: Mapping[str, Any], counted: Counter[str]) -> int:
    """Add the weights of a tensor and return where it ends. Raises ValueError where its numbers contradict it."""
    kind, (begin, end) = tensor["dtype"], tensor["data_offsets"]
    elements = 1
    for extent in tensor["shape"]:
        if type(extent) is not int or extent < 0:
            raise ValueError("an extent")
        elements *= extent
    if not 0 <= begin <= end or (kind in _BITS and elements * _BITS[kind] != 8 * (end - begin)):
        raise ValueError("a place")
    counted[kind] += elements
    return end
