from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.redirect_uri import match_redirect_uri
from limen.protocol.responses import TokenAnswer, error_body, issued, refused, token_response

ISSUER = "https://id.example"
REDIRECT = match_redirect_uri("https://app.example/cb", registered=["https://app.example/cb"])


def test_rfc_6749_5_1_a_token_response() -> None:
    said = json.loads(
        token_response(
            TokenAnswer(
                raw_access_token=Secret("at"),
                expires_in=900,
                scope=("a", "b"),
                raw_refresh_token=Secret("rt"),
                id_token="id",
            )
        )
    )
    assert said == {
        "access_token": "at",
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "a b",
        "refresh_token": "rt",
        "id_token": "id",
    }


def test_says_nothing_of_tokens_that_were_not_made() -> None:
    answer = TokenAnswer(raw_access_token=Secret("at"), expires_in=1, scope=("a",))
    said = json.loads(token_response(answer))
    assert set(said) == {"access_token", "token_type", "expires_in", "scope"}


def test_rfc_6749_3_3_no_scope_is_not_an_empty_one() -> None:
    answer = TokenAnswer(raw_access_token=Secret("at"), expires_in=1, scope=())
    assert "scope" not in json.loads(token_response(answer))


def test_rfc_9207_every_authorization_answer_says_who_we_are() -> None:
    code = issued(REDIRECT, mode="query", issuer=ISSUER, state="a&b", raw_code=Secret("c"))
    assert dict(parse_qsl(urlsplit(code.location()).query)) == {
        "code": "c",
        "state": "a&b",
        "iss": ISSUER,
    }
    error = refused(
        REDIRECT,
        mode="form_post",
        issuer=ISSUER,
        state=None,
        refusal=OAuthRefusal("access_denied", "No."),
    )
    assert dict(error.pairs) == {
        "error": "access_denied",
        "error_description": "No.",
        "iss": ISSUER,
    }


def test_an_empty_state_is_not_dropped_by_mistake_and_none_is_not_sent() -> None:
    answer = issued(REDIRECT, mode="query", issuer=ISSUER, state=None, raw_code=Secret("c"))
    assert "state" not in answer.location()


def test_the_code_does_not_print() -> None:
    body = error_body(OAuthRefusal("invalid_grant", "No.", detail="secret detail"))
    assert "secret" not in json.dumps(body)


@given(st.text())
def test_rfc_6749_5_2_an_error_holds_only_its_characters(text: str) -> None:
    said = error_body(OAuthRefusal("invalid_request", text))["error_description"]
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*", said)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_state_comes_back_as_it_went(state: str) -> None:
    answer = issued(REDIRECT, mode="query", issuer=ISSUER, state=state, raw_code=Secret("c"))
    url = urlsplit(answer.location())
    assert (url.scheme, url.netloc, url.path) == ("https", "app.example", "/cb")
    assert dict(parse_qsl(url.query, strict_parsing=True))["state"] == state
