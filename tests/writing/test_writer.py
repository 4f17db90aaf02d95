# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WorkerLost
from backends.text.ban_list import BanList
from backends.text.counting import count_words
from backends.types import FinishReason, GenerationRequest
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project
from studio.writing.endings import whole_sentences
from studio.writing.errors import ModelSilent
from studio.writing.events import Notice, TextAdded, TextTakenBack, WritingEvent
from studio.writing.pace import Stopwatch
from studio.writing.room import room_of
from studio.writing.section_requests import WriterSettings, points_of_part
from studio.writing.writer import SectionWriter
from tests.canned_backend import Answer, CannedBackend, Step


def prose(words: int, tag: str = "") -> str:
    """Paragraphs of ten-word sentences, each different."""
    lines = [f"Line {tag}{number} tells of the lamp and the cold sea." for number in range(max(1, round(words / 10)))]
    return "\n\n".join(" ".join(lines[start : start + 5]) for start in range(0, len(lines), 5))


def as_asked(request: GenerationRequest) -> Sequence[Step]:
    assert request.length is not None
    return [prose(request.length.target - request.length.already, f"{request.length.already}-")]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 1200), seed=7) as made:
        made.set_plan("The Map", [PlannedSection("The Light", 600, ("a", "b", "c")), PlannedSection("The Sea", 600)])
        yield made


def writer_for(project: Project, answer: Answer, *, context: int = 2048) -> tuple[SectionWriter, CannedBackend]:
    backend = CannedBackend(answer, context=context)
    return SectionWriter(project, backend, WriterSettings(), Stopwatch()), backend


def shown(events: Sequence[WritingEvent], before: str = "") -> str:
    text = before
    for event in events:
        if isinstance(event, TextAdded):
            text += event.text
        elif isinstance(event, TextTakenBack):
            text = text[: len(text) - event.characters]
    return text


def test_a_section_is_written_in_as_many_requests_as_the_context_needs(project: Project) -> None:
    writer, backend = writer_for(project, as_asked)
    leaf = project.leaves()[0]
    events = list(writer.write(leaf))
    text = project.text(leaf.id)
    assert count_words(text.body) == 600
    assert text.tail == ""
    assert shown(events) == text.body
    assert len(backend.requests) == 2
    first, second = (request.prompt.messages[-1].content for request in backend.requests)
    assert "SECTION: The Light, part 1 of 2" in first
    assert "POINTS:\n- a\n" in first
    assert "POINTS:\n- b\n- c\n" in second
    assert "LAST WORDS: ..." in second


def test_a_large_context_takes_one_request(project: Project) -> None:
    writer, backend = writer_for(project, as_asked, context=8192)
    list(writer.write(project.leaves()[0]))
    assert len(backend.requests) == 1
    assert ", part" not in backend.requests[0].prompt.messages[-1].content


def test_every_prompt_and_answer_fit_into_the_context(project: Project) -> None:
    writer, backend = writer_for(project, as_asked)
    for leaf in project.leaves():
        list(writer.write(leaf))
    for request in backend.requests:
        assert backend.count_prompt_tokens(request.prompt) + request.max_tokens <= 2048
    room = room_of(backend.capabilities)
    assert (room.prompt_tokens, room.answer_tokens) == (1300, 700)


def test_what_leaves_answers_less_than_their_share_is_written_in_more_of_them(tmp_path: Path) -> None:
    points = tuple(" ".join([letter] * 150) for letter in "abc")
    with Project.create(tmp_path / "p.longhand", Brief("word " * 740, 600), seed=7) as long:
        long.set_plan("The Map", [PlannedSection("The Light", 600, points)])
        writer, backend = writer_for(long, as_asked)
        leaf = long.leaves()[0]
        list(writer.write(leaf))
        assert count_words(long.text(leaf.id).body) == 600
        assert "SECTION: The Light, part 1 of 4" in backend.requests[0].prompt.messages[-1].content
        for request in backend.requests:
            assert request.max_tokens < room_of(backend.capabilities).answer_tokens
            assert backend.count_prompt_tokens(request.prompt) + request.max_tokens <= 2048


