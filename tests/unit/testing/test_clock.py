from __future__ import annotations

import datetime as dt

import pytest

from limen.kernel.clock import Clock
from limen.testing.clock import START, FrozenClock


def test_it_is_a_clock() -> None:
    clock: Clock = FrozenClock()
    assert clock.now() == clock.now() == START


def test_it_moves_when_told() -> None:
    clock = FrozenClock()
    assert clock.advance(dt.timedelta(minutes=5)) == clock.now() == START + dt.timedelta(minutes=5)


def test_it_never_advances_backwards() -> None:
    with pytest.raises(ValueError, match="move_to"):
        FrozenClock().advance(dt.timedelta(seconds=-1))


def test_it_can_be_set_back_on_purpose() -> None:
    clock = FrozenClock()
    clock.move_to(START - dt.timedelta(days=1))
    assert clock.now() < START


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        FrozenClock(dt.datetime(2031, 1, 1))  # noqa: DTZ001 -- what the test is about


def test_moments_are_told_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    told = FrozenClock(dt.datetime(2031, 1, 1, 2, tzinfo=zone)).now()
    assert told.utcoffset() == dt.timedelta()
    assert told.hour == 0
