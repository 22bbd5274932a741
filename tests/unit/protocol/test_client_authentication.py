from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidClient, OAuthRefusal, Refusal
from limen.protocol.client_authentication import (
    NamedCredentials,
    SecretCredentials,
    parse_client_credentials,
)
from limen.protocol.params import Params


def basic(raw: bytes, *, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(raw).decode()}"


def params(**members: str) -> Params:
    return Params.of(members.items())


@pytest.mark.parametrize(
    ("header", "client_id", "secret"),
    [
        (basic(b"web:s3cret"), "web", "s3cret"),
        (basic(b"web:s3cret", scheme="basic"), "web", "s3cret"),
        (basic(b"web:s3:cret"), "web", "s3:cret"),
        (basic(b"a%3Ab:c%2Bd+e"), "a:b", "c+d e"),
        (basic(b"https%3A%2F%2Fapp.example%2Fc:x"), "https://app.example/c", "x"),
    ],
)
def test_reads_basic_with_form_decoding(header: str, client_id: str, secret: str) -> None:
    read = parse_client_credentials(header, params())
    assert isinstance(read, SecretCredentials)
    assert (read.client_id, read.raw_secret.reveal()) == (client_id, secret)
    assert read.method == "client_secret_basic"


def test_reads_a_secret_in_the_body() -> None:
    read = parse_client_credentials(None, params(client_id="web", client_secret="s"))
    assert isinstance(read, SecretCredentials)
    assert read.method == "client_secret_post"


def test_reads_a_client_that_only_names_itself() -> None:
    read = parse_client_credentials(None, params(client_id="spa", client_secret=""))
    assert read == NamedCredentials(client_id="spa")


def test_n055_refuses_two_methods_in_one_request() -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_client_credentials(basic(b"web:s"), params(client_secret="s"))
    assert refused.value.code == "invalid_request"
    with pytest.raises(OAuthRefusal):
        parse_client_credentials("Bearer x", params(client_id="web", client_secret="s"))


def test_n059_refuses_another_client_id_in_the_body() -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_client_credentials(basic(b"a:s"), params(client_id="b"))
    assert refused.value.code == "invalid_request"
    assert parse_client_credentials(basic(b"a:s"), params(client_id="a")).client_id == "a"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic d2Vi",
        "Bearer d2ViOnM=",
        "Basic d2ViOnM",
        basic(b":s"),
        basic(b"web:"),
        basic(b"web:\x00"),
        basic(b"web:%00"),
        basic(b"web:%zz"),
        basic(b"web:\xff"),
        basic(b"w\xff:s"),
        basic(b"web:" + b"s" * 9000),
        "Basic d2ViOnM=\u00e9",
        "Basic d2ViOnM= d2ViOnM=",
    ],
)
def test_n068_refuses_a_header_that_is_not_basic(header: str) -> None:
    with pytest.raises(InvalidClient):
        parse_client_credentials(header, params())


@pytest.mark.parametrize("members", [{}, {"client_secret": "s"}, {"client_id": ""}])
def test_refuses_who_does_not_say_who_it_is(members: dict[str, str]) -> None:
    with pytest.raises(InvalidClient):
        parse_client_credentials(None, params(**members))


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_n041_refuses_repeated_credentials(name: str) -> None:
    repeated = Params.of([("client_id", "a"), ("client_secret", "s"), (name, "other")])
    with pytest.raises(OAuthRefusal) as refused:
        parse_client_credentials(None, repeated)
    assert refused.value.code == "invalid_request"


@given(st.one_of(st.text(), st.binary().map(basic)))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        read = parse_client_credentials(header, params())
    except Refusal:
        return
    assert isinstance(read, SecretCredentials)
    assert read.client_id
    assert read.raw_secret
