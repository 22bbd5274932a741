from __future__ import annotations

import datetime as dt

import pytest

from limen.kernel.secret import Secret
from limen.protocol.jwk import KeySet, generate_key
from limen.protocol.jwt import JwtRefused, sign
from limen.tokens.verify_access_token import verify_access_token, verify_for_any

ISSUER = "https://id.example"
API = "https://api.example"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
KEY = generate_key("ES256")


def made(**more: object) -> Secret[str]:
    at = int(NOW.timestamp())
    claims = {"iss": ISSUER, "aud": API, "sub": "ada", "jti": "j", "client_id": "app"}
    return Secret(sign({**claims, "iat": at, "exp": at + 60, **more}, KEY, typ="at+jwt"))


def verified(raw: Secret[str], keys: KeySet, *, now: dt.datetime = NOW) -> str:
    return str(verify_for_any(raw, keys, issuer=ISSUER, now=now)["sub"])


def test_a_token_proven_before_still_expires() -> None:
    raw, keys = made(), KeySet([KEY.public])
    assert verified(raw, keys) == "ada"
    with pytest.raises(JwtRefused):
        verified(raw, keys, now=NOW + dt.timedelta(seconds=60))


def test_n251_n257_a_token_proven_before_is_nothing_once_its_key_is_gone() -> None:
    raw = made()
    assert verified(raw, KeySet([KEY.public])) == "ada"
    with pytest.raises(JwtRefused):
        verified(raw, KeySet([generate_key("ES256").public]))


def test_n251_a_token_proven_for_one_audience_is_not_for_another() -> None:
    raw, keys = made(), KeySet([KEY.public])
    assert verify_access_token(raw, keys, issuer=ISSUER, audience=API, now=NOW)
    for issuer, audience in ((ISSUER, "https://other.example"), ("https://evil.example", API)):
        with pytest.raises(JwtRefused):
            verify_access_token(raw, keys, issuer=issuer, audience=audience, now=NOW)


def test_a_proof_is_of_one_spelling_only() -> None:
    raw, keys = made(), KeySet([KEY.public])
    assert verified(raw, keys) == "ada"
    head, claims, signature = raw.reveal().split(".")
    other = made(sub="eve").reveal().split(".")[1]
    for forged in (f"{head}.{other}.{signature}", f"{head}.{claims}.{signature[:-4]}AAAA"):
        with pytest.raises(JwtRefused):
            verified(Secret(forged), keys)


def test_whoever_changes_the_claims_changes_their_own() -> None:
    raw, keys = made(), KeySet([KEY.public])
    verify_for_any(raw, keys, issuer=ISSUER, now=NOW)["sub"] = "eve"
    assert verified(raw, keys) == "ada"
