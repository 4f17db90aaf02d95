# SPDX-License-Identifier: Apache-2.0
"""Job files: everything wrong is said at once, with its line, before anything is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.batch.errors import JobFileUnreadable, JobsInvalid
from studio.batch.job_files import MAX_LINE_BYTES, Defaults, Job, read_jobs

DEFAULTS = Defaults("story", "en")
GOOD = {"name": "a", "brief": "A story about a map", "words": 300}


@pytest.fixture
def read(tmp_path: Path):
    def read(*lines: object) -> tuple[Job, ...]:
        path = tmp_path / "jobs.jsonl"
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        path.write_bytes(b"\n".join(texts) + b"\n")
        return read_jobs(path, DEFAULTS)

    return read


def refusals(read, *lines: object) -> list[str]:
    with pytest.raises(JobsInvalid) as invalid:
        read(*lines)
    return invalid.value.__notes__


def test_a_line_is_a_document_and_may_leave_out_what_has_a_default(read):
    full = GOOD | {"name": "B 1", "kind": "report", "language": "pt-BR", "seed": 7, "formats": ["docx", "md", "docx"]}
    first, second = read(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), b"  ", full)
    assert (first.line, first.name, first.brief.kind, first.brief.language, first.formats) == (
        1,
        "a",
        "story",
        "en",
        ("md",),
    )
    assert (second.line, second.brief.kind, second.brief.language, second.seed) == (3, "report", "pt-BR", 7)
    assert second.formats == ("docx", "md")
    assert read(GOOD)[0].seed == first.seed


def test_what_is_asked_for_has_an_identity_and_formats_are_no_part_of_it(read):
    (plain,), (formats,), (seed,) = read(GOOD), read(GOOD | {"formats": ["txt"]}), read(GOOD | {"seed": 1})
    assert plain.identity == formats.identity != seed.identity


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"\xff", "not UTF-8 text (byte 0)"),
        (b"[" * 100_000, "not JSON"),
        (b'{"name": "' + b"a" * MAX_LINE_BYTES, "longer than"),
        ({"name": "a"}, "brief and words must be given"),
        (GOOD | {"wrods": 1}, '"wrods" is not known'),
        (GOOD | {"name": ""}, "name is empty"),
        (GOOD | {"name": 3}, "name must be text"),
        (GOOD | {"name": "a/b"}, "cannot be the name of a file"),
        (GOOD | {"name": "../a"}, "cannot be the name of a file"),
        (GOOD | {"name": "_report"}, "cannot be the name of a file"),
        (GOOD | {"name": "a."}, "cannot be the name of a file"),
        (GOOD | {"name": "CON"}, "cannot be the name of a file"),
        (GOOD | {"name": "é" * 81}, "longer than 160 bytes"),
        (GOOD | {"name": "a\ud800"}, "half of a character"),
        (GOOD | {"brief": " "}, "brief is empty"),
        (GOOD | {"brief": "a\0b"}, "zero byte"),
        (GOOD | {"words": 0}, "words must be a whole number between"),
        (GOOD | {"words": "300"}, "words must be a whole number between"),
        (GOOD | {"words": True}, "words must be a whole number between"),
        (GOOD | {"words": 300.0}, "words must be a whole number between"),
        (GOOD | {"kind": "novel?"}, "kind must be one of"),
        (GOOD | {"kind": None}, "kind must be one of"),
        (GOOD | {"language": "e"}, "language must be a tag"),
        (GOOD | {"seed": -1}, "seed must be a whole number between"),
        (GOOD | {"formats": []}, "formats must be a list of md"),
        (GOOD | {"formats": "md"}, "formats must be a list of md"),
        (GOOD | {"formats": ["pdf"]}, "formats must be a list of md"),
        (GOOD | {"formats": [["md"]]}, "formats must be a list of md"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(read, line, words):
    (refusal,) = refusals(read, GOOD | {"name": "good"}, line)
    assert refusal.startswith("line 2: ")
    assert words in refusal


def test_all_wrong_lines_are_named_at_once(read):
    wrong = refusals(read, GOOD, b"{", GOOD | {"name": "A"}, GOOD | {"name": "b", "words": 1}, GOOD | {"name": "c"})
    assert [each.partition(":")[0] for each in wrong] == ["line 2", "line 3", "line 4"]
    assert 'the name "A" is that of line 1 already' in wrong[1]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_jobs_is_refused(tmp_path: Path, content):
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(content)
    with pytest.raises(JobFileUnreadable, match="no jobs"):
        read_jobs(path, DEFAULTS)
    with pytest.raises(JobFileUnreadable, match="folder"):
        read_jobs(tmp_path, DEFAULTS)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
lines = st.binary(max_size=40) | st.dictionaries(
    st.sampled_from(["name", "brief", "words", "kind", "language", "seed", "formats"]), values
).map(lambda given: json.dumps(given).encode())


@given(st.lists(lines.filter(lambda line: b"\n" not in line), max_size=6))
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("jobs") / "jobs.jsonl"
    path.write_bytes(b"\n".join(content))
    try:
        jobs = read_jobs(path, DEFAULTS)
    except (JobsInvalid, JobFileUnreadable):
        return
    assert len({job.name for job in jobs}) == len(jobs)