def test_an_answer_that_stops_early_is_continued(project: Project) -> None:
    writer, backend = writer_for(project, lambda request: [prose(100, f"{len(backend.requests)}-")])
    leaf = project.leaves()[0]
    list(writer.write(leaf))
    assert 600 <= count_words(project.text(leaf.id).body) <= 700
    assert len(backend.requests) == 6


def test_an_unfinished_sentence_is_taken_back(project: Project) -> None:
    writer, _ = writer_for(project, lambda r: [*as_asked(r), " And then the", FinishReason.LIMIT])
    leaf = project.leaves()[0]
    events = list(writer.write(leaf))
    body = project.text(leaf.id).body
    assert "And then the" not in body
    assert shown(events) == body


def test_text_taken_back_by_the_engine_is_gone_and_in_the_run_log(project: Project) -> None:
    writer, _ = writer_for(project, lambda r: ["A loop. A loop.", 8, *as_asked(r)])
    leaf = project.leaves()[0]
    events = list(writer.write(leaf))
    body = project.text(leaf.id).body
    assert body.count("A loop.") == 2  # one of each request
    assert shown(events) == body
    outcome = project.runs(leaf.id)[0].outcome
    assert outcome is not None
    assert outcome.taken_back == (" A loop.",)


def test_where_nothing_is_kept_the_paragraph_break_goes_too(project: Project) -> None:
    answers = iter(
        [["It was so. He left."], ["and then the", FinishReason.LIMIT], ["and", 3, FinishReason.END_OF_TURN]]
    )
    writer, _ = writer_for(project, lambda request: next(answers, None) or as_asked(request))
    leaf = project.leaves()[0]
    events = list(writer.write(leaf))
    assert shown(events) == project.text(leaf.id).body
    assert project.text(leaf.id).body.startswith("It was so. He left.\n\nLine")


def test_a_lost_worker_costs_no_whole_sentence(project: Project) -> None:
    failures = iter([True, False, False, False])

    def answer(request: GenerationRequest) -> Sequence[Step]:
        if next(failures):
            return ["It was so. Then he", WorkerLost("The engine stopped (SIGSEGV).")]
        return as_asked(request)

    writer, _ = writer_for(project, answer)
    leaf = project.leaves()[0]
    events = list(writer.write(leaf))
    body = project.text(leaf.id).body
    assert body.startswith("It was so.\n\nLine")
    assert any(isinstance(event, Notice) for event in events)
    assert shown(events) == body
    first = project.runs(leaf.id)[0].outcome
    assert first is not None
    assert first.reason.startswith("error: WorkerLost")


def test_a_model_that_writes_nothing_is_an_error_and_stores_nothing(project: Project) -> None:
    writer, backend = writer_for(project, lambda _: ["", FinishReason.END_OF_TURN])
    leaf = project.leaves()[0]
    with pytest.raises(ModelSilent, match="The Light"):
        list(writer.write(leaf))
    assert len({request.seed for request in backend.requests}) == len(backend.requests) == 3
    assert project.text(leaf.id).body == ""
    assert project.section(leaf.id).status is Status.WRITING


def test_stopping_keeps_the_text_and_going_on_loses_and_doubles_nothing(project: Project) -> None:
    words = prose(300).split(" ")
    writer, _ = writer_for(project, lambda _: [f"{word} " for word in words])
    leaf = project.leaves()[0]
    text = ""
    for event in writer.write(leaf):
        if isinstance(event, TextAdded):
            text += event.text
        if len(text.split()) > 57:
            writer.stop()
    stored = project.text(leaf.id)
    assert (stored.body + stored.tail).split() == text.split()
    assert whole_sentences(stored.body) == stored.body
    writer, _ = writer_for(project, lambda r: [*as_asked(r)])
    list(writer.write(project.section(leaf.id)))
    body = project.text(leaf.id).body
    assert body.startswith(whole_sentences(text))
    assert count_words(body) == pytest.approx(600, rel=0.03)


def test_closing_the_iterator_stores_what_came(project: Project) -> None:
    writer, _ = writer_for(project, lambda _: ["One is here. ", "Two is here. ", "Thr", "ee"])
    leaf = project.leaves()[0]
    events = writer.write(leaf)
    for event in events:
        if isinstance(event, TextAdded) and "Two" in event.text:
            break
    events.close()  # type: ignore[attr-defined]
    assert project.text(leaf.id).body == "One is here. Two is here."


