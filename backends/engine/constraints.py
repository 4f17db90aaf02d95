# SPDX-License-Identifier: Apache-2.0
"""Bounded grammars: parsed and checked before native code sees them, and a matcher for engines without native ones.

llama.cpp dies on grammars that are wrong, undefined or left-recursive, and an unbounded one need not end. So a grammar
is accepted here only if every text that it allows is finite: no recursion at all, and every repetition has an upper
bound. The syntax is GBNF as in llama.cpp, without token references.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.errors import InvalidRequest
from backends.types import Constraint

MAX_GRAMMAR_CHARACTERS = 100_000
MAX_REPETITIONS = 2_000  # llama.cpp refuses more
MAX_ANSWER_CHARACTERS = 1_000_000
MAX_NESTING = 64
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "[": "[", "]": "]", "-": "-", "^": "^"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}


class Node:
    """A part of a grammar; parts are compared by identity."""


@dataclass(eq=False, slots=True)
class Characters(Node):
    """One code point out of ranges, or outside of them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def matches(self, code: int) -> bool:
        """Return whether the code point is allowed here."""
        return any(low <= code <= high for low, high in self.ranges) != self.negated

    def matches_between(self, low: int, high: int) -> bool:
        """Return whether some code point from ``low`` to ``high`` is allowed here."""
        if not self.negated:
            return any(first <= high and low <= last for first, last in self.ranges)
        for first, last in sorted(self.ranges):
            if first <= low <= last:
                low = last + 1
        return low <= high


@dataclass(eq=False, slots=True)
class Sequence_(Node):  # noqa: N801 (Sequence is taken)
    """Parts that follow each other."""

    parts: list[Node]


@dataclass(eq=False, slots=True)
class Choice(Node):
    """Parts of which one is taken."""

    parts: list[Node]


@dataclass(eq=False, slots=True)
class Repetition(Node):
    """A part that occurs between ``least`` and ``most`` times."""

    part: Node
    least: int
    most: int


@dataclass(eq=False, slots=True)
class Reference(Node):
    """A rule used inside another."""

    name: str
    rule: Node | None = None


@dataclass(frozen=True)
class Grammar:
    """A grammar that is valid and bounded. ``longest`` is an upper bound of its texts, in code points."""

    root: Node
    longest: int


@functools.lru_cache(maxsize=64)
def bounded_grammar(constraint: Constraint) -> Grammar:
    """Parse a constraint. Raises InvalidRequest where it is malformed, undefined, recursive or unbounded."""
    if len(constraint.grammar) > MAX_GRAMMAR_CHARACTERS:
        raise InvalidRequest(f"The grammar has more than {MAX_GRAMMAR_CHARACTERS} characters.")
    if "\0" in constraint.grammar:
        raise InvalidRequest("The grammar contains a zero character.")
    rules = _Parser(constraint.grammar).rules()
    if constraint.root not in rules:
        raise InvalidRequest(f"The grammar has no rule named {constraint.root!r}.")
    for rule in rules.values():
        _resolve(rule, rules)
    lengths = _Lengths()
    for name, rule in rules.items():
        lengths.of(Reference(name, rule))
    longest = lengths.known[constraint.root][1]
    if not 0 < longest <= MAX_ANSWER_CHARACTERS:
        raise InvalidRequest(
            f"The grammar allows texts of {longest} characters; 1 to {MAX_ANSWER_CHARACTERS} are served."
        )
    return Grammar(rules[constraint.root], longest)


def _children(node: Node) -> Sequence[Node]:
    if isinstance(node, (Sequence_, Choice)):
        return node.parts
    return [node.part] if isinstance(node, Repetition) else []


def _resolve(node: Node, rules: dict[str, Node]) -> None:
    """Bind references to their rules."""
    if isinstance(node, Reference):
        if node.name not in rules:
            raise InvalidRequest(f"The grammar uses the undefined rule {node.name!r}.")
        node.rule = rules[node.name]
    for child in _children(node):
        _resolve(child, rules)


