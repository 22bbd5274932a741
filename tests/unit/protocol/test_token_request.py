from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.params import Params
from limen.protocol.token_request import (
    GRANT_TYPES,
    AuthorizationCodeRequest,
    ClientCredentialsRequest,
    RefreshRequest,
    parse_token_request,
)


def parse(**members: str) -> object:
    return parse_token_request(Params.of(members.items()))


def test_reads_a_code_request() -> None:
    read = parse(
        grant_type="authorization_code", code="c", redirect_uri="https://x", code_verifier="v"
    )
    assert isinstance(read, AuthorizationCodeRequest)
    assert read.raw_code.reveal() == "c"
    assert read.raw_verifier is not None
    assert (read.redirect_uri, read.resource) == ("https://x", None)
    assert "c'" not in repr(read)


def test_reads_a_refresh_request() -> None:
    read = parse(grant_type="refresh_token", refresh_token="r", scope="a b", resource="urn:a:b")
    assert isinstance(read, RefreshRequest)
    assert read.raw_token.reveal() == "r"
    assert (read.scope, read.resource) == (("a", "b"), "urn:a:b")


def test_reads_a_client_credentials_request() -> None:
    assert parse(grant_type="client_credentials") == ClientCredentialsRequest()
    assert parse(grant_type="client_credentials", scope="a") == ClientCredentialsRequest(
        scope=("a",)
    )


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "Client_Credentials"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": ""}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": 'a"'}, "invalid_scope"),
        ({"grant_type": "client_credentials", "resource": "x"}, "invalid_target"),
    ],
)
def test_refuses_what_is_missing_or_wrong(members: dict[str, str], code: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse(**members)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "name", ["grant_type", "code", "client_id", "redirect_uri", "code_verifier", "other"]
)
def test_n041_refuses_repeated_parameters(name: str) -> None:
    pairs = [("grant_type", "authorization_code"), ("code", "c"), (name, "x"), (name, "x")]
    with pytest.raises(OAuthRefusal) as refused:
        parse_token_request(Params.of(pairs))
    assert refused.value.code == "invalid_request"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
NAMES = st.sampled_from(["code", "refresh_token", "scope", "resource", "code_verifier", "x"])


@given(st.sampled_from([*GRANT_TYPES, "x"]), st.lists(st.tuples(NAMES, TEXT), max_size=6))
def test_any_form_is_a_request_or_a_typed_refusal(
    grant_type: str, pairs: list[tuple[str, str]]
) -> None:
    try:
        parse_token_request(Params.of([("grant_type", grant_type), *pairs]))
    except OAuthRefusal as refused:
        assert refused.code in {  # noqa: PT017 -- it may be read as well
            "invalid_request",
            "invalid_scope",
            "invalid_target",
            "unsupported_grant_type",
        }
