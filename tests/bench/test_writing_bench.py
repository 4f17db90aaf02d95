# SPDX-License-Identifier: Apache-2.0
"""``longhand bench TASK``: strategies, the file of outputs, interrupted runs, and the command."""

import json

import pytest

from backends.engine.scripted import write_script
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence
from backends.types import CountingProfile, FinishReason, ModelSettings
from studio.bench.agentwrite import plan_steps, step_tokens, write_agentwrite
from studio.bench.items import Item
from studio.bench.length_tasks import load_task
from studio.bench.outputs import OutputFile, output_of
from studio.bench.strategies import Written, strategies, write_longhand, write_single
from studio.bench.task_files import TaskDataInvalid
from studio.bench.writing import Plan, common_rows, score, write_all
from studio.cli import run
from studio.cli.main import main
from studio.writing.session import open_model
from tests.canned_backend import CannedBackend
from tests.cli.fake_backend import FakeBackend

LONGHAND = CountingProfile.LONGHAND
ITEM = Item("item-1", "Write 300 words about the sea.", "Story", 300, 300, "all", kind="story")
PLAN = (
    "Paragraph 1 - Main Point: The tide - Word Count: 200 words\n\nParagraph 2 - Main Point: The ebb - Word Count: 100"
)


def quiet(_line):
    pass


def plan_of(name="length-variation", strategy=("longhand",), seeds=2, items=1):
    task = load_task(name)
    return Plan(task, task.items[:items], strategy, seeds)


def test_single_asks_once_and_takes_what_comes_without_length_control():
    backend = CannedBackend(lambda request: ["The sea is wide. ", "It i", 4, "It ends."])
    written = write_single(backend, ITEM, 0, LONGHAND)
    assert written.text == "The sea is wide. It ends."
    (request,) = backend.requests
    assert request.prompt.messages[0].content == ITEM.prompt
    assert request.length is None
    assert request.repetition is None
    assert request.max_tokens > 1900


def test_single_says_where_the_prompt_leaves_no_room():
    written = write_single(CannedBackend(lambda request: ["No."], context=70), ITEM, 0, LONGHAND)
    assert (written.text, "of the context" in written.reason) == ("", True)


def test_agentwrite_resends_everything_and_writes_each_line_of_the_plan():
    answers = iter([PLAN, "The tide came.", "The ebb went."])
    backend = CannedBackend(lambda request: [next(answers)])
    written = write_agentwrite(backend, ITEM, 0, LONGHAND)
    assert written.text == "The tide came.\n\nThe ebb went."
    _, first, second = (request.prompt.messages[0].content for request in backend.requests)
    assert "The tide came." not in first
    assert "The tide came." in second
    assert all(ITEM.prompt in prompt and "Main Point: The ebb" in prompt for prompt in (first, second))
    assert len({request.seed for request in backend.requests}) == 3


def test_agentwrite_counts_lines_and_the_words_they_name():
    assert len(plan_steps(PLAN + "\n\n  \nA closing remark.")) == 3
    assert [step_tokens(step) for step in ("A - Word Count: 1,000 words", "B - Word Count: [400]", "C")] == [
        1500,
        600,
        0,
    ]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [("", "0 steps"), ("A step.\n" * 51, "51 steps"), ("Paragraph 1 - Word Count: 2000 words", "does not fit")],
)
def test_agentwrite_reports_what_it_cannot_write(plan, reason):
    written = write_agentwrite(CannedBackend(lambda request: [plan]), ITEM, 0, LONGHAND)
    assert written.text == ""
    assert reason in written.reason


