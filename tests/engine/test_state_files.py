# SPDX-License-Identifier: Apache-2.0
"""States on disk: what comes back is what was written or nothing, whatever happened to the file."""

from __future__ import annotations

import os
import random
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.engine import state_files
from backends.engine.base import BatchToken
from backends.engine.prefix_cache import PrefixCache
from backends.engine.state_files import MAX_FILES, StateFiles, StoredState, trim
from tests.engine.conftest import prefill
from tests.engine.test_prefix_cache import compute, numbers, serve

IDENTITY = bytes(range(32))
QUOTA = 1 << 30


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.state"), key=lambda path: path.stat().st_mtime_ns)


def stored(folder: Path, tokens: list[int], state: bytes, identity: bytes = IDENTITY) -> Path:
    assert StateFiles(folder, identity, QUOTA).save(tokens, state)
    return files_in(folder)[-1]


def fetched(folder: Path, tokens: list[int], identity: bytes = IDENTITY, quota: int = QUOTA) -> bytes | None:
    """Return the state that a new process finds for the tokens."""
    states = StateFiles(folder, identity, quota)
    found = states.find(tokens)
    return None if found is None else loaded(states, found)


def loaded(states: StateFiles, found: StoredState) -> bytes | None:
    with states.load(found) as state:
        return None if state is None else bytes(state)


def test_state_comes_back_to_a_new_process(tmp_path):
    tokens, state = numbers(300, 1), os.urandom(100_000)
    path = stored(tmp_path / "states" / "project", tokens, state)
    assert fetched(path.parent, tokens) == state
    assert fetched(path.parent, [*tokens[:150], 9999]) == state
    assert fetched(path.parent, [9999, *tokens]) is None
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_longest_common_beginning_is_found_and_whole_where_it_must_be(tmp_path):
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)
    tokens = numbers(100, 1)
    for length in (20, 60):
        states.save(tokens[:length], bytes(length))
    states.save([*tokens[:80], 201, 202], bytes(82))
    assert len(states.find(tokens).tokens) == 82
    assert len(states.find(tokens, whole=True).tokens) == 60
    assert len(states.find(tokens[:59], whole=True).tokens) == 20
    assert len(states.find(tokens[:50]).tokens) == 60  # the smaller file
    assert states.find([201, 202]) is None


def test_states_of_another_engine_are_neither_used_nor_removed(tmp_path):
    tokens = numbers(50, 1)
    path = stored(tmp_path / "p", tokens, b"state")
    assert fetched(tmp_path / "p", tokens, identity=bytes(32)) is None
    assert path.exists()


def damaged(data: bytes) -> dict[str, bytes]:
    """Return the same file damaged in ways that a disk or a program may cause."""
    return {
        "empty": b"",
        "cut in the header": data[:20],
        "cut in the tokens": data[:200],
        "cut in the state": data[:-1],
        "longer": data + b"x",
        "bit in the tokens": data[:100] + bytes([data[100] ^ 1]) + data[101:],
        "bit in the state": data[:-5] + bytes([data[-5] ^ 128]) + data[-4:],
        "number of tokens": data[:44] + b"\xff\xff\xff\xff" + data[48:],
        "length of the state": data[:48] + b"\xff" * 8 + data[56:],
        "zeros": bytes(len(data)),
        "text": b"once upon a time " * (len(data) // 17),
    }


@pytest.mark.parametrize("kind", damaged(bytes(300)))
def test_damaged_file_is_ignored(tmp_path, kind):
    tokens = numbers(50, 1)
    path = stored(tmp_path / "p", tokens, b"state" * 100)
    data = damaged(path.read_bytes())[kind]
    path.write_bytes(data)
    assert fetched(tmp_path / "p", tokens) is None
    assert path.exists() == (data[:8] != b"LONGHAND" and len(data) > 80)


def test_file_that_is_damaged_after_it_was_found_is_not_handed_on(tmp_path):
    tokens = numbers(50, 1)
    path = stored(tmp_path / "p", tokens, b"state" * 100)
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)
    found = states.find(tokens)
    other = StateFiles(tmp_path / "q", IDENTITY, QUOTA)
    other.save(tokens, b"other" * 100)
    path.write_bytes(files_in(tmp_path / "q")[0].read_bytes())
    assert loaded(states, found) is None
    assert states.find(tokens) is None
    assert not path.exists()


def test_file_that_has_gone(tmp_path):
    tokens = numbers(50, 1)
    path = stored(tmp_path / "p", tokens, b"state")
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)
    found = states.find(tokens)
    path.unlink()
    assert loaded(states, found) is None
    assert states.find(tokens) is None


