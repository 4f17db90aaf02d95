# SPDX-License-Identifier: Apache-2.0
"""Engines for the tests: random-weight models of every template, and what a reader sees of a request."""

from __future__ import annotations

import codecs
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from backends.engine import open_engine
from backends.engine.base import BatchToken, Engine
from backends.engine.scheduler import RequestFailed, Scheduler
from backends.engine.scripted import write_script
from backends.types import (
    Delta,
    Event,
    Finished,
    GenerationRequest,
    Message,
    ModelSettings,
    Progress,
    Prompt,
    Rewind,
    Role,
    Settled,
)
from tests.models import make_model
from tests.safetensors_models import TORCH_MARKS, convert

Maker = Callable[..., Engine]
LLAMA_CPP, TORCH = "llama.cpp", "torch"
ENGINES = [LLAMA_CPP, pytest.param(TORCH, marks=TORCH_MARKS)]


@dataclass
class Reading:
    """What a reader has of a request: text per take, checked against every promise of the events."""

    texts: dict[int, str] = field(default_factory=dict)
    settled: dict[int, int] = field(default_factory=dict)
    finished: dict[int, Finished] = field(default_factory=dict)
    progress: list[Progress] = field(default_factory=list)
    rewinds: list[Rewind] = field(default_factory=list)

    def read(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.progress.append(event)
            return
        take = event.take
        assert take not in self.finished, "an event after the end of its take"
        text = self.texts.get(take, "")
        match event:
            case Delta():
                self.texts[take] = text + event.text
                event.text.encode()  # valid Unicode
            case Rewind():
                assert 0 < event.characters <= len(text) - self.settled.get(take, 0), "settled text was taken back"
                self.texts[take] = text[: len(text) - event.characters]
                self.rewinds.append(event)
            case Settled():
                assert self.settled.get(take, 0) < event.characters <= len(text)
                self.settled[take] = event.characters
            case Finished():
                self.finished[take] = event

    @property
    def text(self) -> str:
        return self.texts.get(0, "")


class HeardScheduler(Scheduler):
    """A scheduler whose steps return what they delivered, and raise the error of a request that failed."""

    def __init__(self, engine: Engine, blobs: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self._heard: list[Event | RequestFailed] = []
        super().__init__(engine, blobs, self._heard.extend)

    def step(self) -> list[Event]:  # type: ignore[override]
        super().step()
        heard, self._heard[:] = list(self._heard), []
        failed = [item for item in heard if isinstance(item, RequestFailed)]
        if failed:
            raise failed[0].error
        return [item for item in heard if not isinstance(item, RequestFailed)]


def read_all(scheduler: HeardScheduler, request: GenerationRequest, request_id: int = 1) -> Reading:
    scheduler.submit(request_id, request)
    reading = Reading()
    while scheduler.busy:
        for event in scheduler.step():
            reading.read(event)
    return reading


def generate(engine: Engine, request: GenerationRequest) -> Reading:
    scheduler = HeardScheduler(engine)
    try:
        return read_all(scheduler, request)
    finally:
        scheduler.close()


def certain_text(data: bytes) -> str:
    """Return the text of bytes up to where a character may be unfinished."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data)


def chat(text: str, system: str = "", **extra) -> Prompt:
    start = (Message(Role.SYSTEM, system),) if system else ()
    return Prompt((*start, Message(Role.USER, text)), **extra)


def prefill(engine: Engine, tokens: list[int], sequence: int = 0) -> int:
    """Decode a whole prompt into an empty sequence and return the row of its last logits."""
    engine.rewind(sequence, 0)
    batch = [BatchToken(token, index, sequence, index == len(tokens) - 1) for index, token in enumerate(tokens)]
    return engine.decode(batch)[0]


@pytest.fixture(scope="session")
def make_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Return a function that opens a random-weight model; equal arguments give the same engine.

    ``by`` is the engine that runs it; the weights are the same for each.
    """
    folder = tmp_path_factory.mktemp("models")
    opened: dict[str, Engine] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))

        def make(*, by: str = LLAMA_CPP, **options) -> Engine:
            key = repr((by, sorted(options.items())))
            if key not in opened:
                path = make_model(folder / f"{len(opened)}.gguf", **options)
                path = convert(path, path.with_suffix("")) if by == TORCH else path
                opened[key] = open_engine(ModelSettings(str(path), threads=1))
            return opened[key]

        yield make
        for engine in opened.values():
            engine.close()


@pytest.fixture(params=ENGINES)
def engine(make_engine: Maker, request: pytest.FixtureRequest) -> Engine:
    """Return the usual random-weight model in each engine, with nothing in its cache."""
    engine = make_engine(by=request.param)
    for sequence in range(engine.max_sequences):
        engine.rewind(sequence, 0)
    return engine


@pytest.fixture(params=ENGINES)
def engine_of(make_engine: Maker, request: pytest.FixtureRequest) -> Maker:
    """Return a function that opens a random-weight model of the Llama kind, in each engine."""
    return functools.partial(make_engine, by=request.param)


@pytest.fixture(params=ENGINES)
def open_model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    """Return a function that makes and opens a model with these settings, in each engine."""

    def opened(*, model: Mapping[str, object] = MappingProxyType({}), **settings) -> Engine:
        path = make_model(tmp_path / "m.gguf", **model)
        path = convert(path, tmp_path / "m") if request.param == TORCH else path
        return open_engine(ModelSettings(str(path), **{"threads": 1, **settings}))

    return opened


@pytest.fixture
def scripted(tmp_path: Path) -> Maker:
    """Return a function that opens a scripted engine."""
    return lambda **options: open_engine(ModelSettings(str(write_script(tmp_path / "x.script.json", **options))))
