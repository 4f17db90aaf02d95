# SPDX-License-Identifier: Apache-2.0
"""An OpenAI-compatible server on loopback that answers as it is told to, and misbehaves as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MODEL = "scripted"


@dataclass(frozen=True, slots=True)
class Question:
    """A chat completion that was asked for: which one it is (from 0), its body and its headers."""

    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The contents of its messages."""
        return "\n".join(message["content"] for message in self.body["messages"])


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: pieces of text as events, bytes as they are, numbers as seconds of silence.

    ``finish`` empty leaves out the end; ``usage`` are prompt and completion tokens.
    """

    pieces: Sequence[str | bytes | float] = ()
    finish: str = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    usage: tuple[int, int] | None = (100, 50)
    streamed: bool = True


Answer = Callable[[Question], Reply | str]


class OpenAIServer:
    """Serves on a free port of 127.0.0.1 while the ``with`` block runs.

    ``models`` is what ``/v1/models`` says (None: there is no such address), ``props`` what ``/props`` says.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        models: Any = ({"id": MODEL, "max_model_len": 4096},),
        props: Any = None,
        key: str = "",
    ) -> None:
        self.questions: list[Question] = []
        self.hung_up = threading.Event()
        self._script = _Script(answer, models, props, key, self.questions, self.hung_up)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self._script
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """What is given as --endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._script.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def wait_for_questions(self, number: int, seconds: float = 5.0) -> None:
        """Wait until ``number`` questions have come."""
        end = time.monotonic() + seconds
        while len(self.questions) < number:
            assert time.monotonic() < end, f"{len(self.questions)} questions came"
            time.sleep(0.005)


@dataclass(slots=True)
class _Script:
    """What the threads of the server share."""

    answer: Answer
    models: Any
    props: Any
    key: str
    questions: list[Question]
    hung_up: threading.Event
    ended: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    script: _Script


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        script = self.server.script
        value = {"/v1/models": script.models, "/props": script.props}.get(self.path)
        authorization = self.headers.get("Authorization", "")
        if script.key and authorization != f"Bearer {script.key}":
            self._say(401, {"error": {"message": f"Incorrect key {authorization}"}})
        elif value is None:
            self._say(404, {"error": {"message": "Not Found"}})
        elif isinstance(value, bytes):
            self._send(200, value, "text/html")
        else:
            self._say(200, value if self.path == "/props" else {"object": "list", "data": list(value)})

    def do_POST(self) -> None:
        script = self.server.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = Question(len(script.questions), body, dict(self.headers.items()))
        script.questions.append(question)
        reply = script.answer(question)
        try:
            self._reply(Reply((reply,)) if isinstance(reply, str) else reply)
        except OSError:
            script.hung_up.set()
        self.close_connection = True

    def _reply(self, reply: Reply) -> None:
        if reply.status != 200:
            self._send(reply.status, b"".join(_raw(reply.pieces)), "application/json", reply.headers)
        elif reply.streamed:
            self._stream(reply)
        else:
            self._say(200, _whole(reply))

    def _stream(self, reply: Reply) -> None:
        self._head(200, {"Content-Type": "text/event-stream", **reply.headers})
        for piece in reply.pieces:
            if isinstance(piece, float):
                self.server.script.ended.wait(piece)
            else:
                self.wfile.write(piece if isinstance(piece, bytes) else event(delta={"content": piece}))
        for last in _ending(reply):
            self.wfile.write(last)

    def _say(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def event(*, delta: Mapping[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return one event of a stream."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"choices": choices, **more}).encode() + b"\n\n"


def _ending(reply: Reply) -> Iterator[bytes]:
    if reply.finish:
        yield event(delta={}, finish=reply.finish)
        if reply.usage:
            yield event(usage=dict(zip(("prompt_tokens", "completion_tokens"), reply.usage, strict=True)))
        yield b"data: [DONE]\n\n"


def _whole(reply: Reply) -> dict[str, Any]:
    text = "".join(piece for piece in reply.pieces if isinstance(piece, str))
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": reply.finish}]}


def _raw(pieces: Sequence[str | bytes | float]) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece, str):
            yield piece.encode()
