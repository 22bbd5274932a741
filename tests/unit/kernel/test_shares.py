"""Places that many want: of any number somebody is left for whoever comes next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.shares import Holder, Shares

ADA, GRACE = Holder("ada", 2), Holder("grace", 2)


def fill(shares: Shares, *holders: Holder) -> int:
    taken = 0
    while shares.room_for(*holders):
        shares.take(holders)
        taken += 1
    return taken


@pytest.mark.parametrize(("places", "times", "most"), [(300, 2, 200), (3, 2, 2), (2, 2, 1)])
def test_who_is_alone_gets_so_many_times_what_is_left(places: int, times: int, most: int) -> None:
    assert fill(Shares(places), Holder("ada", times)) == most


def test_two_who_want_all_end_with_as_many_each() -> None:
    shares = Shares(300)
    fill(shares, ADA)
    for _ in range(1000):  # each of Ada's ends, and both want more
        shares.leave([ADA])
        if shares.room_for(GRACE) and shares.taken(GRACE) <= shares.taken(ADA):
            shares.take([GRACE])
        elif shares.room_for(ADA):
            shares.take([ADA])
    assert abs(shares.taken(ADA) - shares.taken(GRACE)) <= 2
    assert shares.free >= 50


def test_room_counts_for_each_it_is_taken_for() -> None:
    shares, tenant = Shares(300), Holder("tenant", 4)
    assert fill(shares, ADA, tenant) == 200
    # The same tenant's other client has room, though less than another tenant's.
    assert 0 < shares.room_for(GRACE, tenant) < shares.room_for(GRACE, Holder("other", 4))
    assert shares.room_for_any(GRACE) == 0


def test_what_is_left_can_be_taken_again() -> None:
    shares = Shares(3)
    shares.take([ADA], count=2)
    shares.leave([ADA], count=2)
    assert (shares.free, shares.all_taken, shares.holders()) == (3, 0, [])


@given(st.lists(st.integers(0, 9), max_size=400), st.integers(1, 60))
def test_nobody_takes_the_last_place_of_who_has_none(wants: list[int], places: int) -> None:
    shares = Shares(places)
    for number in wants:
        holder = Holder(str(number), 2)
        room = shares.room_for(holder)
        assert room <= shares.free
        if room:
            shares.take([holder])
    assert shares.free >= 0
    if shares.free:
        assert shares.room_for(Holder("new", 2)) >= 1
