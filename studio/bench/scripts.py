# SPDX-License-Identifier: Apache-2.0
"""Texts in scripts whose characters are split between tokens, sent through the whole stream by a parrot."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.client import WorkerBackend
from backends.types import Delta, GenerationRequest, ModelSettings, Prompt
from studio.bench.measured import bench_worker
from studio.bench.report import Row

MOST_PER_REQUEST = 900
SENTENCES = {
    "Hindi": (
        "पहाड़ की तलहटी में एक पुराना प्रकाशस्तंभ खड़ा था।",
        "प्रधानमंत्री ने प्रतिनिधियों को क्षेत्रीय विश्वविद्यालय में आमंत्रित किया।",
        "वृद्ध रखवाला हर रात दीपक जलाता और समुद्र की ओर देखता रहता।",
        "बच्चों ने किताबों में छिपा हुआ नक्शा ढूँढ लिया।",
    ),
    "Thai": (
        "ผู้เฒ่าเฝ้าประภาคารริมทะเลมานานกว่าสี่สิบปี",
        "ประเทศไทยมีเกาะน้อยใหญ่มากมายที่ไม่มีผู้คนอาศัยอยู่",
        "เขาพบแผนที่เก่าซ่อนอยู่ใต้แผ่นไม้ของพื้นห้อง",
        "คลื่นซัดเข้าหาฝั่งตลอดทั้งคืนไม่เคยหยุด",
    ),
    "Chinese": (
        "老人在海边的灯塔里守了四十年。",
        "中华人民共和国的海岸线很长,岛屿众多。",
        "他在地板下面发现了一张发黄的地图。",
        "夜里风浪很大,船只都躲进了港湾。",
    ),
    "emoji": (
        "👩‍🚀🚢 🌊🌊 🗺️ 🧭 ⚓",
        "👨‍👩‍👧‍👦 🏝️ 🏳️‍🌈 🇹🇭🇮🇳🇨🇳",
        "👍🏽 🤷🏿‍♀️ ☔️ ❤️‍🔥 🕯️",
        "🧙‍♂️📜✨ 🦜 🐙 1️⃣2️⃣3️⃣",
    ),
}


@dataclass(frozen=True, slots=True)
class _Trip:
    """A text on its way: what came out of the stream."""

    tokens: int
    streamed: str


def script_rows(settings: ModelSettings, tokens: int) -> list[Row]:
    """Return a row for each script: of about ``tokens`` tokens, those in texts that came out differently."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "one-shot")
        with WorkerBackend(settings, command=bench_worker("--parrot", str(record))) as backend:
            trips = {
                script: [_trip(backend, text) for text in _texts(backend, sentences, tokens)]
                for script, sentences in SENTENCES.items()
            }
        at_once = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    one_shot = iter(at_once)
    rows = []
    for script, travelled in trips.items():
        total = sum(trip.tokens for trip in travelled)
        # A tokenizer may put a space in front; an answer begins with its first word.
        changed = sum(trip.tokens for trip in travelled if trip.streamed != next(one_shot).lstrip())
        name = f"{script}: {total:,} tokens, stream against detokenizing at once"
        rows.append(Row(name, changed, "tokens differ", "0", changed == 0))
    return rows


def _trip(backend: WorkerBackend, text: str) -> _Trip:
    request = GenerationRequest(Prompt(raw=text), max_tokens=2 * MOST_PER_REQUEST)
    streamed = "".join(event.text for event in backend.generate(request) if isinstance(event, Delta))
    return _Trip(backend.count_tokens([text])[0], streamed)


def _texts(backend: WorkerBackend, sentences: tuple[str, ...], tokens: int) -> Iterator[str]:
    """Yield texts of shuffled words, together at least ``tokens`` tokens; text and answer fit into the context."""
    shuffled = random.Random(0)
    pieces = [word for sentence in sentences for word in sentence.split()]
    sizes = dict(zip(pieces, backend.count_tokens([f" {piece}" for piece in pieces]), strict=True))
    room = min(MOST_PER_REQUEST, backend.capabilities.context_tokens // 2 - 2 * max(sizes.values()))
    while tokens > 0:
        chosen: list[str] = []
        while sum(sizes[piece] for piece in chosen) < min(room, tokens):
            chosen.append(shuffled.choice(pieces))
        text = " ".join(chosen)
        tokens -= backend.count_tokens([text])[0]
        yield text
