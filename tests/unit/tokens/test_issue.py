from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

import pytest

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.protocol.claims_mapping import RESERVED_CLAIMS
from limen.protocol.jwk import KeySet
from limen.protocol.jwt import UNTYPED, Expected, JwtRefused, peek, sign, verify
from limen.tokens.issue_access_token import (
    AccessTokenSpec,
    issue_access_token,
    issued_at,
)
from limen.tokens.issue_id_token import IdTokenSpec, at_hash, issue_id_token
from limen.tokens.look_up import grant_of
from limen.tokens.verify_access_token import verify_access_token
from tests.unit.tokens.kit import API, MINUTES, Tokens

pytestmark = pytest.mark.anyio


async def keys_of(tokens: Tokens) -> KeySet:
    return await tokens.run(tokens.keyring.verification_keys)


async def test_an_access_token_is_as_rfc9068_wants_it(tokens: Tokens) -> None:
    started = await tokens.start(acr="urn:x", amr=("pwd",))
    issued = await tokens.access(started)
    token = peek(issued.raw.reveal())
    now = int(tokens.clock.now().timestamp())
    assert dict(token.header) | {"kid": ""} == {"alg": "ES256", "typ": "at+jwt", "kid": ""}
    assert token.claims == {
        "iss": tokens.site.issuer,
        "sub": "ada",
        "aud": API,
        "client_id": "app",
        "iat": now,
        "exp": now + 900,
        "jti": issued.jti,
        "scope": "read",
        "auth_time": now,
        "acr": "urn:x",
        "amr": ["pwd"],
    }
    assert grant_of(issued.jti) == started.grant.id
    assert issued.expires_in == 900
    keys = await keys_of(tokens)
    at = tokens.clock.now()
    assert verify_access_token(issued.raw, keys, issuer=tokens.site.issuer, audience=API, now=at)


async def test_a_client_s_own_token_asks_no_row(tokens: Tokens) -> None:
    await tokens.own()

    spec = AccessTokenSpec(
        client_id="app", subject="app", audience=API, scope=(), ttl=MINUTES, grant_id=None
    )

    async def body(work: Work) -> tuple[str, object]:
        issued = await issue_access_token(work, keyring=tokens.keyring, spec=spec)
        return issued.raw.reveal(), work._connection

    raw, connection = await tokens.run(body)
    assert connection is None
    claims = peek(raw).claims
    assert grant_of(claims["jti"]) is None
    assert not {"scope", "auth_time", "acr", "amr", "cnf"} & claims.keys()


async def test_no_two_tokens_have_the_same_jti(tokens: Tokens) -> None:
    assert len({(await tokens.own()).jti for _ in range(50)}) == 50


async def test_n087_a_token_for_another_resource_is_refused(tokens: Tokens) -> None:
    issued = await tokens.own()
    keys = await keys_of(tokens)
    for issuer, audience in (
        (tokens.site.issuer, "https://other.example"),
        (tokens.site.issuer, API + "/"),
        (tokens.site.issuer + "/t/other", API),
    ):
        with pytest.raises(JwtRefused):
            verify_access_token(
                issued.raw, keys, issuer=issuer, audience=audience, now=tokens.clock.now()
            )


async def test_n096_reserved_claims_are_dropped(tokens: Tokens) -> None:
    evil: dict[str, Any] = dict.fromkeys(RESERVED_CLAIMS, "evil")
    issued = await tokens.own(claims={**evil, "department": "x"})
    claims = peek(issued.raw.reveal()).claims
    assert "evil" not in claims.values()
    assert claims["department"] == "x"
    assert await tokens.is_active(issued.raw)


async def test_a_token_never_outlives_its_grant(tokens: Tokens) -> None:
    minute = dt.timedelta(minutes=1)
    started = await tokens.start(expires_at=tokens.clock.now() + minute)
    assert (await tokens.access(started)).expires_in == 60


async def test_a_bound_token_says_to_what(tokens: Tokens) -> None:
    issued = await tokens.own(bound_to="jkt:abc")
    assert peek(issued.raw.reveal()).claims["cnf"] == {"jkt": "abc"}
    active = await tokens.look_up(issued.raw)
    assert active
    assert active.bound_to == "jkt:abc"
    for bad in ("abc", "jkt:", "other:abc"):
        with pytest.raises(ValueError, match="bound to"):
            await tokens.own(bound_to=bad)