def test_state_of_which_a_process_died_is_not_tried_again(tmp_path):
    tokens = numbers(50, 1)
    path = stored(tmp_path / "p", tokens, b"state")
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)
    with states.load(states.find(tokens)) as state:
        assert bytes(state) == b"state"
        assert fetched(tmp_path / "p", tokens) is None
    assert fetched(path.parent, tokens) == b"state"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_pipes_folders_and_links_are_not_waited_for(tmp_path):
    path = stored(tmp_path / "p", numbers(50, 1), b"state")
    for number, make in enumerate((os.mkfifo, os.mkdir, lambda at: os.symlink(path, at))):
        make(path.with_name(f"{number:032x}.state"))
    path.rename(tmp_path / "elsewhere")
    assert fetched(tmp_path / "p", numbers(50, 1)) is None


def test_what_a_killed_worker_was_writing_is_removed(tmp_path):
    path = stored(tmp_path / "p", numbers(50, 1), b"state")
    left = path.with_name(f".{path.stem}.123.tmp")
    left.write_bytes(b"half")
    young = left.with_name(f".{path.stem}.124.tmp")
    young.write_bytes(b"somebody is at it")
    aged(left, 0)
    (tmp_path / "p" / "notes.txt").write_text("not ours")
    assert fetched(tmp_path / "p", numbers(50, 1)) == b"state"
    assert not left.exists()
    assert young.exists()
    assert (tmp_path / "p" / "notes.txt").exists()


def test_disk_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state_files.os, "fsync", full)
    assert not states.save(numbers(50, 1), b"state")
    assert list((tmp_path / "p").iterdir()) == []
    (tmp_path / "file").write_text("")
    assert not StateFiles(tmp_path / "file", IDENTITY, QUOTA).save([1, 2], b"state")
    assert StateFiles(tmp_path / "file", IDENTITY, QUOTA).find([1, 2]) is None


def test_nothing_is_written_where_the_disk_would_be_full(tmp_path, monkeypatch):
    usage = state_files.shutil.disk_usage(tmp_path)._replace(free=2000)
    monkeypatch.setattr(state_files.shutil, "disk_usage", lambda _: usage)
    assert not StateFiles(tmp_path / "p", IDENTITY, QUOTA).save(numbers(50, 1), bytes(1000))


def aged(path: Path, seconds: int) -> None:
    path.touch()
    os.utime(path, (1_000_000_000 + seconds, 1_000_000_000 + seconds))


def test_quota_holds_for_all_projects_and_the_oldest_goes_first(tmp_path):
    tokens = numbers(10, 1)
    size = stored(tmp_path / "a", tokens, bytes(1000)).stat().st_size
    for number, name in enumerate("abc"):
        path = stored(tmp_path / name, [number, *tokens[1:]], bytes(1000)) if number else files_in(tmp_path / "a")[0]
        aged(path, number)
    assert fetched(tmp_path / "a", tokens) is not None  # used: b is the oldest now
    states = StateFiles(tmp_path / "d", IDENTITY, 3 * size + size // 2)
    assert states.save(tokens, bytes(1000))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "d"]
    assert not StateFiles(tmp_path / "e", IDENTITY, size - 1).save(tokens, bytes(1000))
    aged(tmp_path / "a" / f".{'0' * 32}.1.tmp", 0)
    trim(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []
    trim(tmp_path / "absent", 0)


def test_a_project_keeps_its_last_states(tmp_path):
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)
    for number in range(MAX_FILES + 3):
        assert states.save([number] * 10, bytes([number]))
        aged(states.find([number] * 10).path, number)
    assert len(files_in(tmp_path / "p")) == MAX_FILES
    assert [states.find([number] * 10) is None for number in range(MAX_FILES + 3)] == [True] * 3 + [False] * MAX_FILES


def test_file_larger_than_the_quota_is_not_read(tmp_path):
    path = stored(tmp_path / "p", [1, 2, 3], bytes(1000))
    assert fetched(tmp_path / "p", [1, 2, 3], quota=900) is None
    assert not path.exists()


def test_loading_is_compared_with_computing(tmp_path):
    states = StateFiles(tmp_path / "p", IDENTITY, QUOTA)
    states.save([1, 2, 3], bytes(2_000_000), prefill_rate=100.0)
    found = states.find([1, 2, 3])
    assert states.worth_loading(found, 1000, prefill_rate=0.0)  # 10 s of computing
    assert not states.worth_loading(found, 1, prefill_rate=0.0)
    assert not states.worth_loading(found, 1000, prefill_rate=1e6)
    assert loaded(states, found) is not None
    states._load_rate = 1e5  # a disk that takes 20 s
    assert not states.worth_loading(found, 1000, prefill_rate=0.0)


