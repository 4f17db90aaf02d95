# SPDX-License-Identifier: Apache-2.0
import pytest

from backends.engine.speech import closing_mark


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ('"I am a teacher," she thought, "and not a hero.', '"'),
        ('"Why?" she asked.', ""),
        ("“Why? It’s late.", "”"),
        ("„Warum?“ „Es ist spät.", "“"),
        ("« Pourquoi ?", "»"),
        ("“He said “no” and left.", ""),
        ("", ""),
    ],
)
def test_the_mark_that_closes_the_speech_in_progress(text, mark):
    assert closing_mark(text) == mark
