# SPDX-License-Identifier: Apache-2.0
"""The one form of every result."""

from __future__ import annotations

import json

import pytest

from studio.bench import report
from studio.bench.report import Row, at_least, at_most


@pytest.mark.parametrize(("value", "met"), [(49.9, True), (50.0, True), (50.1, False)])
def test_at_most_meets_its_limit(value, met):
    assert at_most("own time", value, "us", 50.0) == Row("own time", value, "us", "<= 50", met)


@pytest.mark.parametrize(("value", "met"), [(0.96, True), (0.95, True), (0.94, False)])
def test_at_least_meets_its_limit(value, met):
    assert at_least("prefill", value, "x", 0.95) == Row("prefill", value, "x", ">= 0.95", met)


def test_a_result_is_one_json_object(capsys):
    report.print_rows([Row("a", 1.5, "s"), Row("b", None, "x", ">= 1", None)])
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"rows", "machine", "commit", "command"}
    assert result["rows"][0] == {"name": "a", "value": 1.5, "unit": "s", "target": "", "met": None}
    assert result["rows"][1]["value"] is None
    assert "cores" in result["machine"]
    assert result["commit"]


def test_a_line_says_what_was_missed_and_what_was_not_measured():
    assert report.line(Row("stop", 60.0, "ms", "<= 50", False)).endswith("60 ms  <= 50       MISSED")
    assert "not measured" in report.line(Row("gpu", None, "x"))