def mutated(data: bytes, others: list[bytes], choose: random.Random) -> bytes:
    """Return a damaged or foreign version of a file."""
    kind = choose.randrange(6)
    if kind == 0:  # bits
        changed = bytearray(data)
        for _ in range(choose.choice((1, 1, 2, 8, 64))):
            changed[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
        return bytes(changed)
    if kind == 1:  # cut, or longer
        return data[: choose.randrange(len(data) + 1)] + choose.randbytes(choose.choice((0, 0, 1, 100)))
    if kind == 2:  # the head of one, the rest of another
        other = choose.choice(others)
        return data[: choose.randrange(len(data))] + other[choose.randrange(len(other)) :]
    if kind == 3:  # a number in the header
        at, value = choose.randrange(96), choose.choice((0, 1, 0x7F, 0x80, 0xFF))
        return data[:at] + bytes([value]) * choose.choice((1, 4, 8)) + data[at + 8 :]
    if kind == 4:  # another program's file
        return choose.choice((b"GGUF", b"ggsn", b"SQLite format 3\0", b"LONGHAND")) + choose.randbytes(len(data))
    at = choose.randrange(len(data))
    return data[:at] + bytes(choose.randrange(1, 600)) + data[at:]  # a hole


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_damage_gives_the_state_or_nothing(tmp_path, seed):
    choose = random.Random(seed)
    folder = tmp_path / "p"
    if not folder.exists():
        for number in range(3):
            stored(folder, numbers(40 + number, number), random.Random(number).randbytes(500 + 100 * number))
        for path in files_in(folder):
            path.rename(tmp_path / path.name)
    originals = {path: path.read_bytes() for path in sorted(tmp_path.glob("*.state"))}
    path, data = choose.choice(list(originals.items()))
    (folder / path.name).write_bytes(mutated(data, list(originals.values()), choose))
    known = {random.Random(number).randbytes(500 + 100 * number) for number in range(3)}
    states = StateFiles(folder, IDENTITY, QUOTA)
    for number in range(3):
        tokens = numbers(40 + number, number)
        found = states.find(tokens)
        if found is not None:
            state = loaded(states, found)
            assert state is None or state in known
            assert state is None or (folder / path.name).read_bytes() in originals.values()


@pytest.mark.parametrize("architecture", ["llama", "mamba", "lfm2"])
def test_project_that_is_opened_again_computes_only_what_is_new(make_engine, tmp_path, architecture):
    engine = make_engine(architecture=architecture)
    for sequence in range(engine.max_sequences):
        engine.rewind(sequence, 0)
    prompt = numbers(400, 1)
    row = prefill(engine, [*prompt, 7])
    expected = engine.row(row).copy()
    engine.rewind(0, 0)
    cache = PrefixCache(engine, StateFiles(tmp_path / "p", engine.state_identity, QUOTA))
    assert serve(cache, engine, prompt, answer=5) == 0
    cache.keep()
    cache.clear()
    assert files_in(tmp_path / "p")
    engine._prefill_rate = 1.0  # a model slow enough that loading is worth it
    cache = PrefixCache(engine, StateFiles(tmp_path / "p", engine.state_identity, QUOTA))
    sequence = cache.acquire([*prompt, 7])
    assert engine.sequence_length(sequence) >= 399
    compute(engine, sequence, prompt)
    row = engine.decode([BatchToken(7, 400, sequence, True)])[0]
    assert np.abs(engine.row(row) - expected).max() < 1e-3
    cache.release(sequence, [])
    cache.clear()


def test_states_are_written_once(scripted, tmp_path):
    engine = scripted()
    states = StateFiles(tmp_path / "p", engine.state_identity, QUOTA)
    cache = PrefixCache(engine, states)
    serve(cache, engine, numbers(400, 1))
    cache.keep()
    times = [path.stat().st_mtime_ns for path in files_in(tmp_path / "p")]
    assert len(times) == 1
    serve(cache, engine, [*numbers(400, 1), 7])
    cache.keep()
    assert [path.stat().st_mtime_ns for path in files_in(tmp_path / "p")] == times


def test_state_that_the_engine_refuses_is_not_offered_again(scripted, tmp_path, monkeypatch):
    engine = scripted()
    states = StateFiles(tmp_path / "p", engine.state_identity, QUOTA)
    prompt = numbers(400, 1)
    assert states.save(prompt, b"no state")
    cache = PrefixCache(engine, states)
    serve(cache, engine, numbers(30, 2))
    sequence = cache.acquire(prompt)
    assert engine.sequence_length(sequence) == 0
    assert states.find(prompt) is None
