"""When failures are everybody's, and how often a client may ask: rules without a database."""

from __future__ import annotations

import datetime as dt

import pytest

from limen.federation.health.breaker import (
    BURST,
    Failing,
    after_failure,
    is_believed,
    pause_after,
)
from limen.federation.health.bucket import Bucket, draw

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)
SECOND = dt.timedelta(seconds=1)


def failed(*grants: str, ends: bool = True, every: dt.timedelta = SECOND) -> Failing:
    found: Failing | None = None
    for number, grant in enumerate(grants):
        found = after_failure(found, grant_id=grant, ends=ends, now=NOW + number * every)
    assert found is not None
    return found


def test_one_grant_that_fails_often_is_no_burst() -> None:
    assert not failed(*["g"] * 50).is_burst


def test_many_grants_at_once_are_a_burst() -> None:
    assert not failed(*"abcd").is_burst
    found = failed(*"abcde")
    assert found.is_burst
    assert found.ended == tuple("abcde")


def test_failures_that_end_nothing_are_counted_and_not_named_as_ended() -> None:
    found = failed(*"abcde", ends=False)
    assert found.is_burst
    assert found.ended == ()


def test_failures_far_apart_have_nothing_to_do_with_each_other() -> None:
    assert not failed(*"abcdefgh", every=dt.timedelta(minutes=11)).is_burst


def test_what_is_remembered_of_failures_is_bounded() -> None:
    found = failed(*(str(number) for number in range(500)))
    assert len(found.grants) == len(found.ended) == 2 * BURST


def test_the_pause_grows_with_the_incident_and_stays_within_bounds() -> None:
    pauses = [pause_after(NOW, now=NOW + dt.timedelta(minutes=age)) for age in (0, 20, 600)]
    assert pauses == [dt.timedelta(minutes=1), dt.timedelta(minutes=5), dt.timedelta(minutes=15)]


def test_a_provider_that_refuses_for_hours_is_believed() -> None:
    assert not is_believed(NOW, now=NOW + dt.timedelta(hours=5))
    assert is_believed(NOW, now=NOW + dt.timedelta(hours=6))


def test_a_full_bucket_gives_a_burst_and_then_what_comes_back() -> None:
    bucket: Bucket | None = None
    waits = []
    for _ in range(5):
        bucket, wait = draw(bucket, per_second=2.0, now=NOW)
        waits.append(wait)
    assert waits == [0.0, 0.0, 0.0, 0.0, 0.5]
    _, wait = draw(bucket, per_second=2.0, now=NOW + dt.timedelta(seconds=0.5))
    assert wait == 0.0


@pytest.mark.parametrize("per_second", [0.01, 0.3, 7.0])
def test_never_more_than_the_rate(per_second: float) -> None:
    bucket: Bucket | None = None
    drawn = 0
    for second in range(300):
        bucket, wait = draw(bucket, per_second=per_second, now=NOW + second * SECOND)
        drawn += wait == 0.0
    assert drawn <= max(1.0, per_second * 2) + 300 * per_second


def test_a_clock_set_back_refills_nothing() -> None:
    empty = Bucket(level=0.0, at=NOW)
    _, wait = draw(empty, per_second=1.0, now=NOW - dt.timedelta(hours=1))
    assert wait == 1.0
