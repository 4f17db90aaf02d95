# SPDX-License-Identifier: Apache-2.0
"""Models on this disk, files and folders: what they are, told from their descriptions, without loading them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from backends.errors import ModelInvalid
from backends.gguf_header import Header, Value, read_header
from backends.safetensors_folder import ModelFolder, read_folder

MAX_PARTS = 1000

_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
_NO_WRITERS = {
    "adapter": "an adapter (LoRA)",
    "mmproj": "an image encoder",
    "clip": "an image encoder",
    "imatrix": "an importance matrix",
}
_FILE_TYPES = (
    {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M"}
    | {13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS"}
    | {21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S"}
    | {29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4"}
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What a model file says of itself.

    ``path`` is what an engine opens, ``parts`` are all files (one, unless the model is split), ``size`` is their sum in
    bytes. ``context_tokens`` is what the model was trained for, 0 where it does not say. ``prompt_version`` is the
    version of the studio's prompts that it was trained on, 0 for models from elsewhere.
    """

    path: Path
    parts: tuple[Path, ...]
    name: str
    architecture: str
    parameters: int
    size: int
    context_tokens: int
    quantisation: str
    chat_template: bool
    prompt_version: int


def read_metadata(path: str | Path) -> ModelFile:
    """Return what the model at ``path`` is, a file or a folder, with every part checked for completeness.

    Raises ModelNotFound where a file is missing or cannot be read, ModelInvalid where it is not a complete language
    model, in GGUF or as a safetensors folder; both say so in one sentence.
    """
    first = Path(path)
    if first.is_dir():
        return _of_folder(read_folder(first))
    header = read_header(first)
    architecture = _architecture(first, header)
    parts = _parts(first, header)
    headers = [header, *(read_header(part) for part in parts[1:])]
    parameters = sum(tensor.elements for part in headers for tensor in part.tensors)
    if not parameters:
        raise ModelInvalid(f"The file {first} has no weights.")
    return ModelFile(
        path=first,
        parts=parts,
        name=_text(header, "general.name").strip() or first.stem,
        architecture=architecture,
        parameters=parameters,
        size=sum(part.file_size for part in headers),
        context_tokens=_count(header, f"{architecture}.context_length"),
        quantisation=_quantisation(headers),
        chat_template=bool(_text(header, "tokenizer.chat_template")),
        prompt_version=_count(header, "longhand.prompt_version"),
    )


def _of_folder(folder: ModelFolder) -> ModelFile:
    return ModelFile(
        path=folder.path,
        parts=folder.files,
        name=folder.path.name,
        architecture=folder.kind,
        parameters=folder.parameters,
        size=folder.size,
        context_tokens=folder.number("max_position_embeddings"),
        quantisation=folder.weight_kind,
        chat_template=bool(folder.chat_template),
        prompt_version=folder.number("longhand_prompt_version"),
    )


def starter_model(path: str | Path) -> ModelFile | None:
    """Return what the model that comes with the program is, None where it was not installed with it.

    Raises ModelInvalid where it is there and damaged.
    """
    return read_metadata(path) if Path(path).is_file() else None


def _architecture(path: Path, header: Header) -> str:
    architecture = _text(header, "general.architecture")
    kind = _NO_WRITERS.get(_text(header, "general.type")) or _NO_WRITERS.get(architecture)
    if kind:
        raise ModelInvalid(f"The file {path} is {kind} and cannot write; choose the language model itself.")
    if not architecture:
        raise ModelInvalid(f"The file {path} does not say what kind of model it is.")
    return architecture


def _parts(path: Path, header: Header) -> tuple[Path, ...]:
    count = _count(header, "split.count")
    if count <= 1:
        return (path,)
    name = _PART.fullmatch(path.name)
    if count > MAX_PARTS or name is None or int(name["count"]) != count:
        raise ModelInvalid(f"The file {path} is one of {count:,} parts but is not named like one; rename it back.")
    paths = tuple(path.with_name(f"{name['stem']}-{number:05}-of-{count:05}.gguf") for number in range(1, count + 1))
    if int(name["number"]) != 1:
        raise ModelInvalid(f"The file {path} is part {int(name['number'])} of {count}; choose {paths[0].name}.")
    missing = [part.name for part in paths if not part.is_file()]
    if missing:
        raise ModelInvalid(
            f"The model {path} is incomplete: {missing[0]} is missing ({len(missing)} of {count} parts)."
        )
    return paths


def _quantisation(headers: list[Header]) -> str:
    named = (
        _FILE_TYPES.get(_count(headers[0], "general.file_type")) if "general.file_type" in headers[0].values else None
    )
    if named:
        return named
    bytes_of = Counter[str]()
    for header in headers:
        for tensor in header.tensors:
            bytes_of[tensor.kind] += tensor.size or tensor.elements
    return bytes_of.most_common(1)[0][0]


def _text(header: Header, key: str) -> str:
    value: Value = header.values.get(key, "")
    return value if isinstance(value, str) else ""


def _count(header: Header, key: str) -> int:
    value: Value = header.values.get(key, 0)
    return value if type(value) is int and value >= 0 else 0
