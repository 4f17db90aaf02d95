# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from studio.project.records import ModelCall
from studio.writing.call_records import Account, account_of, prompt_text, settings_of


def call(settings: str = "", prompt: str = "", context: str = "") -> ModelCall:
    return ModelCall("write", 1, "starter", 0, settings, prompt, 1, context)


def test_an_account_is_read_back() -> None:
    piece = {"source": "brief", "tokens": 12, "reason": "what it is about", "begins": "A story"}
    dropped = {"source": "fact", "reason": "no room", "begins": "Anna"}
    found = account_of(call(context=json.dumps({"pieces": [piece], "dropped": [dropped]})))
    assert (found.pieces[0].tokens, found.pieces[0].begins) == (12, "A story")
    assert (found.dropped[0].tokens, found.dropped[0].reason) == (0, "no room")


def test_a_prompt_is_its_messages_below_each_other() -> None:
    messages = {"messages": [{"role": "system", "content": "Write."}, {"role": "user", "content": "Now."}]}
    assert prompt_text(call(prompt=json.dumps(messages))) == "[system]\nWrite.\n\n[user]\nNow."
    assert prompt_text(call(prompt="raw text")) == "raw text"


def test_settings_are_words_and_empty_ones_are_left_out() -> None:
    settings = {"max_tokens": 700, "bans": [], "sampling": {"temperature": 0.8, "min_p": None}, "takes": [1, 2]}
    assert settings_of(call(json.dumps(settings))) == {
        "max_tokens": "700",
        "sampling": "temperature 0.8",
        "takes": "1, 2",
    }


@given(st.text())
def test_nothing_that_stands_in_a_log_is_an_error(text: str) -> None:
    entry = call(text, text, text)
    assert account_of(entry) == Account()
    assert isinstance(prompt_text(entry), str)
    assert isinstance(settings_of(entry), dict)
