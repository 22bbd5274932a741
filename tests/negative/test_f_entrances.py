"""Section F on every verifier that needs no database: none believes an abused token.

Each entrance takes its honest token first, in every algorithm it knows, so that the abuses of it
are refused for what is wrong with them and for nothing else.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from limen.federation.id_token import ExpectedIdToken, verify_id_token
from limen.federation.openid import OpenIdProvider, read_discovery
from limen.federation.provider_keys import ProviderKeys
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.client_assertion import KEY_ALGS, SECRET_ALGS, verify_client_assertion
from limen.protocol.jwk import KeySet, SigningKey, import_key_set, secret_key_set
from limen.protocol.request_object import RequestRules, verify_request_object
from limen.protocol.sender.proof import ExpectedProof, access_token_hash, verify_proof
from limen.settings.sections import NetSettings
from limen.testing.clock import FrozenClock
from limen.tokens.issue_id_token import at_hash
from limen.tokens.resource.remote_keys import Published
from limen.tokens.resource.sources import Remote
from tests.negative.jose_abuses import Honest, abuses
from tests.unit.protocol.jose_kit import ED, ES, NOW, RS, SECONDS

CLIENT, ISSUER, API = "app", "https://id.example", "https://api.example"
TOKEN = f"{ISSUER}/oauth2/token"
SECRET = b"s" * 43
SIGNERS: dict[str, SigningKey] = {
    "ES256": ES,
    "RS256": RS,
    "PS256": RS,
    "EdDSA": ED,
    "Ed25519": ED,
}
JWKS = {
    "keys": [
        {name: value for name, value in key.public.jwk().items() if name != "alg"}
        for key in (ES, RS, ED)
    ]
}
KEYS: KeySet = import_key_set(JWKS)
ALGS = frozenset({"ES256", "RS256", "PS256", "EdDSA", "Ed25519"})

Believes = Callable[[str], Awaitable[object]]


@dataclass(frozen=True)
class Entrance:
    """A verifier.

    Args:
        algs: Those that it takes.
        honest: Makes its token.
        believes: Returns, or raises the refusal of that entrance.
    """

    algs: tuple[str, ...]
    honest: Callable[[str], Honest]
    believes: Believes


def honest(alg: str, claims: dict[str, Any], **more: Any) -> Honest:
    given: dict[str, Any] = {"head": {"typ": "JWT"}, "extra": {"now": SECONDS}, **more}
    key = None if alg == "HS256" else SIGNERS[alg]
    return Honest(key=key, alg=alg, claims=claims, secret=SECRET, **given)


ASSERTION = {
    "iss": CLIENT,
    "sub": CLIENT,
    "aud": ISSUER,
    "exp": SECONDS + 200,
    "iat": SECONDS,
    "jti": "a1",
}


def assertion(alg: str) -> Honest:
    required = ("iss", "sub", "aud", "exp", "jti")
    return honest(alg, ASSERTION, required=required, untyped=True)


async def believes_assertion(raw: str) -> object:
    return _assertion(raw, KEYS, KEY_ALGS)


async def believes_mac(raw: str) -> object:
    return _assertion(raw, secret_key_set(Secret(SECRET.decode())), SECRET_ALGS)


def _assertion(raw: str, keys: KeySet, algorithms: frozenset[str]) -> object:
    return verify_client_assertion(
        Secret(raw),
        keys,
        client_id=CLIENT,
        audiences=frozenset({ISSUER}),
        algorithms=algorithms,
        now=NOW,
    )


REQUEST = {
    "iss": CLIENT,
    "aud": ISSUER,
    "client_id": CLIENT,
    "exp": SECONDS + 200,
    "nbf": SECONDS,
    "iat": SECONDS,
    "jti": "r1",
    "response_type": "code",
    "redirect_uri": "https://app.example/cb",
}
SIGNED_REQUEST = ("iss", "aud", "exp", "nbf", "iat", "jti")


def request_object(alg: str, *required: str, named: str = "client_id") -> Honest:
    head = {"typ": "oauth-authz-req+jwt"}
    wanted = ("aud", named, *required)
    return honest(alg, REQUEST, head=head, required=wanted, untyped=True, lists=("aud",))


def believes_request(**rules: Any) -> Believes:
    given = RequestRules(**{"algorithms": ALGS, "dated": False, "alone": True, **rules})

    async def believes(raw: str) -> object:
        return verify_request_object(
            raw, KEYS, client_id=CLIENT, issuer=ISSUER, rules=given, now=NOW
        )

    return believes


def proof(alg: str, **more: Any) -> Honest:
    shown = SIGNERS[alg].public.jwk()
    jwk = {name: value for name, value in shown.items() if name not in {"use", "alg", "kid"}}
    claims = {"jti": "p1", "htm": "POST", "htu": TOKEN, "iat": SECONDS, **more}
    head = {"typ": "dpop+jwt", "jwk": jwk}
    return honest(alg, claims, head=head, required=tuple(claims), own_key=True)


def believes_proof(token: str = "") -> Believes:
    raw_token = Secret(token) if token else None
    expected = ExpectedProof(
        method="POST", targets=(TOKEN,), raw_access_token=raw_token, algorithms=KEY_ALGS
    )

    async def believes(raw: str) -> object:
        return verify_proof(raw, expected=expected, now=NOW)

    return believes


NONCE, ACCESS = "n-0S6_WzA2Mj", "ya29.provider"


DISCOVERED = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "id_token_signing_alg_values_supported": ["none", "HS256", *sorted(ALGS)],
}


def upstream(alg: str) -> Honest:
    claims = {
        "iss": ISSUER,
        "sub": "1234",
        "aud": CLIENT,
        "exp": SECONDS + 200,
        "iat": SECONDS,
        "nonce": NONCE,
        "at_hash": at_hash(Secret(ACCESS), alg),
    }
    required = ("iss", "sub", "aud", "exp", "iat", "nonce")
    return honest(alg, claims, required=required, untyped=True, lists=("aud",))


async def believes_upstream(raw: str) -> object:
    endpoints = read_discovery("op", ISSUER, told=DISCOVERED)
    keys = ProviderKeys(Net(NetSettings()))
    keys._kept[str(DISCOVERED["jwks_uri"])] = (NOW, KEYS)
    return await verify_id_token(
        raw,
        keys,
        provider=OpenIdProvider("op", title="OP", issuer=ISSUER),
        endpoints=endpoints,
        expected=ExpectedIdToken(
            client_id=CLIENT,
            nonce_hash=hashlib.sha256(NONCE.encode()).digest(),
            raw_access=Secret(ACCESS),
            now=NOW,
        ),
    )


def access(alg: str) -> Honest:
    claims = {
        "iss": ISSUER,
        "sub": "ada",
        "aud": API,
        "exp": SECONDS + 200,
        "iat": SECONDS,
        "jti": "t1",
        "client_id": CLIENT,
        "scope": "read",
    }
    required = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id")
    return honest(alg, claims, head={"typ": "at+jwt"}, required=required)


async def believes_access(raw: str) -> object:
    remote = Remote(ISSUER, net=Net(NetSettings()), clock=FrozenClock(NOW))
    held = remote._keys
    held._known, held._fresh_for = Published(JWKS, KEYS), 300.0
    held._read_at = held._tried_at = held._seconds()
    return _unless_none(await remote.find(Secret(raw), audience=API))


def _unless_none(found: object) -> object:
    if found is None:
        raise Refusal("refused", "It is refused.")
    return found


FIVE = ("ES256", "RS256", "PS256", "EdDSA", "Ed25519")
ENTRANCES: dict[str, Entrance] = {
    "client_assertion": Entrance(FIVE, assertion, believes_assertion),
    "client_secret_jwt": Entrance(("HS256",), assertion, believes_mac),
    "request_object": Entrance(FIVE, request_object, believes_request()),
    "fapi_request_object": Entrance(
        ("PS256", "ES256", "EdDSA"),
        lambda alg: request_object(alg, "exp", "nbf"),
        believes_request(dated=True, algorithms=ALGS - {"RS256"}),
    ),
    "ciba_request": Entrance(
        ("ES256",),
        lambda alg: request_object(alg, *SIGNED_REQUEST, named="iss"),
        believes_request(dated=True, required=SIGNED_REQUEST),
    ),
    "dpop_proof_for_a_token": Entrance(FIVE, proof, believes_proof()),
    "dpop_proof_with_a_token": Entrance(
        ("ES256",),
        lambda alg: proof(alg, ath=access_token_hash(Secret("at"))),
        believes_proof("at"),
    ),
    "providers_id_token": Entrance(FIVE, upstream, believes_upstream),
    "access_token_at_an_api": Entrance(("ES256", "RS256", "EdDSA"), access, believes_access),
}
CASES = [(name, alg) for name, entrance in ENTRANCES.items() for alg in entrance.algs]


@pytest.mark.parametrize(("entrance", "alg"), CASES)
async def test_n069_to_n084_no_abuse_is_believed(entrance: str, alg: str) -> None:
    tried = ENTRANCES[entrance]
    made = tried.honest(alg)
    assert await tried.believes(made.token()), "the honest one is"
    assert await believed(tried.believes, made) == {}


async def believed(believes: Believes, made: Honest) -> dict[str, str]:
    """Return the abuses that were believed, and those that made the verifier stumble."""
    found = {}
    for name, raw in abuses(made):
        try:
            await believes(raw)
        except Refusal:
            continue
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is no refusal
            found[name] = repr(error)
        else:
            found[name] = "believed"
    return found


def test_the_abuses_are_many_and_differ() -> None:
    for alg in (*FIVE, "HS256"):
        names = [name for name, _ in abuses(assertion(alg))]
        assert len(names) == len(set(names)) > 300


def test_n076_an_access_token_of_another_answer() -> None:
    made = upstream("ES256")
    claims = {**made.claims, "at_hash": at_hash(Secret("another"), "ES256")}
    for said in (claims, {**claims, "at_hash": 7}, {**claims, "at_hash": ""}):
        with pytest.raises(Refusal, match="provider_id_token"):
            asyncio.run(_run(made.token(payload=said)))
    asyncio.run(_run(made.token(payload=made.without("at_hash"))))


async def _run(raw: str) -> object:
    return await believes_upstream(raw)


@pytest.mark.parametrize("seconds", [0, 10, 60])
def test_a_minute_of_another_clock_is_forgiven(seconds: int) -> None:
    made = access("ES256")
    asyncio.run(_soon(made, seconds))


async def _soon(made: Honest, seconds: int) -> None:
    later = dt.timedelta(seconds=seconds) + NOW
    claims = {**made.claims, "iat": int(later.timestamp())}
    assert await believes_access(made.token(payload=claims))
