from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.protocol.pkce import (
    check_verifier,
    needs_challenge,
    new_verifier,
    parse_challenge,
    s256,
)

# RFC 7636 appendix B
VERIFIER = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_rfc_7636_appendix_b() -> None:
    assert s256(VERIFIER) == CHALLENGE
    check_verifier(VERIFIER, challenge=CHALLENGE)


def params(**members: str) -> Params:
    return Params.of(members.items())


def test_reads_a_challenge() -> None:
    sent = params(code_challenge=CHALLENGE, code_challenge_method="S256")
    assert parse_challenge(sent) == CHALLENGE
    assert parse_challenge(params()) is None


@pytest.mark.parametrize(
    "members",
    [
        {"code_challenge": CHALLENGE},
        {"code_challenge_method": "S256"},
        {"code_challenge": "", "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "s256"},
        {"code_challenge": CHALLENGE[:-1], "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE + "A", "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE[:-1] + "=", "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE[:-1] + "+", "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE + "\n", "code_challenge_method": "S256"},
    ],
)
def test_n027_refuses_half_a_challenge(members: dict[str, str]) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_challenge(params(**members))
    assert refused.value.code == "invalid_request"


def test_refuses_a_repeated_challenge() -> None:
    twice = Params.of([("code_challenge", CHALLENGE)] * 2 + [("code_challenge_method", "S256")])
    with pytest.raises(OAuthRefusal):
        parse_challenge(twice)


@pytest.mark.parametrize(
    ("verifier", "challenge"),
    [
        pytest.param(None, CHALLENGE, id="N025-absent"),
        pytest.param(VERIFIER, None, id="N026-without-challenge"),
        pytest.param(Secret("x" * 43), CHALLENGE, id="N028-wrong"),
        pytest.param(Secret(CHALLENGE), CHALLENGE, id="N028-plain"),
        pytest.param(Secret("x" * 42), CHALLENGE, id="N029-short"),
        pytest.param(Secret("x" * 129), CHALLENGE, id="N029-long"),
        pytest.param(Secret("x" * 43 + "\n"), CHALLENGE, id="N029-newline"),
        pytest.param(Secret("\u00e9" * 43), CHALLENGE, id="N029-unicode"),
        pytest.param(Secret("x" * 42 + "+"), CHALLENGE, id="N029-character"),
    ],
)
def test_refuses_who_can_not_prove_it(verifier: Secret[str] | None, challenge: str | None) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        check_verifier(verifier, challenge=challenge)
    assert refused.value.code == "invalid_grant"


def test_a_code_without_challenge_is_redeemed_without_verifier() -> None:
    check_verifier(None, challenge=None)


@pytest.mark.parametrize("length", [43, 128])
def test_takes_the_shortest_and_the_longest(length: int) -> None:
    verifier = Secret("~" * length)
    check_verifier(verifier, challenge=s256(verifier))


@pytest.mark.parametrize(
    ("public", "openid", "required", "needed"),
    [
        (True, True, False, True),
        (True, False, False, True),
        (False, False, False, True),
        (False, True, True, True),
        (False, True, False, False),
    ],
)
def test_n030_who_needs_a_challenge(
    public: bool, openid: bool, required: bool, needed: bool
) -> None:
    assert needs_challenge(public=public, openid=openid, required_by_client=required) is needed


def test_makes_verifiers_that_pass() -> None:
    verifier = new_verifier()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", verifier.reveal())
    check_verifier(verifier, challenge=s256(verifier))
    assert new_verifier() != verifier


@pytest.mark.parametrize("raw", ["x" * 42, "x" * 129, "\u00e9" * 43, "x" * 42 + "+"])
def test_n029_refuses_a_malformed_verifier_even_if_it_matches(raw: str) -> None:
    with pytest.raises(OAuthRefusal):
        check_verifier(Secret(raw), challenge=s256(Secret(raw)))


@given(st.text())
def test_any_other_text_is_refused_as_verifier(raw: str) -> None:
    with pytest.raises(OAuthRefusal):
        check_verifier(Secret(raw), challenge=CHALLENGE)
