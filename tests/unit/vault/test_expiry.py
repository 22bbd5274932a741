"""Lifetimes: unknown is a value of its own, and arithmetic has no soft spots (F26 to F32)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.clock import UTC
from limen.protocol.jwk import generate_key
from limen.protocol.jwt import sign
from limen.vault.refresh.expiry import Known, lifetime_of, margin, read_seconds, refresh_point

NOW = dt.datetime(2031, 3, 14, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (3599, 3599),
        ("3599", 3599),
        (3599.0, 3599),
        (0, 0),
        ("0", 0),
        (None, None),
        ("", None),
        ("3600abc", None),
        ("-1", None),
        (-1, None),
        (True, None),
        (3599.5, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**12, None),
        ("١٢", None),
        ("9" * 400, None),
        ([3600], None),
    ],
)
def test_f29_expires_in_is_read_strictly(raw: Any, seconds: int | None) -> None:
    assert read_seconds(raw) == seconds


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.none()))
)
def test_expires_in_never_raises_and_stays_in_bounds(raw: Any) -> None:
    seconds = read_seconds(raw)
    assert seconds is None or 0 <= seconds <= 10 * 366 * 86_400


def test_f26_zero_is_expired_and_not_for_ever() -> None:
    told = lifetime_of(0, raw_access="x", requested_at=NOW, known=Known(last_seconds=3600))
    assert told == 0


def test_f27_a_silent_answer_takes_the_last_lifetime_then_the_catalogues() -> None:
    last = Known(last_seconds=1800, default_seconds=60)
    assert lifetime_of(None, raw_access="x", requested_at=NOW, known=last) == 1800
    default = Known(default_seconds=60)
    assert lifetime_of(None, raw_access="x", requested_at=NOW, known=default) == 60
    assert lifetime_of(None, raw_access="x", requested_at=NOW, known=Known()) is None


def test_a_token_that_is_a_jwt_tells_its_end() -> None:
    key = generate_key("ES256")
    raw = sign({"exp": int(NOW.timestamp()) + 900}, key, typ="at+jwt")
    assert lifetime_of(None, raw_access=raw, requested_at=NOW, known=Known()) == 900
    ended = sign({"exp": int(NOW.timestamp()) - 5}, key, typ="at+jwt")
    assert lifetime_of(None, raw_access=ended, requested_at=NOW, known=Known()) == 0


def test_f31_the_margin_is_a_fifth_of_the_lifetime_at_most() -> None:
    assert margin(3600, configured_seconds=120) == dt.timedelta(seconds=120)
    assert margin(100, configured_seconds=120) == dt.timedelta(seconds=20)
    assert margin(None, configured_seconds=120) == dt.timedelta()


def test_f30_an_unknown_lifetime_is_never_refreshed_by_time() -> None:
    assert refresh_point(NOW, None, floor_seconds=30, jitter=0.5) is None


@given(st.integers(0, 10**7), st.floats(0, 1))
def test_f15_the_refresh_point_lies_in_its_window(lifetime: int, jitter: float) -> None:
    point = refresh_point(NOW, lifetime, floor_seconds=30, jitter=jitter)
    assert point is not None
    seconds = (point - NOW).total_seconds()
    assert seconds >= 30
    assert seconds <= max(30, lifetime * 0.85) + 1e-6
