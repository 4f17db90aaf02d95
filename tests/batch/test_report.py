# SPDX-License-Identifier: Apache-2.0
"""The report of a batch is one sound page, whatever the documents are called and however many there are."""

from __future__ import annotations

import re
import xml.dom.minidom

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio.batch.charts import MAX_DOTS, Value, value_chart
from studio.batch.ledger import DocumentState, Entry, Figures
from studio.batch.report import render_report


def entry(name: str, words: int = 1000, state: DocumentState = DocumentState.DONE, error: str = "") -> Entry:
    figures = Figures(words, 61.0, 2000, 1500, 0.01 if state is DocumentState.DONE else None)
    return Entry(name, "", ("md",), ("md",), state, 1000, figures, error, "", "", "")


def parsed(page: str) -> xml.dom.minidom.Document:
    return xml.dom.minidom.parseString(re.sub(r"<(meta[^>]*)>", r"<\1/>", page.removeprefix("<!DOCTYPE html>\n")))


@pytest.mark.parametrize("count", [0, 1, 24, MAX_DOTS + 1])
def test_a_report_is_one_page_with_pictures(count: int) -> None:
    entries = [entry(f"n{number}", 990 + number % 30) for number in range(count)]
    entries += [entry("f", 10, DocumentState.FAILED, "The <server> said no."), entry("w", 0, DocumentState.WAITING)]
    page = render_report("<out> & more", entries)
    tree = parsed(page)
    assert len(tree.getElementsByTagName("svg")) == (4 if count else 1)
    assert len(tree.getElementsByTagName("circle")) == (3 * count if count <= MAX_DOTS else 0)
    assert len(tree.getElementsByTagName("tr")) == 1 + count + 2 + 1
    assert f"{count} of {count + 2}" in page
    assert "The &lt;server&gt; said no." in page
    assert not re.search(r"<script|https?:|src=|url\(", page)


def test_what_missed_its_length_stands_out() -> None:
    page = render_report("out", [entry("good", 1010), entry("bad", 1011)])
    assert page.count('class="missed"') == 1
    assert page.count('class="dot bad"') == 1


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=2 * MAX_DOTS))
@example([5e-324])
@example([1.0, 1.0 + 2e-16])
def test_every_value_lies_on_the_picture(values: list[float]) -> None:
    chart = value_chart([Value("a", value) for value in values], lambda value: f"{value:g}", (0.0,))
    tree = xml.dom.minidom.parseString(chart)
    for circle in tree.getElementsByTagName("circle"):
        assert 0 <= float(circle.getAttribute("cx")) <= 720
        assert 0 <= float(circle.getAttribute("cy")) <= 220
    for bar in tree.getElementsByTagName("rect"):
        assert 0 <= float(bar.getAttribute("height")) <= 220
