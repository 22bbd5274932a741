from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.foreign_json import parse_json
from limen.kernel.json_depth import MAX_JSON_DEPTH
from tests.unit.hostile import FEW, JSON, near


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nul", "NaN", "[-Infinity]", "1e400", "[-1e999]", '{"a": 1e308000}', '"\\u0000"', '"\\ud800"',
        '{"\\udfff": 1}', "[" * 70 + "]" * 70, "[" * 100_000, "9" * 5000, '"\n"', "{} {}", "\ufeff{}", "01", "'a'",
    ],
    ids=lambda text: repr(text)[:20],
)  # fmt: skip
def test_n082_n212_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_a_text_may_speak_of_escapes() -> None:
    assert parse_json('"\\\\u0000"') == "\\u0000"
    assert parse_json('"\\u00e9 \\ud83d\\ude00"') == "é 😀"


def test_texts_that_are_looked_at_later_may_hold_anything() -> None:
    assert parse_json('"\\u0000"', any_text=True) == "\0"
    with pytest.raises(ValueError, match="out of range"):
        parse_json("1e400", any_text=True)


@FEW
@given(st.text(max_size=80) | near('{"a": [1, 2.5, "x\\u00e9"], "b": {"c": null}}'))
def test_any_text_is_read_or_refused(text: str) -> None:
    for any_text in (False, True):
        try:
            value = parse_json(text, any_text=any_text)
        except ValueError:
            continue
        json.dumps(value, allow_nan=False)


@FEW
@given(JSON)
def test_what_we_write_is_read_back(value: object) -> None:
    text = json.dumps(value)
    if "Infinity" in text or "\\u0000" in text:
        return
    assert parse_json(text) == value


def test_numbers_stay_numbers() -> None:
    assert math.isclose(parse_json("1.5e3"), 1500)
    assert parse_json("[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH)
