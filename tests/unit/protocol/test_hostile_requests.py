"""Requests as strangers send them: each parser reads them or refuses, and does nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.protocol.authorization_details import parse_details, read_details
from limen.protocol.authorization_request import (
    parse_addressee,
    parse_authorization_request,
    parse_client_id,
    read_acr_values,
)
from limen.protocol.claims_request import parse_claims_request
from limen.protocol.client_authentication import parse_basic, parse_client_credentials
from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.protocol.decoupled.backchannel import parse_backchannel_request, parse_ciba_request
from limen.protocol.decoupled.device import parse_device_code_request, parse_device_request
from limen.protocol.decoupled.user_code import read_user_code
from limen.protocol.distinguished_name import parse_dn
from limen.protocol.introspection import parse_token_question
from limen.protocol.jwt_bearer import named_resource, named_scope, parse_jwt_bearer
from limen.protocol.logout_request import parse_logout_request
from limen.protocol.params import Params
from limen.protocol.pkce import parse_challenge, s256
from limen.protocol.prompt import parse_max_age, parse_prompt
from limen.protocol.resource_indicator import parse_resource, read_resource
from limen.protocol.scopes import parse_scope
from limen.protocol.sender.proof import read_proof
from limen.protocol.sender.target import normal_target
from limen.protocol.token_exchange import ACCESS_TOKEN, TokenExchangeRequest, parse_token_exchange
from limen.protocol.token_request import parse_token_request
from limen.tokens.sender.credentials import read_credentials
from tests.unit.hostile import FEW, JSON, TEXTS, near, objects, params, read_or_refused

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
DETAILS = '[{"type": "payment", "locations": ["https://api.example"], "amount": "1.00"}]'
CLAIMS = '{"id_token": {"email": {"essential": true}, "acr": {"values": ["aal2"]}}, "userinfo": {}}'
REQUEST = {
    "client_id": "app",
    "response_type": "code",
    "redirect_uri": "https://app.example/cb",
    "scope": "openid email",
    "state": "xyz",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "prompt": "login consent",
    "max_age": "3600",
    "acr_values": "aal2 aal1",
    "response_mode": "query",
    "resource": "https://api.example",
    "claims": CLAIMS,
    "authorization_details": DETAILS,
    "ui_locales": "de fr",
    "display": "page",
    "login_hint": "ada@app.example",
    "dpop_jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
}
TOKEN = {
    "grant_type": "authorization_code",
    "code": "lmc_x",
    "code_verifier": VERIFIER,
    "redirect_uri": "https://app.example/cb",
    "refresh_token": "lmr_x",
    "device_code": "lmd_x",
    "auth_req_id": "lmb_x",
    "assertion": "a.b.c",
    "scope": "read",
    "resource": "https://api.example",
    "subject_token": "t",
    "subject_token_type": ACCESS_TOKEN,
    "actor_token": "t",
    "actor_token_type": ACCESS_TOKEN,
    "requested_token_type": ACCESS_TOKEN,
    "audience": "https://api.example",
    "authorization_details": DETAILS,
    "client_id": "app",
    "client_secret": "s",
    "client_assertion": "a.b.c",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "token": "t",
    "token_type_hint": "access_token",
}
BACKCHANNEL = {
    "scope": "openid",
    "login_hint": "ada@app.example",
    "id_token_hint": "a.b.c",
    "login_hint_token": "x",
    "binding_message": "W4SCT",
    "requested_expiry": "120",
    "acr_values": "aal2",
    "client_notification_token": "8d67dc78-7faa-4d41-aabd-67707b374255",
    "resource": "https://api.example",
    "authorization_details": DETAILS,
}
LOGOUT = {
    "id_token_hint": "a.b.c",
    "post_logout_redirect_uri": "https://app.example/bye",
    "state": "x",
    "client_id": "app",
    "logout_hint": "ada",
    "ui_locales": "de",
}

OF_AUTHORIZE = [
    parse_client_id,
    parse_addressee,
    parse_authorization_request,
    read_acr_values,
    read_details,
    read_resource,
    parse_challenge,
]
OF_THE_TOKEN_ENDPOINT = [
    parse_token_request,
    parse_token_exchange,
    parse_jwt_bearer,
    parse_device_code_request,
    parse_ciba_request,
    parse_token_question,
]
OF_TEXT: dict[str, tuple[Callable[[Any], object], tuple[str, ...]]] = {
    "details": (parse_details, (DETAILS,)),
    "claims": (parse_claims_request, (CLAIMS,)),
    "prompt": (parse_prompt, ("login consent", "none")),
    "max_age": (parse_max_age, ("0", "3600")),
    "scope": (parse_scope, ("openid email",)),
    "resource": (parse_resource, ("https://api.example/v1", "urn:example:api")),
    "user_code": (read_user_code, ("BCDF-GHJK",)),
    "dn": (parse_dn, ("CN=app,OU=a\\,b+O=c,C=DE", "CN=#04024869")),
    "target": (normal_target, ("https://id.example:443/a/../b?c#d", "http://[::1]:80/%7e")),
    "basic": (parse_basic, ("Basic YXBwOnNlY3JldA==",)),
}


def refusing(parse: Callable[[Any], object], given_: object) -> None:
    read_or_refused(parse, given_)


@FEW
@given(params(REQUEST))
def test_an_authorization_request_is_read_or_refused(sent: Params) -> None:
    for parse in OF_AUTHORIZE:
        refusing(parse, sent)


@FEW
@given(params(TOKEN))
def test_a_token_request_is_read_or_refused(sent: Params) -> None:
    for parse in OF_THE_TOKEN_ENDPOINT:
        refusing(parse, sent)
    refusing(lambda each: parse_client_credentials(None, each), sent)


@FEW
@given(params(BACKCHANNEL), st.booleans())
def test_a_backchannel_request_is_read_or_refused(sent: Params, ping: bool) -> None:
    refusing(lambda each: parse_backchannel_request(each, ping=ping), sent)
    refusing(parse_device_request, sent)


@FEW
@given(params(LOGOUT))
def test_a_logout_request_is_read_or_refused(sent: Params) -> None:
    refusing(parse_logout_request, sent)


@pytest.mark.parametrize("kind", OF_TEXT)
@FEW
@given(data=st.data())
def test_a_text_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    parse, valid = OF_TEXT[kind]
    refusing(parse, data.draw(TEXTS | near(*valid)))


@pytest.mark.parametrize("kind", OF_TEXT)
def test_the_good_ones_are_read(kind: str) -> None:
    parse, valid = OF_TEXT[kind]
    for text in valid:
        assert parse(text) is not None


def test_the_good_requests_are_read() -> None:
    only = {"client_id", "response_type", "redirect_uri", "scope", "code_challenge"}
    for away in ({"prompt"}, set(REQUEST) - only - {"code_challenge_method"}):
        kept = {name: value for name, value in REQUEST.items() if name not in away}
        assert parse_authorization_request(Params(kept.items())).client_id == "app"
    exchange = {**TOKEN, "grant_type": TOKEN_EXCHANGE}
    for name in ("client_secret", "client_assertion", "client_assertion_type"):
        del exchange[name]
    assert isinstance(parse_token_request(Params(exchange.items())), TokenExchangeRequest)
    assert parse_logout_request(Params(LOGOUT.items())).state == "x"
    one = {name: value for name, value in BACKCHANNEL.items() if "token" not in name}
    assert parse_backchannel_request(Params(one.items()), ping=False).acr_values == ("aal2",)


@FEW
@given(st.lists(TEXTS | near("Bearer lma_x", "DPoP a.b.c", "Basic eA=="), max_size=3))
def test_header_lines_are_read_or_refused(lines: list[str]) -> None:
    refusing(read_credentials, lines)
    refusing(read_proof, lines)


@FEW
@given(objects({"resource": "https://api.example", "scope": "read write"}))
def test_what_an_assertion_names_is_read_or_refused(claims: Mapping[str, Any]) -> None:
    refusing(named_resource, claims)
    refusing(named_scope, claims)


@FEW
@given(st.lists(JSON, max_size=2) | objects({"type": "payment", "locations": ["https://a.b"]}))
def test_details_of_any_shape_are_read_or_refused(said: Any) -> None:
    text = json.dumps(said if isinstance(said, list) else [said])
    found = read_or_refused(parse_details, text)
    if not isinstance(found, Refusal):
        assert parse_details(json.dumps(found)) == found


@given(st.text(alphabet="abcXYZ019-._~", min_size=43, max_size=128))
def test_any_challenge_of_a_verifier_is_read(verifier: str) -> None:
    challenge = s256(Secret(verifier))
    sent = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert parse_challenge(Params(sent.items())) is not None
