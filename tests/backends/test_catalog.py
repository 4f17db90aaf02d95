# SPDX-License-Identifier: Apache-2.0
"""The catalog: what a model file is, and a clear sentence for every file that is none."""

import os
import random
import struct
import time
import tracemalloc
from collections import Counter

import gguf
import numpy as np
import pytest

from backends.catalog import read_metadata, starter_model
from backends.errors import BackendError, ModelInvalid, ModelNotFound
from backends.gguf_header import MAX_KEPT_TEXT, TENSOR_TYPES
from tests.models import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "random.gguf", context=4096, prompt_version=3)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + value


def tensor(name="weight", shape=(32,), kind=0, offset=0):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


ARCHITECTURE = key("general.architecture", 8, text("llama"))


def made(keys=(ARCHITECTURE,), tensors=(), data=b"", version=3, announced_keys=None, announced_tensors=None):
    """The bytes of a GGUF file made by hand."""
    head = b"GGUF" + struct.pack(
        "<IQQ",
        version,
        len(tensors) if announced_tensors is None else announced_tensors,
        len(keys) if announced_keys is None else announced_keys,
    )
    described = head + b"".join(keys) + b"".join(tensors)
    return described + bytes(-len(described) % 32) + data


def refusal(path, content=None, kind=ModelInvalid):
    """The sentence with which a file is refused."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind) as caught:
        read_metadata(path)
    sentence = str(caught.value)
    assert sentence.endswith((".", ").")), sentence
    assert "\n" not in sentence
    assert path.name in sentence
    assert caught.value.hint
    return sentence


def test_a_model_is_described(model):
    found = read_metadata(model)
    assert found.path == model
    assert found.parts == (model,)
    assert found.name == "random llama"
    assert found.architecture == "llama"
    assert found.context_tokens == 4096
    assert found.chat_template
    assert found.prompt_version == 3
    assert found.quantisation == "F32"
    assert found.size == model.stat().st_size
    weights = gguf.GGUFReader(model).tensors
    assert found.parameters == sum(int(np.prod(weight.shape)) for weight in weights)


def test_what_a_model_does_not_say_is_empty(tmp_path):
    path = tmp_path / "plain.gguf"
    path.write_bytes(made(tensors=[tensor()], data=bytes(128)))
    found = read_metadata(str(path))
    assert (found.name, found.context_tokens, found.prompt_version) == ("plain", 0, 0)
    assert not found.chat_template
    assert (found.parameters, found.quantisation) == (32, "F32")


def test_the_quantisation_is_the_files_own_word_or_that_of_most_bytes(tmp_path):
    path = tmp_path / "q.gguf"
    tensors = [tensor("a", (256, 4), 12), tensor("b", (32,), 0, 576)]
    path.write_bytes(made(tensors=tensors, data=bytes(576 + 128)))
    assert read_metadata(path).quantisation == "Q4_K"
    named = [ARCHITECTURE, key("general.file_type", 4, struct.pack("<I", 15))]
    path.write_bytes(made(keys=named, tensors=tensors, data=bytes(576 + 128)))
    assert read_metadata(path).quantisation == "Q4_K_M"


def test_every_scalar_type_is_read_and_arrays_are_skipped(tmp_path):
    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    keys = [key(f"k{kind}", kind, struct.pack(f"<{code}", 1)) for kind, code in scalars.items()]
    keys.append(key("texts", 9, struct.pack("<IQ", 8, 3) + text("a") + text("b" * 100_000) + text("")))
    keys.append(key("numbers", 9, struct.pack("<IQ", 4, 70_000) + bytes(280_000)))
    keys.append(key("long", 8, text("x" * (MAX_KEPT_TEXT + 1))))
    keys += [ARCHITECTURE, key("llama.context_length", 10, struct.pack("<Q", 131_072))]
    path = tmp_path / "all.gguf"
    path.write_bytes(made(keys=keys, tensors=[tensor()], data=bytes(128)))
    assert read_metadata(path).context_tokens == 131_072


def test_a_tensor_type_of_the_future_is_no_reason_to_refuse(tmp_path):
    path = tmp_path / "new.gguf"
    path.write_bytes(made(tensors=[tensor(kind=77)], data=bytes(64)))
    assert read_metadata(path).quantisation == "type 77"


def test_tensor_sizes_agree_with_the_gguf_package():
    for number, (name, elements, size) in TENSOR_TYPES.items():
        kind = gguf.GGMLQuantizationType(number)
        assert kind.name == name
        if name != "Q8_1":  # only in memory, never in files; the package has its old size
            assert gguf.GGML_QUANT_SIZES[kind] == (elements, size)


def split(folder, count=3, skip=(), numbers=None):
    """A model in parts; returns their paths."""
    paths = []
    for number in range(1, count + 1):
        keys = [key("split.no", 2, struct.pack("<H", number - 1)), key("split.count", 2, struct.pack("<H", count))]
        path = folder / f"big-{number:05}-of-{count:05}.gguf"
        paths.append(path)
        if number not in skip:
            first = [ARCHITECTURE] if number == 1 else []
            path.write_bytes(made(keys=first + keys, tensors=[tensor(f"w{number}")], data=bytes(128)))
    return paths


def test_a_split_model_is_one_model(tmp_path):
    paths = split(tmp_path)
    found = read_metadata(paths[0])
    assert found.parts == tuple(paths)
    assert found.parameters == 96
    assert found.size == sum(path.stat().st_size for path in paths)


def test_a_split_model_needs_its_first_part_and_all_others_whole(tmp_path):
    paths = split(tmp_path)
    paths[1].write_bytes(ARCHITECTURE and made(keys=[ARCHITECTURE, key("split.count", 2, b"\x03\0")]))
    assert "choose big-00001-of-00003.gguf" in refusal(paths[1])
    split(tmp_path)
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    with pytest.raises(ModelInvalid, match=r"big-00003-of-00003\.gguf is incomplete"):
        read_metadata(paths[0])
    paths[2].unlink()
    assert "big-00003-of-00003.gguf is missing (1 of 3 parts)" in refusal(paths[0])
    renamed = paths[0].rename(tmp_path / "renamed.gguf")
    assert "rename it back" in refusal(renamed)


def test_a_missing_file(tmp_path):
    assert "no model file" in refusal(tmp_path / "no.gguf", kind=ModelNotFound)
    with pytest.raises(ModelNotFound):
        read_metadata("zero\0byte.gguf")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    path = tmp_path / "secret.gguf"
    path.write_bytes(made())
    path.chmod(0)
    assert "cannot be read" in refusal(path, kind=ModelNotFound)


def test_a_folder_and_a_pipe(tmp_path):
    assert "has no config.json" in refusal(tmp_path, kind=ModelNotFound)
    os.mkfifo(tmp_path / "pipe.gguf")
    assert "is not a file" in refusal(tmp_path / "pipe.gguf")


BROKEN = {
    "is empty": b"",
    "is not a GGUF model": b"PK\x03\x04 and so on",
    "is a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "ends inside its own description": b"GGUF\x03\0",
    "big-endian": made(version=3 << 24),
    "GGUF version 1": made(version=1),
    "GGUF version 4": made(version=4),
    "announces 18,446,744,073,709,551,615 properties": made(announced_keys=2**64 - 1),
    "announces 4,611,686,018,427,387,904 tensors": made(announced_tensors=2**62),
    "a list of 9,223,372,036,854,775,808 texts": made([key("a", 9, struct.pack("<IQ", 8, 2**63) + bytes(64))]),
    "inside its own description": made([key("a", 9, struct.pack("<IQ", 0, 2**63) + bytes(64))]),
    "an array of the type 9": made([key("a", 9, struct.pack("<IQ", 9, 1) + bytes(64))]),
    "unknown type 13": made([key("a", 13, bytes(8))]),
    "a name of": made([struct.pack("<Q", 2**40) + bytes(40)]),
    "twice": made([ARCHITECTURE, ARCHITECTURE], [tensor()], bytes(128)),
    "does not say what kind": made([key("a", 4, bytes(4))], [tensor()], bytes(128)),
    "an adapter": made([ARCHITECTURE, key("general.type", 8, text("adapter"))], [tensor()], bytes(128)),
    "an image encoder": made([key("general.architecture", 8, text("clip"))], [tensor()], bytes(128)),
    "has no weights": made(),
    "its alignment": made([ARCHITECTURE, key("general.alignment", 4, struct.pack("<I", 33))], [tensor()], bytes(128)),
    "0 dimensions": made(tensors=[tensor(shape=())], data=bytes(128)),
    "9 dimensions": made(tensors=[tensor(shape=(1,) * 9)], data=bytes(128)),
    "the shape [0]": made(tensors=[tensor(shape=(0,))], data=bytes(128)),
    "the shape [9223372036854775808, 2]": made(tensors=[tensor(shape=(2**63, 2))], data=bytes(128)),
    "the shape [33] in Q4_0": made(tensors=[tensor(shape=(33,), kind=2)], data=bytes(128)),
    "'weight' cannot be where": made(tensors=[tensor(offset=1)], data=bytes(256)),
    "'weight' cannot be": made(tensors=[tensor(), tensor()], data=bytes(128)),
    "it has 255 of 256 bytes": made(tensors=[tensor()], data=bytes(127)),
    "it has 256 of 4,611,686,018,427,388,160 bytes": made(tensors=[tensor(offset=2**62)], data=bytes(128)),
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_file_that_is_no_whole_model_is_refused_in_one_sentence(words, tmp_path):
    assert words in refusal(tmp_path / "broken.gguf", BROKEN[words])


def test_the_49_bytes_that_hang_another_reader_are_refused_at_once(tmp_path):
    content = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key("a", 9, struct.pack("<IQ", 8, 2**63))
    content = content.ljust(49, b"\0")
    started = time.monotonic()
    refusal(tmp_path / "hang.gguf", content)
    assert time.monotonic() - started < 0.5


def test_a_file_that_ends_anywhere_is_refused(model, tmp_path):
    whole = model.read_bytes()
    path = tmp_path / "cut.gguf"
    for size in (*range(1, 200, 7), *range(200, len(whole), len(whole) // 60), len(whole) - 1):
        refusal(path, whole[:size])


def test_many_empty_texts_do_not_take_minutes(tmp_path):
    """A sparse file of 1 TB can hold a list of as many texts as it likes."""
    path = tmp_path / "sparse.gguf"
    path.write_bytes(made([key("a", 9, struct.pack("<IQ", 8, 2**36))]))
    os.truncate(path, 2**40)
    started = time.monotonic()
    assert "a list of" in refusal(path)
    assert time.monotonic() - started < 3


def mutated(whole, header_size, chance):
    """A copy with some damage in its description."""
    data = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(header_size)
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                struct.pack_into("<Q", data, at, chance.choice((0, 2**31, 2**32, 2**63, 2**64 - 1, 2**16)))
            case 2:
                struct.pack_into("<I", data, at, chance.choice((0, 8, 9, 13, 2**31, 2**32 - 1)))
            case 3:
                del data[at : at + chance.randrange(1, 40)]
    return bytes(data)


@pytest.mark.parametrize("count", [2000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_thousands_of_damaged_files_give_an_answer_at_once(count, tmp_path):
    tokens = struct.pack("<IQ", 8, 20) + b"".join(text(f"token{number}") for number in range(20))
    keys = [
        ARCHITECTURE,
        key("general.name", 8, text("A name")),
        key("llama.context_length", 4, struct.pack("<I", 2048)),
        key("general.file_type", 4, struct.pack("<I", 15)),
        key("tokenizer.ggml.tokens", 9, tokens),
        key("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 20) + bytes(80)),
        key("split.count", 2, struct.pack("<H", 1)),
    ]
    whole = made(keys, [tensor(f"blk.{n}", (32, 2), 2, 64 * n) for n in range(6)], bytes(64 * 6))
    path, chance = tmp_path / "mutant.gguf", random.Random(count)
    answers = Counter()
    slowest = 0.0
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            content = mutated(whole, len(whole) - 64 * 6 - 8, chance)
            os.pwrite(file.fileno(), content, 0)
            file.truncate(len(content))
            started = time.perf_counter()
            answers[answer_about(path)] += 1
            slowest = max(slowest, time.perf_counter() - started)
    assert answers["read"] > 100
    assert answers[ModelInvalid] > 500
    assert set(answers) <= {"read", ModelInvalid, ModelNotFound}
    assert slowest < 2


def answer_about(path):
    """The class of the error with which a file is refused, or "read"."""
    try:
        read_metadata(path)
    except BackendError as error:
        return type(error)
    return "read"


def test_a_damaged_file_takes_no_more_memory_than_a_whole_one(tmp_path):
    path = tmp_path / "broken.gguf"
    tracemalloc.start()
    for content in BROKEN.values():
        path.write_bytes(content)
        answer_about(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


def test_a_vocabulary_of_a_quarter_million_is_read_in_a_moment(tmp_path):
    tokens = struct.pack("<IQ", 8, 262_144) + text("token") * 262_144
    path = tmp_path / "large.gguf"
    path.write_bytes(made([ARCHITECTURE, key("tokenizer.ggml.tokens", 9, tokens)], [tensor()], bytes(128)))
    started = time.monotonic()
    assert read_metadata(path).parameters == 32
    assert time.monotonic() - started < 2


def test_the_starter_model_may_be_absent(model, tmp_path):
    assert starter_model(tmp_path / "starter.gguf") is None
    found = starter_model(model)
    assert found is not None
    assert found.prompt_version == 3
