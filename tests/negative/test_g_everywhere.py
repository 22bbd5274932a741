"""Section G at every door that takes an access token: nothing else opens any of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OctKey

from limen.protocol.jose import decode_part
from limen.protocol.jwk import generate_key, import_public
from tests.dpop import DpopKey
from tests.installation import Installation
from tests.oauth_client import Flow, claims_in
from tests.unit.protocol.jose_kit import encode, forge, forge_hmac

pytestmark = pytest.mark.anyio
DOORS = {
    "userinfo": ("GET", "/oauth2/userinfo"),
    "posted userinfo": ("POST", "/oauth2/userinfo"),
    "me": ("GET", "/api/v1/auth/me"),
    "sessions": ("GET", "/api/v1/auth/sessions"),
    "consents": ("GET", "/api/v1/consents"),
    "connections": ("GET", "/api/v1/oauth/connections"),
    "administration": ("GET", "/api/v1/admin/users"),
}


async def imitations(limen: Installation, good: str, mallory: Any) -> dict[str, str]:
    """Name what is no access token of ours, and make it."""
    head, payload, signature = good.split(".")
    claims, shown = claims_in(good), json.loads(decode_part(head))
    published = (await limen.api.fetch("GET", "/oauth2/jwks")).json()["keys"]
    key = next(each for each in published if each["kid"] == shown["kid"])
    public = import_public(key).key
    assert not isinstance(public, OctKey)
    pem = public.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "unsigned": f"{encode({**shown, 'alg': 'none'})}.{payload}.",
        "unsigned, with a signature": f"{encode({**shown, 'alg': 'none'})}.{payload}.{signature}",
        "a MAC with the public key": forge_hmac({**shown, "alg": "HS256"}, claims, pem),
        "another's signature": forge({**shown, "alg": "ES256"}, claims, mallory),
        "another's key inside": forge(
            {**shown, "alg": "ES256", "jwk": mallory.public.jwk(), "kid": mallory.kid},
            claims,
            mallory,
        ),
        "more scope": f"{head}.{encode({**claims, 'scope': 'openid admin'})}.{signature}",
        "longer life": f"{head}.{encode({**claims, 'exp': claims['exp'] + 9999})}.{signature}",
        "cut": good[:-1],
        "extended": good + "A",
        "padded": good + "=",
        "twice": f"{good}.{good}",
        "its payload": payload,
        "a proof": DpopKey().proof("GET", limen.issuer, token=good),
        "nothing": "",
        "a word": "undefined",
        "null": "null",
    }


@pytest.mark.parametrize("door", DOORS)
async def test_n069_n070_n080_n084_n093_n094_no_imitation_opens_a_door(
    limen: Installation, door: str
) -> None:
    method, path = DOORS[door]
    person = await limen.person(role="owner")
    flow = Flow(limen, await limen.client())
    made = await flow.tokens(person)
    good = (
        made["access_token"]
        if "userinfo" in door
        else str((await limen.login(person))["access_token"])
    )
    opened = await limen.api.fetch(method, path, headers={"Authorization": f"Bearer {good}"})
    assert opened.status == 200, opened.text
    tried = await imitations(limen, good, generate_key("ES256"))
    tried |= {"an ID token": made["id_token"], "a refresh token": made["refresh_token"]}
    for name, raw in tried.items():
        answer = await limen.api.fetch(method, path, headers={"Authorization": f"Bearer {raw}"})
        assert answer.status in {400, 401}, (name, answer.status, answer.text)
        assert "www-authenticate" in answer.headers, name
    for line in (f"Basic {good}", f"Token {good}", good, f"Bearer {good}, Bearer {good}"):
        answer = await limen.api.fetch(method, path, headers={"Authorization": line})
        assert answer.status in {400, 401}, (line[:12], answer.status)
    in_query = await limen.api.fetch(method, f"{path}?access_token={good}")
    assert in_query.status in {400, 401}, in_query.text
    again = await limen.api.fetch(method, path, headers={"Authorization": f"Bearer {good}"})
    assert again.status == 200, "the honest one still does"
