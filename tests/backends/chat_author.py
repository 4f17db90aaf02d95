# SPDX-License-Identifier: Apache-2.0
"""A chat model behind a scripted server that plans, writes and summarises, each in one bad habit."""

from __future__ import annotations

import json
import random
import re
import threading
from collections import Counter

from backends.engine.scripted_text import CLASSES, NAMES, TEMPLATES
from backends.text.segmentation import sentences
from tests.backends.openai_server import Question, Reply

HABITS = (
    "ends early",
    "writes double",
    "cuts a sentence and says stop",
    "leaves every third reply empty",
    "leaves two of three replies empty",
    "repeats the end of the text",
    "chats around the text",
    "loops",
    "plans in prose",
    "writes one paragraph without end",
)
"""What a document survives; "leaves all replies empty" is an error."""

_EMPTY = {
    "leaves every third reply empty": lambda number: number % 3 == 2,
    "leaves two of three replies empty": lambda number: number % 3 != 2,
    "leaves all replies empty": lambda _: True,
}
_SHARES = {"ends early": 0.35, "writes double": 2.0, "writes one paragraph without end": 3.0}
_WORDS = re.compile(r"LENGTH: (\d+) words")
_LAST = re.compile(r"LAST WORDS: \.\.\. (.*)\nSECTION: ")
_SECTIONS = re.compile(r"SECTIONS: (\d+)")


class ChatAuthor:
    """Answers questions; the same habit and seed give the same answers, in whatever order threads ask them."""

    def __init__(self, habit: str, seed: int = 0) -> None:
        self._habit = habit
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, question: Question) -> Reply:
        """Return the reply to a question about a plan, a section or a summary; another one each time it is asked."""
        if _EMPTY.get(self._habit, lambda _: False)(question.number):
            return Reply()
        with self._lock:
            self._asked[question.text] += 1
            times = self._asked[question.text]
        answer = _Answer(self._habit, random.Random(f"{self._habit} {self._seed} {times} {question.text}"))
        text = answer.to(question.text)
        return Reply(answer.pieces(text), usage=(len(question.text) // 4, len(text) // 4))


class _Answer:
    """One answer with its own chance."""

    def __init__(self, habit: str, chance: random.Random) -> None:
        self._habit = habit
        self._random = chance

    def to(self, asked: str) -> str:
        """Return the answer to a prompt."""
        if asked.startswith("You plan"):
            return self._plan(asked)
        if asked.startswith("You summarise"):
            return self._chatted(self._sentence(), "summary of the section")
        return self._section(asked)

    def _plan(self, asked: str) -> str:
        count = int(found[1]) if (found := _SECTIONS.search(asked)) else 1
        if self._habit == "plans in prose":
            return " ".join(self._sentence() for _ in range(8))
        sections = [{"title": f"{self._pick('A')} {self._pick('N')}", "points": self._points()} for _ in range(count)]
        plan = json.dumps({"title": f"The {self._pick('N')}", "sections": sections}, indent=2)
        return f"Sure! Here is the plan:\n\n```json\n{plan}\n```" if self._habit == "chats around the text" else plan

    def _points(self) -> list[str]:
        return [self._sentence() for _ in range(2)]

    def _section(self, asked: str) -> str:
        words = int(found[1]) if (found := _WORDS.search(asked)) else 200
        share = _SHARES.get(self._habit, self._random.uniform(0.8, 1.2))
        text = self._prose(max(1, round(words * share)))
        match self._habit:
            case "cuts a sentence and says stop":
                return text[: -self._random.randint(5, 40)]
            case "repeats the end of the text":
                return self._repeated(asked) + text
            case "loops":
                start = sentences(text)[len(sentences(text)) // 2]
                return text[: start.end] + f" {text[start.start : start.end]}" * 40
            case _:
                return self._chatted(text, "next part of the story")

    def _repeated(self, asked: str) -> str:
        found = _LAST.search(asked)
        if not found:
            return ""
        last = found[1]
        spans = sentences(last)
        start = spans[-min(len(spans), self._random.randint(1, 3))].start
        # Now and then from the middle of a sentence on.
        skipped = self._random.choice([0, 3])
        return " ".join(last[start:].split()[skipped:]) + " "

    def _chatted(self, text: str, what: str) -> str:
        if self._habit != "chats around the text":
            return text
        before = self._random.choice(
            [
                f"Sure! Here is the {what}:\n\n",
                f"Certainly! Here's the {what}.\n\n## {self._pick('N').title()}\n\n",
                f"**{self._pick('N').title()}**\n\n",
                f"Of course.\n\n---\n\n# Chapter {self._random.randint(1, 9)}\n",
                f"<think>They want the {what}.\n\nSo be it.</think>\n\n",
                f"Here is the {what}: ",
            ]
        )
        after = self._random.choice(
            ["\n\nLet me know if you'd like me to continue!", f"\n\n(Word count: {len(text.split())})", "\n\n---", ""]
        )
        return before + text + after

    def _prose(self, words: int) -> str:
        """Sentences in paragraphs, up to the first that reaches ``words``."""
        text, count = "", 0
        while count < words:
            sentence = self._sentence()
            count += len(sentence.split())
            flowing = self._habit == "writes one paragraph without end" or self._random.random() < 0.8
            text += ("" if not text else " " if flowing else "\n\n") + sentence
        return text

    def _sentence(self) -> str:
        words = self._clause()
        while self._random.random() < 0.35 and len(words) < 30:
            words += [self._pick("C"), *self._clause()]
        joined = " ".join(words)
        return f"{joined[:1].upper()}{joined[1:]}{self._random.choice('....!?')}"

    def _clause(self) -> list[str]:
        template = self._random.choice(TEMPLATES)
        words = [self._pick(slot) if slot in CLASSES else slot.lower() for slot in template]
        return [word if word in NAMES else word.lower() for word in words]

    def _pick(self, kind: str) -> str:
        return self._random.choice(CLASSES[kind])

    def pieces(self, text: str) -> list[str | bytes | float]:
        """Cut a text as a server might: anywhere."""
        cut: list[str | bytes | float] = []
        place = 0
        while place < len(text):
            size = self._random.randint(2, 40)
            cut.append(text[place : place + size])
            place += size
        return cut
