# SPDX-License-Identifier: Apache-2.0
"""What is tried after a death, without a process."""

import pytest

from backends.errors import WorkerGaveUp, WorkerLost
from backends.recovery import Recovery, Step
from backends.types import Capabilities, GenerationRequest, ModelSettings, Prompt

REQUEST = GenerationRequest(Prompt(raw="a"))
OTHER = GenerationRequest(Prompt(raw="b"))


def capabilities(context, gpu_layers=0):
    return Capabilities("m", "llama", context, context, "cpu", True, True, True, True, True, gpu_layers=gpu_layers)


def errors_of(recovery, steps, found):
    return [type(recovery.died("was ended by SIGSEGV", step, found)) for step in steps]


def test_a_small_model_on_the_processor_has_nothing_left_to_try():
    recovery = Recovery(ModelSettings("m"))
    assert errors_of(recovery, [Step()] * 3, capabilities(2048)) == [WorkerLost, WorkerLost, WorkerGaveUp]
    assert recovery.settings == ModelSettings("m")
    with pytest.raises(WorkerGaveUp, match=r"SIGSEGV. It ended 3 times at the same step\."):
        recovery.check()


def test_a_model_that_never_opened_is_tried_with_less_than_what_is_usual():
    recovery = Recovery(ModelSettings("m"))
    assert errors_of(recovery, [Step()] * 5, None) == [WorkerLost] * 4 + [WorkerGaveUp]
    assert (recovery.settings.context_tokens, recovery.settings.gpu_layers) == (4096, 0)


def test_the_context_never_becomes_smaller_than_what_the_studio_needs():
    recovery = Recovery(ModelSettings("m"))
    errors_of(recovery, [Step()] * 3, capabilities(3000))
    assert recovery.settings.context_tokens == 2048


def test_the_error_says_what_was_changed():
    recovery = Recovery(ModelSettings("m"))
    errors_of(recovery, [Step()] * 2, capabilities(8192))
    error = recovery.died("gave no sign of life", Step(), capabilities(8192))
    assert "4,096 tokens" in error.hint
    assert recovery.notices == [error.hint]


@pytest.mark.parametrize(
    ("steps", "progress"),
    [
        ([Step(REQUEST, 0)] * 3, False),
        ([Step(REQUEST, 5)] * 3, False),
        ([Step(REQUEST, 5), Step(REQUEST, 4), Step(REQUEST, 5)], False),
        ([Step(REQUEST, 0), Step(OTHER, 0), Step(None, 0)], False),
        ([Step(REQUEST, 5), Step(REQUEST, 5), Step(REQUEST, 6)], True),
        ([Step(REQUEST, 5), Step(REQUEST, 5), Step(OTHER, 1)], True),
    ],
)
def test_progress_is_text_that_was_not_reached_before(steps, progress):
    recovery = Recovery(ModelSettings("m"))
    assert (errors_of(recovery, steps, capabilities(2048))[-1] is WorkerLost) == progress


def test_a_finished_request_is_progress():
    recovery = Recovery(ModelSettings("m"))
    for _ in range(10):
        errors_of(recovery, [Step()] * 2, None)
        recovery.progressed()
    assert not recovery.notices
