"""Connections as lines: what is read, and what is refused without being repeated."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput
from limen.vault.moving.line import (
    MOST_BYTES,
    ConnectionLine,
    Seen,
    checked_line,
    read_connection_line,
)

WHOLE = {"provider": "google", "user": "ada", "access_token": "canary-token"}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from(sorted(ConnectionLine.model_fields))


def read(**changes: Any) -> ConnectionLine:
    return read_connection_line(json.dumps({**WHOLE, **changes}).encode())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"provider": "Google"}, "provider"),
        ({"user": ""}, "user"),
        ({"access_token": "two\nlines"}, "access_token"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": "ø"}, "access_token"),
        ({"refresh_token": "x" * 16_385}, "refresh_token"),
        ({"access_token": None}, ""),
        ({"expires_at": "2026-11-21T10:00:00"}, "expires_at"),
        ({"connected_at": "0001-01-01T00:00:00+14:00"}, "connected_at"),
        ({"issued_at": "9999-12-31T23:59:59-14:00"}, "issued_at"),
        ({"tags": ["t"] * 21}, "tags"),
        ({"belongs_to": "everybody"}, "belongs_to"),
        ({"canary-token": 1}, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_connection_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(**changes)
    assert (caught.value.code, caught.value.field) == ("invalid_input", field)
    assert "canary" not in caught.value.public
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"provider": NaN}',
        b'{"provider":"a","provider":"b"}',
        b"[" * 9999,
    ],
    ids=["empty", "list", "cut", "bytes", "nan", "twice", "deep"],
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput, match="invalid_input"):
        read_connection_line(raw)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="line_too_long"):
        read(metadata={"x": "y" * MOST_BYTES})


def test_no_line_shows_its_tokens() -> None:
    line = read(refresh_token="canary-refresh")
    assert "canary" not in f"{line!r} {line} {line.lasting!r}"
    assert line.lasting.reveal() == "canary-refresh"


def test_a_second_line_for_the_same_tokens_and_person_is_refused() -> None:
    seen = Seen()
    seen.check(read())
    seen.check(read(user="grace"))
    seen.check(read(access_token="another"))
    with pytest.raises(InvalidInput, match="line_repeated"):
        seen.check(read(label="Again"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        assert isinstance(read_connection_line(raw), ConnectionLine)


@settings(max_examples=50)
@given(st.dictionaries(_NAMES, _JSON, max_size=6))
def test_any_members_are_read_or_refused(members: dict[str, Any]) -> None:
    try:
        line = checked_line({**WHOLE, **members})
    except InvalidInput:
        return
    assert line.lasting.reveal()
    assert line.provider.islower()
