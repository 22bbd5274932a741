from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.json_depth import MAX_JSON_DEPTH, is_too_deep

# Hundreds of brackets beside each other, so that every text below is really scanned.
WIDE: Any = [[] for _ in range(MAX_JSON_DEPTH + 1)]
HOSTILE = st.text(alphabet='[]{}"\\,a', max_size=8)


def nested(depth: int, innermost: str = "") -> str:
    return "[" * depth + innermost + "]" * depth


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (nested(MAX_JSON_DEPTH), False),
        (nested(MAX_JSON_DEPTH + 1), True),
        ('{"a":' * MAX_JSON_DEPTH + "1" + "}" * MAX_JSON_DEPTH, False),
        ('{"a":' * (MAX_JSON_DEPTH + 1) + "1" + "}" * (MAX_JSON_DEPTH + 1), True),
        (nested(MAX_JSON_DEPTH - 1, "[],[],{}"), False),
        (nested(MAX_JSON_DEPTH, "[],[],{}"), True),
        ("[" * 10_000, True),
        ("[]" * 10_000, False),
        ("]" * 100 + "[" * 165, True),
        ('["' + "[" * 1000 + '"]', False),
        ('["\\"' + "[" * 1000 + '"]', False),
        ('["\\\\"' + "[" * 1000, True),
        ('["\\\\\\"' + "[" * 1000 + '"]', False),
        ('["' + "[" * 1000, False),
        ("", False),
    ],
)
def test_brackets_are_counted_where_they_nest(text: str, answer: bool) -> None:
    assert is_too_deep(text) is answer


@given(HOSTILE, HOSTILE, st.integers(min_value=-3, max_value=3))
def test_what_strings_hold_changes_nothing(name: str, value: str, over: int) -> None:
    depth = MAX_JSON_DEPTH + over
    inner = json.dumps({name: value}, ensure_ascii=False)
    text = "[" + json.dumps(WIDE) + "," + nested(depth - 2, inner) + "]"
    assert is_too_deep(text) is (over > 0)
