# SPDX-License-Identifier: Apache-2.0
"""What the history keeps of typing, how small it is, and what changed between two texts."""

from __future__ import annotations

import contextlib
import itertools
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.project import id_lists, log_texts, texts, word_index
from studio.project.errors import ProjectError, StaleRevision
from studio.project.records import CallOutcome, ModelCall, Origin
from studio.project.search import Query
from studio.project.store import Project
from studio.project.word_diff import Change, Side, differences, partly, word_diff
from tests.project.conftest import raw

BLIND = "The keeper climbed the stairs, slowly, and lit the lamp before the fog came in from the sea. "


class Clock:
    """The time of revisions, as the test sets it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def now(self, zone: object) -> datetime:
        return self.moment

    def fromisoformat(self, text: str) -> datetime:
        return datetime.fromisoformat(text)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(texts, "datetime", clock)
    return clock


def typed(project: Project, leaf: int, body: str) -> int:
    return project.store_text(leaf, body, expected=project.text(leaf).revision, origin=Origin.TYPED).id


def history(project: Project, leaf: int) -> list[str]:
    return [project.revision_body(each.id) for each in project.revisions(leaf)]


def test_typing_leaves_a_state_a_minute(project: Project, path: Path, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    written = BLIND * 10
    for end in range(4, len(written), 4):
        clock.moment += timedelta(seconds=1)
        typed(project, leaf, written[:end])
    kept = history(project, leaf)
    assert kept[-1] == project.text(leaf).body == written[: len(kept[-1])]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(kept))
    assert len(kept) <= len(written) / 4 / 60 + 4
    with raw(path) as connection:
        assert connection.execute("SELECT count(*) FROM block").fetchone()[0] == len(kept)
    assert project.damage() == ()


def test_every_paragraph_break_and_every_deletion_is_kept(project: Project, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    bodies = [BLIND, BLIND + "\n\n", BLIND + BLIND, BLIND[:40], BLIND[:20] + "x" * 60, "Anew"]
    for body in bodies:
        clock.moment += timedelta(seconds=1)
        typed(project, leaf, body)
    assert history(project, leaf) == bodies


def test_a_slip_is_not_kept(project: Project, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    for body in ("The", "The kee", "The keeprs", "The keeper"):
        clock.moment += timedelta(seconds=1)
        typed(project, leaf, body)
    assert history(project, leaf) == ["The", "The keeper"]


@pytest.mark.parametrize("origin", [Origin.GENERATED, Origin.REVISED, Origin.IMPORTED])
def test_only_typing_is_thinned(project: Project, clock: Clock, origin: Origin) -> None:
    leaf = project.leaves()[0].id
    newest = 0
    for end in range(10):
        newest = project.store_text(leaf, "a" * end, expected=newest, origin=origin).id
    assert len(history(project, leaf)) == 10


def test_what_a_snapshot_names_stays(project: Project, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    for body in ("One", "One t"):
        typed(project, leaf, body)
    made = project.take_snapshot("Half a word")
    typed(project, leaf, "One two")
    assert project.snapshot_texts(made.id)[0].text == "One t"
    assert history(project, leaf) == ["One", "One t", "One two"]


def test_what_stands_elsewhere_too_stays(project: Project, clock: Clock) -> None:
    """Two sections share a paragraph that one of them goes on to change."""
    one, other = (leaf.id for leaf in project.leaves()[:2])
    for body in ("On", "One", "One t"):
        typed(project, one, body)
    typed(project, other, "One t")
    for body in ("One tw", "One two"):
        typed(project, one, body)
    assert project.text(other).body == "One t"
    assert project.damage() == ()


def test_a_clock_that_was_set_back_drops_nothing(project: Project, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    for end in range(1, 6):
        clock.moment -= timedelta(hours=1)
        typed(project, leaf, BLIND[: end * 5])
    assert len(history(project, leaf)) == 5


def test_revision_that_was_dropped_is_stale(project: Project, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    ids = [typed(project, leaf, BLIND[:end]) for end in (5, 10, 15)]
    assert ids == sorted(set(ids))
    with pytest.raises(StaleRevision):
        project.store_text(leaf, "x", expected=ids[1], origin=Origin.TYPED)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(st.sampled_from("ab \n"), max_size=12), min_size=1, max_size=12), st.integers(0, 99))
def test_any_typing_stays_readable(project: Project, bodies: list[str], seed: int) -> None:
    """And is found, though the index takes some of it in and forgets some of that again."""
    rng = random.Random(seed)
    leaves = [leaf.id for leaf in project.leaves()]
    last = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_index, "MOST_WAITING", seed % 4)
        type_and_keep(project, bodies, rng, leaves, last)
    for leaf, body in last.items():
        assert project.text(leaf).body == body
        assert history(project, leaf)[-1] == body
    words = {word for leaf in leaves for word in project.text(leaf).body.split() if len(word) > 1}
    assert all(project.search(Query(word)) for word in words)
    assert project.damage() == ()


def type_and_keep(
    project: Project, bodies: list[str], rng: random.Random, leaves: list[int], last: dict[int, str]
) -> None:
    for body in bodies:
        leaf = rng.choice(leaves)
        typed(project, leaf, body)
        last[leaf] = body
        if rng.random() < 0.1:
            project.take_snapshot(str(len(project.snapshots())))


@given(st.lists(st.integers(1, 1 << 40), max_size=50))
def test_lists_of_ids_come_back(ids: list[int]) -> None:
    assert id_lists.unpack(id_lists.pack(ids)) == ids


def test_lists_of_neighbours_are_short() -> None:
    assert len(id_lists.pack(range(70_000, 80_000))) <= 6


@given(st.binary(max_size=12))
def test_damaged_lists_are_refused_or_short(packed: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert len(id_lists.unpack(packed)) <= 1_000_000


@given(st.text(st.sampled_from("ab\\n\n é"), max_size=300))
def test_pieces_of_a_text_of_the_log_are_the_text(text: str) -> None:
    assert "".join(log_texts.pieces(text)) == text


def test_prompts_that_are_much_alike_are_stored_once(project: Project, path: Path) -> None:
    rng = random.Random(4)
    lines = [" ".join(f"w{rng.randrange(5000)}" for _ in range(12)) + "." for _ in range(2500)]
    for number in range(20):
        lines[rng.randrange(2000, 2500)] = f"Changed {number}."
        run = project.start_call(ModelCall("write", None, "m", number, "{}", "\\n".join(lines), 1))
        assert project.run(run).call.prompt == "\\n".join(lines)
    with raw(path) as connection:
        stored = connection.execute("SELECT sum(length(body)) FROM log_text").fetchone()[0]
    assert stored < len("\\n".join(lines))
    assert project.damage() == ()


def test_what_was_kept_is_told_afterwards(project: Project) -> None:
    run = project.start_call(ModelCall("write", None, "m", 1, "{}", "p", 1, context='{"pieces": []}'))
    project.finish_call(run, CallOutcome("landed", "One. Tw", "One. Tw", (), 5, 3, 4, 0.5))
    project.set_kept(run, "One.")
    found = project.run(run)
    assert found.outcome is not None
    assert (found.outcome.answer, found.outcome.kept, found.call.context) == ("One. Tw", "One.", '{"pieces": []}')
    totals = project.log_totals()
    assert (totals.calls, totals.prompt_tokens, totals.cached_tokens, totals.completion_tokens) == (1, 5, 3, 4)


# The word diff


def test_changed_words_are_named() -> None:
    old = "The keeper came.\n\nHe lit the lamp.\n\nGone."
    new = "The old keeper came.\n\nHe lit the fire.\n\nGone."
    assert word_diff(old, new) == (
        Change(Side.BOTH, "The"),
        Change(Side.NEW, " old"),
        Change(Side.BOTH, " keeper came.\n\nHe lit the "),
        Change(Side.OLD, "lamp"),
        Change(Side.NEW, "fire"),
        Change(Side.BOTH, ".\n\nGone."),
    )


@given(st.text(st.sampled_from("ab c.\n"), max_size=60), st.text(st.sampled_from("ab c.\n"), max_size=60))
def test_both_texts_are_in_the_diff(old: str, new: str) -> None:
    changes = word_diff(old, new)
    assert "".join(change.text for change in changes if change.side is not Side.NEW) == old
    assert "".join(change.text for change in changes if change.side is not Side.OLD) == new
    assert word_diff(old, old) == ((Change(Side.BOTH, old),) if old else ())


@given(
    st.text(st.sampled_from("ab c.\n"), max_size=60), st.text(st.sampled_from("ab c.\n"), max_size=60), st.integers()
)
def test_parts_of_a_diff_lead_from_one_text_to_the_other(old: str, new: str, seed: int) -> None:
    found = differences(word_diff(old, new))
    assert all(old[each.start :].startswith(each.old) for each in found)
    assert (partly(old, ()), partly(old, found)) == (old, new)
    some = [each for each in found if random.Random(seed + each.number).random() < 0.5]
    assert len(partly(old, some)) == len(old) + sum(len(each.new) - len(each.old) for each in some)


def test_part_of_an_older_text_comes_back(project: Project, clock: Clock) -> None:
    leaf = project.leaves()[0].id
    first = project.store_text(leaf, "The keeper lit the lamp.\n\nHe slept.", expected=0, origin=Origin.GENERATED)
    body = "The guard lit the fire.\n\nHe left."
    second = project.store_text(leaf, body, expected=first.id, origin=Origin.REVISED, tail=" And")
    then = project.revision_body(first.id)
    made = project.restore_parts(leaf, then, [2], second.id)
    assert project.text(leaf).body == "The guard lit the lamp.\n\nHe left. And"
    assert made.origin is Origin.RESTORED
    assert history(project, leaf)[2] == body + " And"
    with pytest.raises(ProjectError, match="no difference 9"):
        project.restore_parts(leaf, then, [1, 9], made.id)
    with pytest.raises(StaleRevision):
        project.restore_parts(leaf, then, [1], second.id)
    assert project.restore_parts(leaf, then, [], made.id).id == made.id
