# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading

import pytest

from backends.engine.beside import Beside


def test_work_is_done_in_another_thread_in_order() -> None:
    before = threading.active_count()
    beside = Beside()
    done: list[tuple[int, str]] = []
    for number in range(100):
        beside.start(lambda number=number: done.append((number, threading.current_thread().name)))
        beside.join()
        assert done[-1] == (number, "beside")
    beside.close()
    assert threading.active_count() == before


def test_an_error_is_raised_where_it_is_waited_for_and_only_once() -> None:
    beside = Beside()
    beside.start(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        beside.join()
    beside.start(lambda: None)
    beside.join()
    beside.close()
    beside.close()


def test_the_caller_goes_on_meanwhile() -> None:
    beside, gate = Beside(), threading.Event()
    beside.start(gate.wait)
    gate.set()
    beside.join()
    beside.close()
