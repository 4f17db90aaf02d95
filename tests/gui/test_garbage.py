# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from studio.gui.garbage import GarbageCollector


@pytest.fixture
def collected_in() -> Iterator[list[str]]:
    """Return a list that gets the name of each thread in which garbage is collected."""
    threads: list[str] = []

    def note(phase: str, info: object) -> None:
        if phase == "stop":
            threads.append(threading.current_thread().name)

    gc.callbacks.append(note)
    yield threads
    gc.callbacks.remove(note)


def make_garbage() -> None:
    """Leave more rings of objects behind than the collector's thresholds allow."""
    for _ in range(20_000):
        ring: list[object] = []
        ring.append(ring)


def test_another_thread_never_collects(collector: GarbageCollector, collected_in: list[str]) -> None:
    thread = threading.Thread(target=make_garbage, name="other")
    thread.start()
    thread.join()
    assert collected_in == []
    collector.collect_if_due()
    assert collected_in == ["MainThread"]


def test_the_timer_frees_objects_of_qt_in_the_windows_thread(collector: GarbageCollector, qtbot: QtBot) -> None:
    freed_in: list[str] = []
    ring: list[object] = [QObject()]
    ring[0].destroyed.connect(lambda: freed_in.append(threading.current_thread().name))  # type: ignore[attr-defined]
    ring.append(ring)
    del ring
    thread = threading.Thread(target=make_garbage)
    thread.start()
    qtbot.waitUntil(lambda: bool(freed_in), timeout=10_000)
    thread.join()
    assert freed_in == ["MainThread"]


def test_after_the_end_python_collects_by_itself_again(collector: GarbageCollector) -> None:
    assert not gc.isenabled()
    collector.stop()
    assert gc.isenabled()