@dataclass
class _Lengths:
    """How short and how long the texts of each part are; each rule is measured once."""

    known: dict[str, tuple[int, int]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def of(self, node: Node) -> tuple[int, int]:
        """Return the least and greatest length. Raises InvalidRequest for recursion, which has no greatest."""
        if isinstance(node, Characters):
            return 1, 1
        if isinstance(node, Reference):
            return self._of_rule(node)
        lengths = [self.of(child) for child in _children(node)]
        shortest, longest = [low for low, _ in lengths], [high for _, high in lengths]
        if isinstance(node, Choice):
            return min(shortest), max(longest)
        if isinstance(node, Repetition):
            if node.most > 1 and not shortest[0]:
                raise InvalidRequest("The grammar repeats a part that may be empty.")
            return shortest[0] * node.least, longest[0] * node.most
        return sum(shortest), sum(longest)

    def _of_rule(self, reference: Reference) -> tuple[int, int]:
        name = reference.name
        if name in self.open:
            raise InvalidRequest(f"The rule {name!r} of the grammar refers to itself, so its texts have no end.")
        if len(self.open) > MAX_NESTING or reference.rule is None:
            raise InvalidRequest("The rules of the grammar are nested too deeply.")
        if name not in self.known:
            self.open.append(name)
            self.known[name] = self.of(reference.rule)
            self.open.pop()
        return self.known[name]


@dataclass
class _Parser:
    """Reads GBNF by recursive descent."""

    text: str
    at: int = 0
    depth: int = 0
    found: dict[str, Node] = field(default_factory=dict)

    def rules(self) -> dict[str, Node]:
        self._skip(newlines=True)
        while self.at < len(self.text):
            name = self._name()
            self._skip()
            self._expect("::=")
            self._skip(newlines=True)
            if name in self.found:
                raise self._error(f"the rule {name!r} is defined twice")
            self.found[name] = self._choice(nested=False)
            if self.at < len(self.text) and self.text[self.at] not in "\r\n":
                raise self._error("a new line is missing")
            self._skip(newlines=True)
        return self.found

    def _error(self, what: str) -> InvalidRequest:
        line = self.text.count("\n", 0, self.at) + 1
        return InvalidRequest(f"The grammar is malformed in line {line}: {what}.")

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        if self.at >= len(self.text):
            raise self._error("it ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def _expect(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise self._error(f"{mark!r} is missing")
        self.at += len(mark)

    def _skip(self, newlines: bool = False) -> None:
        """Step over blanks and comments, and over line ends where they mean nothing."""
        blanks = " \t\r\n" if newlines else " \t"
        while self._peek() and (self._peek() in blanks or self._peek() == "#"):
            if self._peek() == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                self.at += 1

    def _name(self) -> str:
        start = self.at
        while self._peek().isascii() and (self._peek().isalnum() or self._peek() == "-"):
            self.at += 1
        if start == self.at:
            raise self._error("a rule's name is missing")
        return self.text[start : self.at]

    def _choice(self, nested: bool) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self._error("it is nested too deeply")
        parts = [self._sequence(nested)]
        while self._peek() == "|":
            self.at += 1
            self._skip(newlines=True)
            parts.append(self._sequence(nested))
        self.depth -= 1
        return Choice(parts) if len(parts) > 1 else parts[0]

    def _sequence(self, nested: bool) -> Node:
        parts: list[Node] = []
        while self._peek() and self._peek() not in "|)\r\n":
            parts.append(self._repeated(self._element(nested)))
            self._skip(newlines=nested)
        return Sequence_(parts)

    def _element(self, nested: bool) -> Node:
        mark = self._peek()
        if mark == '"':
            return self._literal()
        if mark == "[":
            return self._class()
        if mark == ".":
            self.at += 1
            return Characters((), negated=True)
        if mark == "(":
            self.at += 1
            self._skip(newlines=True)
            group = self._choice(nested=True)
            self._expect(")")
            return group
        return Reference(self._name())

    def _literal(self) -> Node:
        self._expect('"')
        parts: list[Node] = []
        while self._peek() != '"':
            code = self._character()
            parts.append(Characters(((code, code),)))
        self.at += 1
        return Sequence_(parts)

    def _class(self) -> Node:
        self._expect("[")
        negated = self._peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self._peek() != "]":
            low = high = self._character()
            if self._peek() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = self._character()
            if high < low:
                raise self._error("a range of characters runs backwards")
            ranges.append((low, high))
        self.at += 1
        if not ranges:
            raise self._error("a class of characters is empty")
        return Characters(tuple(ranges), negated)

    def _character(self) -> int:
        mark = self._take()
        if mark in "\r\n":
            raise self._error("a line ends inside of quotes or brackets")
        if mark != "\\":
            return ord(mark)
        kind = self._take()
        if kind in _ESCAPES:
            return ord(_ESCAPES[kind])
        digits = self.text[self.at : self.at + _HEX_DIGITS.get(kind, 0)]
        if len(digits) != _HEX_DIGITS.get(kind) or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise self._error(f"unknown escape \\{kind}")
        self.at += len(digits)
        return int(digits, 16)

    def _repeated(self, part: Node) -> Node:
        """Wrap a part in the repetition that follows it, if one does."""
        while (mark := self._peek()) and mark in "*+?{":
            if mark in "*+":
                raise self._error(f"{mark!r} repeats without end; write {{0,n}} instead")
            self.at += 1
            least, most = (0, 1) if mark == "?" else self._counts()
            part = Repetition(part, least, most)
        return part

    def _counts(self) -> tuple[int, int]:
        end = self.text.find("}", self.at)
        least, comma, most = self.text[self.at : max(end, self.at)].partition(",")
        numbers = [least.strip(), most.strip() if comma else least.strip()]
        if end < 0 or not all(number.isascii() and number.isdigit() for number in numbers):
            raise self._error("a repetition needs both bounds, as in {0,9}")
        self.at = end + 1
        low, high = (int(number) for number in numbers)
        if not low <= high <= MAX_REPETITIONS or not high:
            raise self._error(f"repetitions from {low} to {high} are not served")
        return low, high


# What is still to be matched: (node, how far it is, rest) or None for the end of the text.
_Stack = tuple[Node, int, "_Stack"] | None


class Matcher:
    """Follows a text through a grammar, character by character: all ways at once, without going back."""

    def __init__(self, grammar: Grammar) -> None:
        self._states: frozenset[_Stack] = frozenset(_open((grammar.root, 0, None)))

    @property
    def complete(self) -> bool:
        """Whether the text so far is a whole text of the grammar."""
        return None in self._states

    def allows(self, text: str) -> bool:
        """Return whether the text so far may go on with ``text``."""
        return bool(self._after(text))

    def allows_between(self, text: str, low: int, high: int) -> bool:
        """Return whether the text so far may go on with ``text`` and a code point from ``low`` to ``high``."""
        tops = [stack[0] for stack in self._after(text) if stack is not None]
        return any(isinstance(top, Characters) and top.matches_between(low, high) for top in tops)

    def feed(self, text: str) -> None:
        """Go on with ``text``. Raises InvalidRequest where the grammar does not allow it; nothing has changed then."""
        states = self._after(text)
        if not states:
            raise InvalidRequest(f"The grammar does not allow {text!r} here.")
        self._states = states

    def _after(self, text: str) -> frozenset[_Stack]:
        states = self._states
        for character in text:
            states = _step(states, ord(character))
            if not states:
                break
        return states


def _step(states: frozenset[_Stack], code: int) -> frozenset[_Stack]:
    following: set[_Stack] = set()
    for stack in states:
        if stack is not None and isinstance(stack[0], Characters) and stack[0].matches(code):
            following.update(_open(stack[2]))
    return frozenset(following)


def _open(stack: _Stack) -> set[_Stack]:
    """Return the stacks that this one stands for: each with characters on top, or empty."""
    opened: set[_Stack] = set()
    waiting = [stack]
    while waiting:
        stack = waiting.pop()
        if stack is None or isinstance(stack[0], Characters):
            opened.add(stack)
        else:
            waiting.extend(_unfold(*stack))
    return opened


def _unfold(node: Node, done: int, rest: _Stack) -> list[_Stack]:
    """Return what a node on top of a stack may be replaced by."""
    if isinstance(node, Sequence_):
        return [(node.parts[done], 0, (node, done + 1, rest))] if done < len(node.parts) else [rest]
    if isinstance(node, Choice):
        return [(part, 0, rest) for part in node.parts]
    if isinstance(node, Repetition):
        again: list[_Stack] = [(node.part, 0, (node, done + 1, rest))] if done < node.most else []
        return [*again, rest] if done >= node.least else again
    assert isinstance(node, Reference)
    assert node.rule is not None
    return [(node.rule, 0, rest)]
