import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.client_metadata import ClientMetadata
from limen.protocol.decoupled.backchannel import (
    HINTS,
    must_sign,
    parse_backchannel_request,
    signed_rules,
)
from limen.protocol.decoupled.device import parse_device_request
from limen.protocol.params import Params

GOOD = {"scope": "openid", "login_hint": "ada@app.example"}


def params(**changes: str | None) -> Params:
    given = {**GOOD, **changes}
    return Params([(name, value) for name, value in given.items() if value is not None])


def code_of(**changes: str | None) -> str:
    with pytest.raises(OAuthRefusal) as refused:
        parse_backchannel_request(params(**changes), ping=True)
    return refused.value.code


def metadata(**members: object) -> ClientMetadata:
    given = {
        "client_name": "Bank",
        "client_type": "machine",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": (),
        **members,
    }
    return ClientMetadata(**given)  # type: ignore[arg-type]  # a table of members


def test_a_good_request_is_read_whole() -> None:
    read = parse_backchannel_request(
        params(binding_message="W4SCT", requested_expiry="60", acr_values="a b a"), ping=False
    )
    assert (read.scope, read.login_hint) == (("openid",), "ada@app.example")
    assert (read.binding_message, read.requested_seconds) == ("W4SCT", 60)
    assert read.acr_values == ("a", "b")
    assert read.raw_notification_token is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"login_hint": None}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x"}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"login_hint": "a" * 321}, "invalid_request"),
        ({"binding_message": "a" * 101}, "invalid_binding_message"),
        ({"binding_message": "a\u200bb"}, "invalid_binding_message"),
        ({"binding_message": "a\nb"}, "invalid_binding_message"),
        ({"requested_expiry": "-1"}, "invalid_request"),
        ({"requested_expiry": "1.5"}, "invalid_request"),
        ({"requested_expiry": "9" * 10}, "invalid_request"),
        ({"client_notification_token": None}, "invalid_request"),
        ({"client_notification_token": "a\u00e9"}, "invalid_request"),
        ({"client_notification_token": "a" * 1025}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_ciba_13(
    changes: dict[str, str | None], code: str
) -> None:
    assert code_of(**{"client_notification_token": "token", **changes}) == code


@pytest.mark.parametrize("name", ["scope", "login_hint", "binding_message", "acr_values"])
def test_n041_nothing_may_repeat(name: str) -> None:
    pairs = [*params(**{name: "openid"}).pairs, (name, "openid")]
    for parse in (parse_device_request, lambda each: parse_backchannel_request(each, ping=False)):
        with pytest.raises(OAuthRefusal, match="invalid_request"):
            parse(Params(pairs))


def test_who_registered_an_algorithm_or_keeps_to_fapi_must_sign() -> None:
    assert not must_sign(metadata())
    assert must_sign(metadata(backchannel_authentication_request_signing_alg="ES256"))
    assert must_sign(metadata(profile="fapi2"))


def test_fapi_ciba_takes_no_rs256() -> None:
    assert "RS256" in signed_rules(metadata()).algorithms
    assert "RS256" not in signed_rules(metadata(profile="fapi2")).algorithms


@given(
    st.dictionaries(
        st.sampled_from([*HINTS, "scope", "binding_message", "requested_expiry", "acr_values",
                         "client_notification_token", "authorization_details", "resource"]),
        st.text(max_size=40),
    )
)  # fmt: skip
def test_anything_is_read_or_refused(sent: dict[str, str]) -> None:
    for parse in (parse_device_request, lambda each: parse_backchannel_request(each, ping=True)):
        with contextlib.suppress(OAuthRefusal):
            parse(Params(sent.items()))
