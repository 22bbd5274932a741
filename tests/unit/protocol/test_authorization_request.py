from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.authorization_request import (
    AuthorizationRequest,
    parse_addressee,
    parse_authorization_request,
)
from limen.protocol.params import Params

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PLAIN = {"client_id": "web", "redirect_uri": "https://app.example/cb", "response_type": "code"}


def params(**members: str) -> Params:
    return Params.of({**PLAIN, **members}.items())


def test_reads_a_full_request() -> None:
    request = parse_authorization_request(
        params(
            scope="openid read",
            state="s",
            nonce="n",
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
            prompt="login",
            max_age="60",
            resource="https://API.example/",
            acr_values="a b a",
            login_hint="ada@app.example",
            id_token_hint="x.y.z",
            ui_locales="de en",
            display="popup",
            response_mode="form_post",
            unknown="ignored",
        )
    )
    assert request.scope == ("openid", "read")
    assert request.openid
    assert request.resource == "https://api.example"
    assert request.acr_values == ("a", "b")
    assert request.response_mode == "form_post"
    assert (set(request.prompt), request.max_age) == ({"login"}, 60)
    assert request.ui_locales == ("de", "en")
    assert request.display == "popup"
    assert "x.y.z" not in repr(request)


def test_the_least_request() -> None:
    request = parse_authorization_request(params())
    assert request == AuthorizationRequest(client_id="web", redirect_uri="https://app.example/cb")
    assert not request.openid


def test_a_row_keeps_the_request() -> None:
    for sent in (
        params(),
        params(scope="a b", prompt="login consent", acr_values="x", max_age="1"),
    ):
        request = parse_authorization_request(sent)
        kept = json.loads(json.dumps(request.to_json()))
        assert AuthorizationRequest.from_json(kept) == request


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"scope": " ".join(f"s{n}" for n in range(200))}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"resource": "nowhere"}, "invalid_target"),
        ({"acr_values": "a " * 1000}, "invalid_request"),
        ({"state": "s" * 3000}, "invalid_request"),
        ({"nonce": "n" * 3000}, "invalid_request"),
    ],
)
def test_refuses_with_the_code_to_redirect(members: dict[str, str], code: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_authorization_request(params(**members))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "member", ["state", "nonce", "scope", "prompt", "response_type", "response_mode", "anything"]
)
def test_o7_refuses_repeated_parameters(member: str) -> None:
    pairs = [*PLAIN.items(), (member, "code"), (member, "code")]
    with pytest.raises(OAuthRefusal) as refused:
        parse_authorization_request(Params.of(pairs))
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    "members",
    [{"login_hint": "x" * 5000}, {"ui_locales": "xx " * 500}, {"display": "nonsense"}],
)
def test_niceties_never_fail_a_request(members: dict[str, str]) -> None:
    request = parse_authorization_request(params(**members))
    assert request.login_hint is None
    assert request.display == "page"
    assert len(request.ui_locales) <= 10


def test_n014_the_addressee_is_read_before_anything_else_is_judged() -> None:
    bad = params(response_type="nonsense", scope='"', prompt="none x", state="s")
    addressee = parse_addressee(bad)
    assert (addressee.client_id, addressee.redirect_uri) == ("web", PLAIN["redirect_uri"])
    assert (addressee.state, addressee.response_mode) == ("s", None)


def test_the_addressee_says_how_an_error_is_sent() -> None:
    assert parse_addressee(params(response_mode="form_post")).response_mode == "form_post"


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("client_id", "")],
        [("client_id", "a"), ("client_id", "b")],
        [("client_id", "a"), ("redirect_uri", "x"), ("redirect_uri", "y")],
        [("client_id", "a" * 3000)],
        [("client_id", "a"), ("scope", "openid")],
    ],
)
def test_an_addressee_in_doubt_is_a_page(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_addressee(Params.of(pairs))
    assert refused.value.code == "invalid_request"


def test_a_repeated_state_is_not_echoed() -> None:
    pairs = [*PLAIN.items(), ("state", "a"), ("state", "b")]
    assert parse_addressee(Params.of(pairs)).state is None


NAMES = st.sampled_from(sorted(AuthorizationRequest.__dataclass_fields__))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


@given(st.lists(st.tuples(NAMES, TEXT), max_size=8))
def test_any_parameters_are_a_request_or_a_typed_refusal(pairs: list[tuple[str, str]]) -> None:
    sent = Params.of([*PLAIN.items(), *pairs])
    for parse in (parse_addressee, parse_authorization_request):
        try:
            parse(sent)
        except OAuthRefusal as refused:
            assert refused.code.isascii()  # noqa: PT017 -- it may be read as well
