"""Lines of an import and operations of a batch, as anybody may write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from limen.admin.api import bulk
from limen.admin.batch import read_operation
from limen.admin.client_lines import ClientLine, read_line
from limen.kernel.errors import InvalidInput, Refusal
from tests.unit.hostile import FEW, JSON, near, objects, read_or_refused

LINE: dict[str, Any] = {
    "client_id": "app",
    "type": "web",
    "metadata": {"redirect_uris": ["https://app.example/cb"], "client_name": "App"},
    "default_scope": "openid",
    "default_resource": "https://api.example",
    "first_party": False,
    "active": True,
    "rotates_refresh": None,
}
OPERATION: dict[str, Any] = {
    "op": "create",
    "client": {"name": "App", "type": "web", "redirect_uris": ["https://app.example/cb"]},
}
ADAPTERS = [each for each in vars(bulk).values() if isinstance(each, TypeAdapter)]


@FEW
@given(
    st.binary(max_size=60)
    | objects(LINE).map(lambda line: json.dumps(line).encode())
    | near(json.dumps(LINE)).map(str.encode)
)
def test_any_line_is_a_client_or_refused(raw: bytes) -> None:
    line = read_or_refused(read_line, raw)
    if not isinstance(line, Refusal):
        assert isinstance(line, ClientLine)
        assert line.record().client_id == line.client_id


def test_a_good_line_is_read() -> None:
    assert read_line(json.dumps(LINE).encode()).record().default_scope == ("openid",)


@pytest.mark.parametrize("text", ['"\\u0000"', '"\\ud800"', "1e400", "NaN"])
def test_n082_n212_a_line_holds_what_a_database_takes(text: str) -> None:
    raw = json.dumps({**LINE, "metadata": {"x": "HERE"}}).replace('"HERE"', text)
    with pytest.raises(InvalidInput):
        read_line(raw.encode())


@FEW
@given(objects(OPERATION) | JSON)
def test_any_operation_is_read_or_refused(raw: Any) -> None:
    assert ADAPTERS
    for adapter in ADAPTERS:
        read_or_refused(read_operation, adapter, raw)