async def id_token(tokens: Tokens, **changes: Any) -> str:
    spec: dict[str, Any] = {
        "client_id": "app",
        "subject": "ada",
        "auth_time": tokens.clock.now(),
        "ttl": dt.timedelta(hours=1),
        **changes,
    }

    async def body(work: Work) -> str:
        return await issue_id_token(work, keyring=tokens.keyring, spec=IdTokenSpec(**spec))

    return await tokens.run(body)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
async def test_an_id_token_in_the_registered_algorithm(tokens: Tokens, algorithm: str) -> None:
    access = await tokens.own()
    raw = await id_token(
        tokens,
        algorithm=algorithm,
        nonce="n",
        sid="s1",
        amr=("pwd",),
        acr="1",
        raw_access_token=access.raw,
        claims={"name": "Ada", "sub": "mallory", "aud": "mallory", "nonce": "mallory"},
    )
    wanted = Expected(
        algorithms=frozenset({algorithm}),
        typ=("JWT", UNTYPED),
        issuer=tokens.site.issuer,
        audience="app",
        required=("exp", "iat", "sub", "auth_time"),
    )
    claims = verify(raw, await keys_of(tokens), expected=wanted, now=tokens.clock.now())
    now = int(tokens.clock.now().timestamp())
    digest = hashlib.sha512 if algorithm.startswith("Ed") else hashlib.sha256
    whole = digest(access.raw.reveal().encode()).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()
    assert claims == {
        "name": "Ada",
        "iss": tokens.site.issuer,
        "sub": "ada",
        "aud": "app",
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "nonce": "n",
        "acr": "1",
        "sid": "s1",
        "amr": ["pwd"],
        "at_hash": half,
    }


async def test_an_id_token_says_nothing_that_was_not_asked(tokens: Tokens) -> None:
    claims = peek(await id_token(tokens)).claims
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "auth_time"}
    evil: dict[str, Any] = dict.fromkeys(RESERVED_CLAIMS, "evil")
    assert set(peek(await id_token(tokens, claims=evil)).claims) == set(claims)
    assert peek(await id_token(tokens, nonce="")).claims["nonce"] == ""


def test_at_hash_is_the_one_of_openid_connect_core() -> None:
    # The response of OIDC Core, appendix A.3.
    raw = Secret("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")
    assert at_hash(raw, "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize("algorithm", ["none", "", "RSA1_5", "ES"])
def test_n076_an_unknown_hash_is_an_error(algorithm: str) -> None:
    with pytest.raises(ValueError, match="hash"):
        at_hash(Secret("x"), algorithm)


async def test_n084_an_id_token_is_no_access_token(tokens: Tokens) -> None:
    raw = await id_token(tokens, algorithm="ES256", claims={"client_id": "app", "jti": "x"})
    assert not await tokens.is_active(Secret(raw))
    good = peek((await tokens.own()).raw.reveal()).claims
    key = await tokens.run(lambda work: tokens.keyring.active(work, "ES256"))
    for typ, active in (("at+jwt", True), ("JWT", False), ("logout+jwt", False)):
        assert await tokens.is_active(Secret(sign(good, key, typ=typ))) == active


@pytest.mark.parametrize("granted", [False, True], ids=["its own", "of a grant"])
async def test_a_token_tells_the_millisecond_it_was_issued_in(
    tokens: Tokens, granted: bool
) -> None:
    tokens.clock.advance(dt.timedelta(microseconds=123_999))
    issued = await tokens.access(await tokens.start()) if granted else await tokens.own()
    claims = dict(peek(issued.raw.reveal()).claims)
    second = int(tokens.clock.now().timestamp())
    assert claims["iat"] == second
    assert issued_at(claims) == tokens.clock.now() - dt.timedelta(microseconds=999)
    whole = dt.datetime.fromtimestamp(second, dt.UTC)
    for other in ({"iat": second + 1}, {"iat": second - 1}):
        assert issued_at(claims | other).microsecond == 0, "the name is of another second"
    for jti in ("x", "", "g.", "g.ä", "0190-grant.0123456789012345678901"):
        assert issued_at(claims | {"jti": jti}) == whole
