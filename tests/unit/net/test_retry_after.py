"""How long another service wants to be left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.net.retry_after import read_retry_after

DATE = "Sat, 21 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("raw", "date", "seconds"),
    [
        (None, DATE, None),
        ("", DATE, None),
        ("soon", DATE, None),
        ("-5", DATE, None),
        ("1.5", DATE, None),
        ("0", None, 0),
        ("60", None, 60),
        ("9" * 40, None, 3600),
        ("Sat, 21 Nov 2026 12:00:30 GMT", DATE, 30),
        ("Sat, 21 Nov 2026 11:00:00 GMT", DATE, 0),
        ("Sat, 21 Nov 2099 12:00:00 GMT", DATE, 3600),
        ("Sat, 21 Nov 2026 12:00:30 GMT", None, None),
        ("Sat, 21 Nov 2026 12:00:30 GMT", "whenever", None),
        ("Sat, 21 Nov 99999999999999999999 12:00:30 GMT", DATE, None),
        ("Sat, 99999999999999999999 Nov 2026 12:00:30 GMT", DATE, None),
        ("Sat, 21 Nov 2026 99999999999999999999:00:30 GMT", DATE, None),
        ("Sat, 21 Nov 2026 12:00:30 +99999999999999999999", DATE, None),
        (DATE, "Sat, 21 Nov 99999999999999999999 12:00:30 GMT", None),
    ],
    ids=range(18),
)
def test_f16_seconds_or_a_moment_by_the_senders_own_clock(
    raw: str | None, date: str | None, seconds: int | None
) -> None:
    assert read_retry_after(raw, date=date, most_seconds=3600) == seconds


_NUMBERS = st.integers(min_value=0, max_value=10**25).map(str)
_MOMENTS = st.builds(
    "Sat, {} Nov {} {}:{}:{} {}{}".format,
    _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, st.sampled_from("+-"), _NUMBERS,
)  # fmt: skip
_SAID = st.text(max_size=60) | _MOMENTS


@given(raw=_SAID, date=_SAID)
def test_whatever_it_says_it_stays_in_bounds(raw: str, date: str) -> None:
    found = read_retry_after(raw, date=date, most_seconds=3600)
    assert found is None or 0 <= found <= 3600
