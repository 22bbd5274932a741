from __future__ import annotations

import json
from json import encoder
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.json_text import json_writer

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_it_writes_what_the_library_writes(value: Any, ascii_only: bool) -> None:
    value = _without_infinities(value)
    assert json_writer(ascii_only=ascii_only)(value) == json.dumps(
        value, ensure_ascii=ascii_only, separators=(",", ":")
    )


def _without_infinities(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_constant=lambda _: None)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")], ids=repr)
def test_what_is_no_json_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_writer()({"a": [number]})
    assert "a" in json_writer(allow_nan=True)({"a": [number]})


def test_an_unknown_kind_of_value_is_refused_or_turned() -> None:
    with pytest.raises(TypeError):
        json_writer()({"a": object()})
    assert json_writer(default=lambda _: "x")({"a": object()}) == '{"a":"x"}'


def test_it_does_without_the_fast_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "c_make_encoder", None)
    assert json_writer()({"é": [1, None]}) == '{"\\u00e9":[1,null]}'
