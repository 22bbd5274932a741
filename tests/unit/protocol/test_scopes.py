from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.scopes import choose_scope, join_scope, narrow_scope, parse_scope


@pytest.mark.parametrize(
    ("raw", "scope"),
    [
        (None, None),
        ("", None),
        ("   ", None),
        ("a", ("a",)),
        ("a b", ("a", "b")),
        (" a  b ", ("a", "b")),
        ("a b a", ("a", "b")),
        ("read:x/y!#$", ("read:x/y!#$",)),
    ],
)
def test_reads_a_scope(raw: str | None, scope: tuple[str, ...] | None) -> None:
    assert parse_scope(raw) == scope


@pytest.mark.parametrize(
    "raw", ['a"b', "a\\b", "a\tb", "a\nb", "a\u00e9", "a\x7f", "a\u00a0b", "x" * 9000]
)
def test_refuses_what_no_scope_may_hold(raw: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_scope(raw)
    assert refused.value.code == "invalid_scope"


def test_n233_refuses_ten_thousand_scopes() -> None:
    with pytest.raises(OAuthRefusal):
        parse_scope(" ".join(f"s{n}" for n in range(1000)))


def test_drops_what_is_unknown_and_keeps_the_order() -> None:
    assert choose_scope(("b", "x", "a"), allowed={"a", "b"}, defaults=("a",)) == ("b", "a")


def test_without_scope_the_defaults_stand_but_never_identity_or_offline() -> None:
    everything = ("openid", "offline_access", "email", "read")
    assert choose_scope(None, allowed=everything, defaults=everything) == ("email", "read")


@pytest.mark.parametrize("requested", [("x",), ("x", "y")])
def test_refuses_when_nothing_is_left(requested: tuple[str, ...]) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        choose_scope(requested, allowed={"a"}, defaults=("a",))
    assert refused.value.code == "invalid_scope"
    with pytest.raises(OAuthRefusal):
        choose_scope(None, allowed={"a"}, defaults=())


def test_a_default_that_is_not_allowed_is_not_granted() -> None:
    assert choose_scope(None, allowed={"a"}, defaults=("a", "b")) == ("a",)


def test_n052_a_refresh_may_narrow_and_never_widen() -> None:
    assert narrow_scope(None, granted=("a", "b")) == ("a", "b")
    assert narrow_scope(("b",), granted=("a", "b")) == ("b",)
    with pytest.raises(OAuthRefusal) as refused:
        narrow_scope(("a", "c"), granted=("a", "b"))
    assert refused.value.code == "invalid_scope"


@given(st.text())
def test_any_text_is_a_scope_or_invalid_scope(raw: str) -> None:
    try:
        scope = parse_scope(raw)
    except OAuthRefusal as refused:
        assert refused.code == "invalid_scope"  # noqa: PT017 -- it may be read as well
        return
    if scope is not None:
        assert parse_scope(join_scope(scope)) == scope
        assert all(" " not in word and word.isascii() for word in scope)