def test_the_authors_own_beginning_is_kept_to_the_letter(project: Project) -> None:
    leaf = project.leaves()[0]
    project.store_text(leaf.id, "The author began so, and did not end", expected=0, origin=Origin.TYPED)
    writer, _ = writer_for(project, as_asked)
    list(writer.write(project.section(leaf.id)))
    assert project.text(leaf.id).body.startswith("The author began so, and did not end\n\nLine")


def test_settled_paragraphs_become_revisions(project: Project) -> None:
    writer, _ = writer_for(project, lambda r: [part + "\n\n" for part in prose(200, str(r.seed)).split("\n\n")])
    leaf = project.leaves()[0]
    list(writer.write(leaf))
    revisions = project.revisions(leaf.id)
    assert len(revisions) >= 8
    assert all(revision.origin is Origin.GENERATED and revision.run for revision in revisions)


def test_the_guard_knows_the_sentences_of_the_document(project: Project) -> None:
    first, second = project.leaves()
    project.store_text(first.id, "The sea was calm. He slept.", expected=0, origin=Origin.TYPED)
    writer, backend = writer_for(project, as_asked)
    list(writer.write(second))
    policy = backend.requests[0].repetition
    assert policy is not None
    assert backend.blobs[policy.known_sentences] == b"The sea was calm.\nHe slept."


def test_what_is_banned_in_the_project_is_banned_beside_the_list_of_the_run(project: Project) -> None:
    project.add_bans(("=suddenly", "/very,? very/"))
    backend = CannedBackend(as_asked, context=2048)
    settings = WriterSettings(bans=BanList(("at last",)))
    list(SectionWriter(project, backend, settings, Stopwatch()).write(project.leaves()[0]))
    bans = BanList(("at last",), ("suddenly",), ("very,? very",))
    assert {request.bans for request in backend.requests} == {bans.digest}


def test_bans_are_sent_and_named_in_every_request(project: Project) -> None:
    bans = BanList(("a testament to",))
    backend = CannedBackend(as_asked, context=2048)
    list(SectionWriter(project, backend, WriterSettings(bans=bans), Stopwatch()).write(project.leaves()[0]))
    assert {request.bans for request in backend.requests} == {bans.digest}
    assert backend.blobs[bans.digest] == bans.encoded()


@given(points=st.lists(st.text(), max_size=9), parts=st.integers(1, 6))
def test_every_point_belongs_to_exactly_one_part(points: list[str], parts: int) -> None:
    split = [points_of_part(tuple(points), part, parts) for part in range(1, parts + 1)]
    assert [point for part in split for point in part] == points


def test_whole_sentences_end_at_the_last_complete_one() -> None:
    assert whole_sentences("He left. She") == "He left."
    assert whole_sentences("no end") == ""
    assert whole_sentences('"Go!" he said. ') == '"Go!" he said.'


def test_the_log_tells_what_was_kept_and_why_the_prompt_was_so(project: Project) -> None:
    def unfinished(request: GenerationRequest) -> Sequence[Step]:
        return [*as_asked(request), " And then the", " la"]

    writer, _ = writer_for(project, unfinished)
    leaf = project.leaves()[0]
    list(writer.write(leaf))
    body = project.text(leaf.id).body
    runs = project.runs(leaf.id)
    outcomes = [run.outcome for run in runs if run.outcome is not None]
    assert all(outcome.answer.startswith(outcome.kept) and outcome.answer.endswith(" la") for outcome in outcomes)
    assert "\n\n".join(outcome.kept for outcome in outcomes) == body
    account = json.loads(runs[0].call.context)
    assert {piece["source"] for piece in account["pieces"]} >= {"brief", "plan", "task"}
    assert all(piece["reason"] for piece in account["pieces"])


def test_revisions_end_where_paragraphs_do(project: Project) -> None:
    writer, _ = writer_for(project, as_asked, context=8192)
    leaf = project.leaves()[0]
    list(writer.write(leaf))
    bodies = [project.revision_body(each.id) for each in project.revisions(leaf.id)]
    assert bodies[-1] == project.text(leaf.id).body
    assert all(bodies[-1] == body or bodies[-1].startswith(body + "\n\n") for body in bodies)
    assert len(bodies) <= bodies[-1].count("\n\n") + 2
