"""Cases E and F for assertions: what a client may not authenticate with, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.oauth.service_accounts.create import NewAccount, create_account
from limen.oauth.service_accounts.credentials import add_secret
from limen.protocol.client_metadata import ClientType
from limen.protocol.jwk import SigningKey, generate_key
from limen.testing.visitor import Page
from tests.client_assertions import assertion_claims, hashed, presented, signed
from tests.installation import Installation, Known
from tests.unit.protocol.jose_kit import encode, header

KEY, OTHER, RSA = generate_key("ES256"), generate_key("ES256"), generate_key("RS256")
FORM = {"grant_type": "client_credentials", "scope": "read"}

Make = Callable[[dict[str, Any]], str]


async def signing(limen: Installation, *keys: SigningKey) -> Known:
    jwks = {"keys": [key.public.jwk() for key in keys]}
    return await limen.client("machine", auth_method="private_key_jwt", metadata={"jwks": jwks})


async def signing_under_fapi(limen: Installation, *keys: SigningKey) -> Known:
    app = await signing(limen, *keys)
    envelope = limen.application.runtime.envelope
    changes = ClientChanges(metadata={"profile": "fapi2", "dpop_bound_access_tokens": True})
    await limen.run(
        lambda work: update_client(work, client_id=app.id, changes=changes, envelope=envelope)
    )
    return app


def claims(limen: Installation, client: Known, **changes: Any) -> dict[str, Any]:
    changes = {"audience": limen.issuer, **changes}
    return assertion_claims(client.id, now=limen.clock.now(), **changes)


async def ask(limen: Installation, raw: str) -> Page:
    return await limen.api.fetch("POST", "/oauth2/token", form={**FORM, **presented(raw)})


def with_claims(**changes: Any) -> Make:
    def make(said: dict[str, Any]) -> str:
        merged = {**said, **changes}
        return signed({name: value for name, value in merged.items() if value is not None}, KEY)

    return make


def with_header(**head: Any) -> Make:
    return lambda said: signed(said, KEY, **head)


def public_text() -> str:
    key = RSA.key.public_key
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def extended(how: Callable[[str], str]) -> Make:
    return lambda said: how(signed(said, KEY))


CASES: dict[str, Make] = {
    "n060-endpoint": lambda said: signed({**said, "aud": f"{said['aud']}/oauth2/token"}, KEY),
    "n060-array": lambda said: signed({**said, "aud": [said["aud"], "https://a.example"]}, KEY),
    "n060-array-of-one": lambda said: signed({**said, "aud": [said["aud"]]}, KEY),
    "n060-other": with_claims(aud="https://other.example"),
    "n060-missing": with_claims(aud=None),
    "n063-no-jti": with_claims(jti=None),
    "n063-empty-jti": with_claims(jti=""),
    "n064-iss": with_claims(iss="somebody"),
    "n064-sub": with_claims(sub="somebody"),
    "n064-both": with_claims(iss="somebody", sub="somebody"),
    "n065-key": lambda said: signed(said, OTHER),
    "n065-kid": lambda said: signed(said, OTHER, kid=KEY.kid),
    "n069-pem": lambda said: hashed(said, public_text(), kid=RSA.kid),
    "n069-jwk": lambda said: hashed(said, json.dumps(RSA.public.jwk())),
    "n070-none": with_header(alg="none"),
    "n070-None": with_header(alg="nOnE"),
    "n070-absent": with_header(alg=None),
    "n070-unsigned": lambda said: f"{encode(header(KEY, typ='JWT'))}.{encode(said)}.",
    "n072-jwk": lambda said: signed(said, OTHER, kid=KEY.kid, jwk=OTHER.public.jwk()),
    "n072-jku": lambda said: signed(said, OTHER, jku="https://evil.example/jwks"),
    "n072-x5c": lambda said: signed(said, OTHER, x5c=["MIIB"], x5u="https://evil.example"),
    "n073-unknown": with_header(crit=["b64"], b64=False),
    "n073-empty": with_header(crit=[]),
    "n078-number": with_claims(aud=7),
    "n079-no-exp": with_claims(exp=None),
    "n079-nbf": with_claims(nbf=4_000_000_000 // 2),
    "n080-padding": extended(lambda raw: f"{raw}="),
    "n080-space": extended(lambda raw: f"{raw} "),
    "n082-text": with_claims(exp="9999999999"),
    "n082-huge": with_claims(exp=1e300),
    "n082-negative": with_claims(exp=-1),
    "n082-far": with_claims(exp=2**31 - 1),
    "n083-path": with_header(kid="../../etc/passwd"),
    "n083-quote": with_header(kid="' OR 1=1 --"),
    "n083-nul": with_header(kid="\0"),
    "n083-long": with_header(kid="k" * 10_000),
    "n083-number": with_header(kid=7),
    "n084-access": with_header(typ="at+jwt"),
    "n084-proof": with_header(typ="dpop+jwt"),
    "n084-logout": with_header(typ="logout+jwt"),
    "n084-request": with_header(typ="oauth-authz-req+jwt"),
}


TOLD: dict[str, str] = {
    "n060-endpoint": "aud must be the issuer alone, one string and no array: {issuer}",
    "n060-array": "aud must be the issuer alone, one string and no array: {issuer}",
    "n060-array-of-one": "aud must be the issuer alone, one string and no array: {issuer}",
    "n060-other": "aud must be the issuer alone, one string and no array: {issuer}",
    "n060-missing": "aud must be the issuer alone, one string and no array: {issuer}",
    "n063-no-jti": "jti is missing.",
    "n063-empty-jti": "jti must be a string of 1 to 512 characters.",
    "n078-number": "aud must be the issuer alone, one string and no array: {issuer}",
    "n079-no-exp": "exp is missing.",
    "n079-nbf": "nbf must be a NumericDate, and not in the future.",
    "n082-text": "exp must be a NumericDate, at most 300 seconds ahead.",
    "n082-huge": "exp must be a NumericDate, at most 300 seconds ahead.",
    "n082-negative": "exp must be a NumericDate, at most 300 seconds ahead.",
    "n082-far": "exp must be a NumericDate, at most 300 seconds ahead.",
    "n084-access": "typ names another kind of token than is taken here.",
    "n084-proof": "typ names another kind of token than is taken here.",
    "n084-logout": "typ names another kind of token than is taken here.",
    "n084-request": "typ names another kind of token than is taken here.",
}
"""What the holder of the key reads; every other case reads as a wrong signature does."""


def told(case: str, issuer: str) -> str:
    if case not in TOLD:
        return "Client authentication failed."
    return f"The client assertion: {TOLD[case].format(issuer=issuer)}"


@pytest.mark.parametrize("case", CASES)
async def test_e_f_an_assertion_that_does_not_hold(limen: Installation, case: str) -> None:
    app = await signing(limen, KEY, RSA)
    said = claims(limen, app)
    answer = await ask(limen, CASES[case](said))
    assert (answer.status, answer.json()) == (
        401,
        {"error": "invalid_client", "error_description": told(case, limen.issuer)},
    )
    assert (await ask(limen, signed(said, KEY))).status == 200, "the honest one was not used up"


async def test_n064_who_found_an_old_assertion_reads_nothing_in_the_answer(
    limen: Installation,
) -> None:
    app = await signing(limen, KEY)
    ended = int(limen.clock.now().timestamp()) - 3600
    found = signed({**claims(limen, app), "exp": ended}, KEY)
    foreign = signed({**claims(limen, app), "exp": ended, "aud": "https://as.example"}, KEY)
    for raw in (found, foreign):
        answer = await ask(limen, raw)
        assert answer.json()["error_description"] == "Client authentication failed."


async def test_n064_before_the_signature_holds_all_answers_are_one(limen: Installation) -> None:
    app, fapi = await signing(limen, KEY), await signing_under_fapi(limen, KEY, RSA)
    expired = {"exp": int(limen.clock.now().timestamp()) - 60}
    stranger = claims(limen, app, iss="nobody", sub="nobody")
    forged_rsa = signed({**claims(limen, fapi), **expired}, generate_key("RS256"))
    sent = [
        signed(claims(limen, app), OTHER),
        signed(claims(limen, app), OTHER, kid=KEY.kid),
        signed(claims(limen, app), OTHER, kid=KEY.kid, typ="at+jwt"),
        signed({**claims(limen, app), **expired}, OTHER, kid=KEY.kid),
        signed(claims(limen, app, audience="https://other.example"), OTHER, kid=KEY.kid),
        signed(stranger, KEY),
        signed({**stranger, **expired}, KEY),
        signed(stranger, RSA),
        forged_rsa,
        signed(claims(limen, fapi), OTHER, kid=RSA.kid, alg="RS256"),
    ]
    answers = [await ask(limen, raw) for raw in sent]
    assert len({(answer.status, answer.text) for answer in answers}) == 1
    assert answers[0].json()["error_description"] == "Client authentication failed."


async def test_who_holds_the_key_reads_what_time_and_profile_forbid(limen: Installation) -> None:
    app, fapi = await signing(limen, KEY), await signing_under_fapi(limen, KEY, RSA)
    now = int(limen.clock.now().timestamp())
    used = signed(claims(limen, app), KEY)
    assert (await ask(limen, used)).status == 200
    sent = {
        used: "It was presented before: each needs a jti of its own.",
        signed(claims(limen, app, exp=now - 60), KEY): "It has expired: exp has passed.",
        signed(
            claims(limen, app, iat=now + 30), KEY
        ): "iat must be a NumericDate, and not in the future.",
        signed(claims(limen, fapi), RSA): "alg is not one that may be used here.",
    }
    for raw, words in sent.items():
        answer = await ask(limen, raw)
        assert (answer.status, answer.json()) == (
            401,
            {"error": "invalid_client", "error_description": f"The client assertion: {words}"},
        )


async def test_n065_another_clients_kid_leads_nowhere(limen: Installation) -> None:
    mine, theirs = await signing(limen, KEY), await signing(limen, OTHER)
    assert (await ask(limen, signed(claims(limen, theirs), OTHER))).status == 200
    assert (await ask(limen, signed(claims(limen, mine), OTHER))).status == 401


async def test_n084_our_own_tokens_are_no_assertions(limen: Installation) -> None:
    app = await signing(limen, KEY)
    given = (await ask(limen, signed(claims(limen, app), KEY))).json()
    assert (await ask(limen, given["access_token"])).status == 401


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
async def test_n055_n063_one_method_and_one_use_on_both_engines(
    limen_on_both: Installation, path: str
) -> None:
    limen = limen_on_both
    app = await signing(limen, KEY)
    form = {**FORM, "token": "x", **presented(signed(claims(limen, app), KEY))}
    secret: dict[str, Any] = {**form, "client_secret": "x"}
    answer = await limen.api.fetch("POST", path, form=secret)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")
    assert (await limen.api.fetch("POST", path, form=form)).status == 200
    assert (await limen.api.fetch("POST", path, form=form)).status == 401


@pytest.mark.parametrize(("kind", "method"), [("web", "client_secret_basic"), ("spa", "none")])
async def test_n057_keys_alone_let_no_client_sign(
    limen: Installation, kind: ClientType, method: str
) -> None:
    jwks = {"keys": [KEY.public.jwk()]}
    app = await limen.client(kind, auth_method=method, metadata={"jwks": jwks})
    form = {"token": "x", **presented(signed(claims(limen, app), KEY))}
    answer = await limen.api.fetch("POST", "/oauth2/revoke", form=form)
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


async def test_n057_under_fapi_a_secret_from_before_opens_nothing(limen: Installation) -> None:
    envelope, jwks = limen.application.runtime.envelope, {"keys": [KEY.public.jwk()]}
    new = NewAccount(name="Builder", scope=("read",), jwks=jwks, with_secret=False)

    async def change(**members: object) -> None:
        changes = ClientChanges(metadata=members)
        await limen.run(
            lambda work: update_client(work, client_id=id_, changes=changes, envelope=envelope)
        )

    made = await limen.run(lambda work: create_account(work, new=new, envelope=envelope))
    id_ = made.account.client.client_id
    await change(token_endpoint_auth_method="private_key_jwt")
    _, secret = await limen.run(lambda work: add_secret(work, client_id=id_))
    form = {**FORM, "client_id": id_, "client_secret": secret.reveal()}
    assert (await limen.api.fetch("POST", "/oauth2/token", form=form)).status == 200
    await change(profile="fapi2", dpop_bound_access_tokens=True)
    answer = await limen.api.fetch("POST", "/oauth2/token", form=form)
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")
