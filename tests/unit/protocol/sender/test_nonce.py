from __future__ import annotations

import datetime as dt

import pytest

from limen.kernel.secret import Secret
from limen.protocol.sender.nonce import STRETCH, check_nonce, current_nonce
from limen.protocol.sender.refusal import NonceRefused

KEY = Secret(b"k" * 32)
START = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)


def test_every_node_gives_and_takes_the_same() -> None:
    nonce = current_nonce(KEY, now=START)
    assert nonce == current_nonce(Secret(b"k" * 32), now=START + dt.timedelta(seconds=1))
    assert check_nonce(nonce, KEY, now=START) == nonce


@pytest.mark.parametrize(
    ("stretches", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_n103_a_nonce_is_good_for_its_stretch_and_the_next(stretches: int, good: bool) -> None:
    nonce = current_nonce(KEY, now=START)
    later = START + stretches * STRETCH
    if good:
        assert check_nonce(nonce, KEY, now=later) == current_nonce(KEY, now=later)
        return
    with pytest.raises(NonceRefused) as refused:
        check_nonce(nonce, KEY, now=later)
    assert refused.value.nonce == current_nonce(KEY, now=later)


@pytest.mark.parametrize("nonce", [None, "", "x", "ä", current_nonce(Secret(b"o" * 32), now=START)])
def test_n103_any_other_is_answered_with_one_of_ours(nonce: str | None) -> None:
    with pytest.raises(NonceRefused) as refused:
        check_nonce(nonce, KEY, now=START)
    assert refused.value.code == "use_dpop_nonce"
    assert check_nonce(refused.value.nonce, KEY, now=START)