def test_longhand_lands_in_the_counter_of_the_task():
    # Six of the eight words of a sentence are words to this profile: it does not know numbers and hyphens.
    item = Item("item-2", "Write 600 words about the sea.", "Story", 600, 600, "all", kind="story")
    sentence = "The well-known lamp burnt 3 nights on end. "

    def answer(request):
        if request.constraint or request.length is None:
            return ["{}"]
        asked.append(request.length)
        missing = request.length.target - request.length.already
        return [sentence * (missing // count_words(sentence, request.length.profile))]

    asked = []
    written = write_longhand(CannedBackend(answer), item, 0, CountingProfile.LONGBENCH_WRITE)
    assert {target.profile for target in asked} == {CountingProfile.LONGBENCH_WRITE}
    assert count_words(written.text, CountingProfile.LONGBENCH_WRITE) == pytest.approx(600, rel=0.03)
    assert sum(length for _, length in written.sections) == count_words(written.text, CountingProfile.LONGBENCH_WRITE)
    assert sum(target for target, _ in written.sections) == 600


@pytest.mark.parametrize("behaviour", ["early_end", "never_ends"])
def test_longhand_lands_with_models_that_do_not(behaviour, tmp_path):
    item = Item("item-3", "Write 320 words about a river.", "Story", 320, 320, "all", kind="story")
    script = write_script(tmp_path / "model.script.json", behaviour=behaviour)
    with open_model(ModelSettings(str(script))) as backend:
        written = write_longhand(backend, item, 0, CountingProfile.LIFEBENCH)
    assert count_words(written.text, CountingProfile.LIFEBENCH) == pytest.approx(320, rel=0.03)
    assert ends_sentence(written.text)


def test_longhand_says_what_it_asked_for_where_a_led_take_stands_for_all_that_was_written(tmp_path):
    demands = [f"the {colour} zeppelin explodes" for colour in ("purple", "yellow", "silver")]
    stated = "\n".join(f"  - Week {number}: {demand}." for number, demand in enumerate(demands, 1))
    prompt = (
        "Write a diary of exactly 3 entries numbered Week 1 to Week 3. Give every entry at least 100 words of its own.\n"
        f"These must appear in the stated entries:\n{stated}"
    )
    item = Item("item-4", prompt, "Week", 345, 345, "Week", kind="story", headings=True)
    script = write_script(tmp_path / "model.script.json", behaviour="late_sentences")
    with open_model(ModelSettings(str(script))) as backend:
        written = write_longhand(backend, item, 0, CountingProfile.SGT)
    asked = dict(written.asked)
    assert list(asked) == ["Week 1", "Week 2", "Week 3"]
    assert all(demand in asked[title] for demand, title in zip(demands, asked, strict=True))
    assert [demand for _, demand in written.led] == demands


def test_longhand_counts_what_was_taken_back():
    def answer(request):
        if request.constraint or request.length is None:
            return ["{}"]
        return ["He went out and came in. " * 49, "It was", 6, "The end is here now. ", "And no end"]

    written = write_longhand(CannedBackend(answer), ITEM, 0, LONGHAND)
    assert written.text.endswith("now.")
    assert written.taken_back == 5


def test_longhand_says_why_there_is_no_text():
    silent = write_longhand(CannedBackend(lambda request: [FinishReason.END_OF_TURN]), ITEM, 0, LONGHAND)
    assert (silent.text, "wrote nothing" in silent.reason) == ("", True)
    narrow = write_longhand(CannedBackend(lambda request: ["No."], context=300), ITEM, 0, LONGHAND)
    assert (narrow.text, "too long" in narrow.reason) == ("", True)


def test_a_run_that_was_stopped_goes_on(tmp_path):
    path, plan, lines = tmp_path / "out.jsonl", plan_of(seeds=3), []
    write_all(plan, FakeBackend(), strategies(), OutputFile(path, "fake"), lines.append)
    whole = path.read_text(encoding="utf-8")
    assert len(lines) == len(plan) == 3
    path.write_text(whole[: whole.index("\n") + 40], encoding="utf-8")
    again = OutputFile(path, "fake")
    assert len(again.by_key) == 1
    lines.clear()
    write_all(plan, FakeBackend(), strategies(), again, lines.append)
    assert [line.partition(" ")[0] for line in lines] == ["2/3", "3/3"]
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["seed"] for line in written] == [0, 1, 2]
    assert written[0].items() >= {"strategy": "longhand", "required": 300, "unit": "words"}.items()
    assert written[0]["id"] == plan.items[0].id
    assert count_words(written[0]["text"]) == pytest.approx(300, rel=0.03)
    assert score(plan, again) == score(plan, OutputFile(path, "fake"))


def test_outputs_of_something_else_are_refused(tmp_path):
    path = tmp_path / "out.jsonl"
    OutputFile(path, "one").add(output_of(ITEM, "single", 0, Written("A."), LONGHAND, "one"))
    with pytest.raises(TaskDataInvalid, match="of the model one"):
        OutputFile(path, "two")
    for line in ('{"a": 1}', "[1]", "no JSON"):
        path.write_text(line + "\n", encoding="utf-8")
        with pytest.raises(TaskDataInvalid, match="Line 1"):
            OutputFile(path, "one")


def test_rows_are_those_of_each_strategy_and_only_longhand_is_judged():
    plan, outputs = plan_of(strategy=("single", "longhand")), OutputFile(None, "fake")
    write_all(plan, FakeBackend(), strategies(), outputs, quiet)
    rows = score(plan, outputs)
    judged = {row.name.partition(",")[2].partition(":")[0].strip() for row in rows if row.met is not None}
    assert judged == {"longhand"}
    assert len([row for row in rows if ", single: " in row.name]) == len(
        [row for row in rows if ", longhand: " in row.name]
    )
    assert all(row.name.startswith("length-variation 1, ") for row in rows)


def test_items_without_a_text_lower_the_coverage_and_count_as_nothing():
    outputs = [
        output_of(ITEM, "longhand", 0, Written("One two three. Four five six."), LONGHAND, "m"),
        output_of(ITEM, "longhand", 1, Written("One two three. Four five", taken_back=11), LONGHAND, "m"),
        output_of(ITEM, "longhand", 2, Written(reason="It does not fit."), LONGHAND, "m"),
    ]
    rows = {row.name: row for row in common_rows(outputs)}
    assert rows["coverage: items that have a text"].value == pytest.approx(66.67)
    assert rows["texts that end on a full sentence"].value == 50
    assert rows["words taken back, of the words delivered"].value == 100
    assert rows["words taken back, of the words delivered"].met is False
    plan = Plan(load_task("longbench-write"), (ITEM,), ("longhand",), 3)
    held = OutputFile(None, "m")
    for output in outputs:
        held.add(output)
    scores = {row.name.partition(": ")[2]: row.value for row in score(plan, held)}
    assert scores["S_l"] == 0
    assert scores["items"] == 3


def test_the_command_prints_rows_and_writes_the_texts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "open_model", lambda settings: FakeBackend())
    out = tmp_path / "texts.jsonl"
    words = ("length-variation", "--limit", "1", "--seeds", "2", "--strategy", "longhand", "--strategy", "single")
    code = main(["bench", *words, "--outputs", str(out), "--json"])
    printed, progress = capsys.readouterr()
    result = json.loads(printed)
    # Which targets a made-up model meets is not what this is about.
    assert code == int(any(row["met"] is False for row in result["rows"]))
    assert {"rows", "machine", "commit"} <= result.keys()
    assert len(out.read_text(encoding="utf-8").splitlines()) == 4
    assert "4/4 length-variation-1 single seed 1: asked 300" in progress


def test_the_command_refuses_data_that_are_none(tmp_path, capsys):
    bad = tmp_path / "data.jsonl"
    bad.write_text("{}\n", encoding="utf-8")
    assert main(["bench", "ruler", "--data", str(bad)]) == 2
    assert "Line 1" in capsys.readouterr().err
    assert main(["bench", "ruler", "--data", str(tmp_path / "missing")]) == 2
    assert main(["bench", "ruler", "--limit", "0"]) == 2
    assert main(["bench", "ruler", "--strategy", "beam"]) == 2
