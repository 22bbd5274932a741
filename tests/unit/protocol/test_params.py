from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal, Refusal, TooLarge
from limen.protocol.params import Limits, Params, parse_params

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        (b"", ()),
        (b"a=1", (("a", "1"),)),
        (b"a=1&b=2", (("a", "1"), ("b", "2"))),
        (b"a=b+c%20d", (("a", "b c d"),)),
        (b"a=%C3%A9", (("a", "\u00e9"),)),
        (b"a=\xc3\xa9", (("a", "\u00e9"),)),
        (b"a=b=c", (("a", "b=c"),)),
        (b"a=1;b=2", (("a", "1;b=2"),)),
        (b"a[]=1", (("a[]", "1"),)),
        (b"a%3Db=1", (("a=b", "1"),)),
        (b"&&a=1&", (("a", "1"),)),
    ],
)
def test_decodes_what_a_form_says(raw: bytes, pairs: tuple[tuple[str, str], ...]) -> None:
    assert parse_params(raw).pairs == pairs


@pytest.mark.parametrize("raw", [b"a", b"a=", b"a=&b="])
def test_treats_a_parameter_without_value_as_omitted(raw: bytes) -> None:
    params = parse_params(raw)
    assert params.one("a") is None
    assert "a" not in params


@pytest.mark.parametrize(
    "raw",
    [
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%%41",
        b"a=%u0041",
        b"%zz=a",
        b"a=%00",
        b"a=\x00",
        b"a%00=1",
        b"a=%FF",
        b"a=\xff",
        b"a=%C3",
        b"a=%ED%A0%80",
        b"a=%C0%80",
    ],
)
def test_n068_refuses_bytes_that_are_no_form(raw: bytes) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_params(raw)
    assert refused.value.code == "invalid_request"


def test_n232_refuses_the_same_name_twice_when_it_is_read() -> None:
    params = parse_params(b"code=1&code=2&resource=x&resource=y")
    with pytest.raises(OAuthRefusal):
        params.one("code")
    assert params.many("resource") == ("x", "y")
    assert params.first("code") is None


def test_refuses_any_repeated_name_but_those_that_may_repeat() -> None:
    parse_params(b"resource=x&resource=y").refuse_repeated(may_repeat=("resource",))
    with pytest.raises(OAuthRefusal):
        parse_params(b"foo=x&foo=y").refuse_repeated(may_repeat=("resource",))


def test_an_empty_duplicate_is_no_duplicate() -> None:
    assert parse_params(b"a=1&a=").one("a") == "1"


def test_names_the_missing_parameter() -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_params(b"").required("code")
    assert refused.value.field == "code"


def test_never_echoes_a_hostile_name() -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_params(b"%3Cscript%3E=1&%3Cscript%3E=2").refuse_repeated()
    assert "script" not in refused.value.public


def test_n233_refuses_more_than_it_is_willing_to_read() -> None:
    with pytest.raises(TooLarge):
        parse_params(b"a=" + b"x" * 70_000)
    with pytest.raises(OAuthRefusal):
        parse_params(b"&".join(b"resource=x" for _ in range(1000)))
    with pytest.raises(OAuthRefusal):
        parse_params(b"&" * 5000)
    assert parse_params(b"a=1", limits=Limits(max_bytes=3, max_parameters=1)).one("a") == "1"


@pytest.mark.parametrize("pair", [("a", "\x00"), ("\x00", "a"), ("a", "\ud800")])
def test_pairs_decoded_elsewhere_keep_the_same_rules(pair: tuple[str, str]) -> None:
    with pytest.raises(OAuthRefusal):
        Params.of([pair])


def test_wraps_a_secret() -> None:
    secret = parse_params(b"client_secret=s3cret").secret("client_secret")
    assert secret is not None
    assert "s3cret" not in repr(secret)
    assert secret.reveal() == "s3cret"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        params = parse_params(raw)
    except Refusal:
        return
    for name, value in params.pairs:
        assert value
        assert "\x00" not in name + value
        (name + value).encode()


@given(st.lists(st.tuples(TEXT, TEXT), max_size=20))
def test_reads_back_what_any_form_encoder_writes(pairs: list[tuple[str, str]]) -> None:
    assert parse_params(urlencode(pairs).encode(), limits=Limits(10**6, 100)).pairs == tuple(pairs)
