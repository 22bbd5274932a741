import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.secret import Secret
from limen.protocol.decoupled.user_code import (
    ALPHABET,
    LENGTH,
    new_user_code,
    read_user_code,
    show_user_code,
)


@pytest.mark.parametrize(
    "typed", ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W.D.J.B.M.J.H.T", "WDJB\u2013MJHT"]
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert read_user_code(typed) == Secret("WDJBMJHT")


@pytest.mark.parametrize(
    "typed",
    [None, "", "WDJB-MJH", "WDJB-MJHTT", "AEIO-UYAE", "WDJB-MJH1", "\uff37\uff24\uff2a\uff22\uff2d\uff2a\uff28\uff34", "\n" * 50,
     "WDJBMJHT" + " " * 40],
)  # fmt: skip
def test_what_is_no_code_is_none(typed: str | None) -> None:
    assert read_user_code(typed) is None


def test_n112_a_code_has_more_than_twenty_bits_and_is_never_the_same() -> None:
    assert len(ALPHABET) ** LENGTH > 2**34
    assert len({new_user_code().reveal() for _ in range(200)}) == 200


def test_a_code_that_was_made_is_read_back_as_shown() -> None:
    raw = new_user_code()
    assert read_user_code(show_user_code(raw)) == raw


@given(st.text(max_size=60))
def test_anything_typed_is_a_code_or_nothing(typed: str) -> None:
    read = read_user_code(typed)
    assert read is None or (len(read.reveal()) == LENGTH and set(read.reveal()) <= set(ALPHABET))
