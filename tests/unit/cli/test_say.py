from __future__ import annotations

import json
from typing import Any

import pytest

from limen.cli.say import complain, tell, tell_page


def told(page: dict[str, Any], capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    tell_page(page, line=lambda each: f"- {each['id']}", none="Nothing.", as_json=as_json)
    return capsys.readouterr().out


def test_a_page_says_how_to_see_the_next_one(capsys: pytest.CaptureFixture[str]) -> None:
    page = {"things": [{"id": "a"}, {"id": "b"}], "next_cursor": "lm.x"}
    assert told(page, capsys, as_json=False) == "- a\n- b\nThere are more: --cursor lm.x\n"
    assert json.loads(told(page, capsys, as_json=True)) == page
    page["next_cursor"] = ""
    assert told(page, capsys, as_json=False) == "- a\n- b\n"
    assert told({"things": [], "next_cursor": ""}, capsys, as_json=False) == "Nothing.\n"


def test_n276_a_name_operates_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = "Grüße \x1b]0;owned\x07 \x9b2J\r\u202e"
    shown = "Grüße \\x1b]0;owned\\x07 \\x9b2J\\r\\u202e"
    assert told({"things": [{"id": name}], "next_cursor": ""}, capsys, as_json=False) == (
        f"- {shown}\n"
    )
    tell({"its_name": name}, as_json=False)
    assert capsys.readouterr().out == f"its name  {shown}\n"
    complain(name)
    assert capsys.readouterr().err == f"Error: {shown}\n"
