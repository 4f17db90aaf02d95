# SPDX-License-Identifier: Apache-2.0
"""Random sequences of plan operations against a plain model of the tree."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from studio.project.records import Brief, Mode, Origin, PlannedSection
from studio.project.store import Project

TARGETS = st.integers(0, 5000)
PICK = st.integers(0, 10**6)


@dataclass(eq=False)
class Node:
    id: int
    title: str
    target: int
    words: int = 0
    revision: int = 0
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    def leaves(self) -> Iterator[Node]:
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def with_all_below(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.with_all_below()

    def row(self, number: str) -> tuple[object, ...]:
        leaves = list(self.leaves())
        parent = self.parent.id if self.parent and self.parent.id else None
        target, words = sum(each.target for each in leaves), sum(each.words for each in leaves)
        return self.id, parent, number, self.title, target, words, not self.children, self.revision

    def rows(self, number: str = "") -> Iterator[tuple[object, ...]]:
        for i, child in enumerate(self.children, start=1):
            yield child.row(f"{number}{i}")
            yield from child.rows(f"{number}{i}.")


class PlanMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="longhand-plan-", dir=memory))
        self.path = self.folder / "plan.longhand"
        self.project = Project.create(self.path, Brief("x", 100))
        self.root = Node(0, "", 0)
        self.count = 0
        self.deleted: list[tuple[Node, Node, int]] = []

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder)

    def pick(self, number: int) -> Node:
        nodes = list(self.root.with_all_below())[1:]
        return nodes[number % len(nodes)]

    def has_sections(self) -> bool:
        return bool(self.root.children)

    @initialize(goals=st.lists(st.lists(TARGETS, max_size=3), max_size=3))
    def plan(self, goals: list[list[int]]) -> None:
        planned = [
            PlannedSection(f"P{i}", 9, (), tuple(PlannedSection(f"P{i}.{j}", target) for j, target in enumerate(row)))
            for i, row in enumerate(goals)
        ]
        self.project.set_plan("T", planned)
        nodes: dict[int | None, Node] = {None: self.root}
        for each in self.project.sections():
            node = Node(each.id, each.title, each.target, parent=nodes[each.parent])
            nodes[each.parent].children.append(node)
            nodes[each.id] = node
        assert [child.title for child in self.root.children] == [each.title for each in planned]

    @rule(goal=TARGETS)
    def add_at_the_end(self, goal: int) -> None:
        self.adopt(self.project.add_section(self.title(), goal).id, goal, self.root, len(self.root.children))

    @precondition(has_sections)
    @rule(number=PICK, goal=TARGETS)
    def add_behind(self, number: int, goal: int) -> None:
        beside = self.pick(number)
        assert beside.parent is not None
        made = self.project.add_section(self.title(), goal, after=beside.id)
        self.adopt(made.id, goal, beside.parent, beside.parent.children.index(beside) + 1)

    @precondition(has_sections)
    @rule(number=PICK, goal=TARGETS)
    def add_under(self, number: int, goal: int) -> None:
        parent = self.pick(number)
        if parent.words == 0:
            made = self.project.add_section(self.title(), goal, parent=parent.id)
            self.adopt(made.id, goal, parent, len(parent.children))

    @precondition(has_sections)
    @rule(number=PICK, other=PICK, place=PICK, to_top=st.booleans())
    def move(self, number: int, other: int, place: int, to_top: bool) -> None:
        node = self.pick(number)
        parent = self.root if to_top else self.pick(other)
        if parent in node.with_all_below() or parent.words:
            return
        assert node.parent is not None
        node.parent.children.remove(node)
        position = place % (len(parent.children) + 1)
        self.project.move_section(node.id, parent=parent.id or None, position=position)
        parent.children.insert(position, node)
        node.parent = parent

    @precondition(has_sections)
    @rule(number=PICK)
    def delete(self, number: int) -> None:
        node = self.pick(number)
        assert node.parent is not None
        self.project.delete_section(node.id)
        position = node.parent.children.index(node)
        node.parent.children.remove(node)
        self.deleted = [(node, node.parent, position)]

    @precondition(lambda self: self.deleted)
    @rule()
    def restore_what_was_just_deleted(self) -> None:
        node, parent, position = self.deleted.pop()
        in_plan = parent is self.root or parent in self.root.with_all_below()
        if not in_plan or parent.words or len(parent.children) < position:
            return
        self.project.restore_section(node.id)
        siblings = [each.id for each in self.project.sections() if each.parent == (parent.id or None)]
        parent.children.insert(siblings.index(node.id), node)
        node.parent = parent

    @precondition(has_sections)
    @rule(number=PICK, goal=TARGETS)
    def retarget(self, number: int, goal: int) -> None:
        leaves = [each for each in self.root.leaves() if each is not self.root]
        leaf = leaves[number % len(leaves)]
        self.project.set_targets({leaf.id: goal})
        leaf.target = goal

    @precondition(has_sections)
    @rule(number=PICK, words=st.integers(0, 30))
    def write(self, number: int, words: int) -> None:
        leaves = [each for each in self.root.leaves() if each is not self.root]
        leaf = leaves[number % len(leaves)]
        body = "word " * words
        leaf.revision = self.project.store_text(leaf.id, body, expected=leaf.revision, origin=Origin.TYPED).id
        leaf.words = words

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.path)

    @invariant()
    def project_and_model_agree(self) -> None:
        with Project.open(self.path, Mode.READ) as reader:
            for project in (self.project, reader):
                rows = [
                    (each.id, each.parent, each.number, each.title, each.target, each.words, each.leaf, each.revision)
                    for each in project.sections()
                ]
                assert rows == list(self.root.rows())
                assert [project.section(each.id) for each in project.sections()] == list(project.sections())
                assert project.words() == sum(leaf.words for leaf in self.root.leaves())

    def title(self) -> str:
        self.count += 1
        return f"S{self.count}"

    def adopt(self, id_: int, target: int, parent: Node, position: int) -> None:
        parent.children.insert(position, Node(id_, f"S{self.count}", target, parent=parent))


TestPlanModel = PlanMachine.TestCase
TestPlanModel.settings = settings(max_examples=12, stateful_step_count=20, suppress_health_check=list(HealthCheck))
