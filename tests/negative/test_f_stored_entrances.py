"""Section F on the verifiers that ask the database too: whose keys, which grant, what session."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from limen.db.engines import open_database
from limen.db.work import Work, Works
from limen.kernel.clock import to_timestamp
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.authorization.id_token_hint import read_id_token_hint
from limen.oauth.registration.statement import StatementKeys, read_statement
from limen.oauth.trust.verify_assertion import AssertionRefused, verify_assertion
from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.protocol.jwk import SigningKey
from limen.protocol.token_exchange import ID_TOKEN, JWT
from limen.tenants.policy import TenantPolicy
from limen.testing.clock import FrozenClock
from limen.tokens import principals
from limen.tokens.look_up import look_up
from limen.tokens.resource import InProcess
from tests.databases import Services
from tests.negative.jose_abuses import Honest
from tests.negative.test_f_entrances import believed
from tests.unit.oauth.exchange_kit import (
    API,
    UPSTREAM,
    Upstream,
    allow,
    exchange,
    exchanger,
    sign_in,
)
from tests.unit.oauth.http_kit import Known, Server, serve
from tests.unit.protocol.jose_kit import ES

pytestmark = pytest.mark.anyio
ACCESS = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id")


@pytest.fixture
async def server(
    services: Services, tmp_path: Path, clock: FrozenClock, site: Site
) -> AsyncIterator[Server]:
    """On SQLite alone: signatures are the same on any engine."""
    database = open_database(services.sqlite_database(tmp_path))
    await database.open()
    made = await serve(Works(database, clock), site)
    yield made
    await made.close()
    await database.close()


def moment(server: Server) -> int:
    return to_timestamp(server.works.clock.now())


async def own_key(server: Server, alg: Any) -> SigningKey:
    return await server.run(lambda work: server.parts.keyring.active(work, alg))


def honest(server: Server, key: SigningKey, claims: dict[str, Any], **more: Any) -> Honest:
    now = moment(server)
    said = {"exp": now + 200, "iat": now, **claims}
    given: dict[str, Any] = {"head": {"typ": "JWT"}, "extra": {"now": now}, **more}
    return Honest(key=key, alg=key.alg, claims=said, **given)


def asked(
    server: Server, body: Callable[[Work, str], Coroutine[Any, Any, object]]
) -> Callable[[str], Coroutine[Any, Any, object]]:
    """Run a verifier in a Work of its own; what it does not know is refused."""

    async def believes(raw: str) -> object:
        async def within(work: Work) -> object:
            try:
                return await body(work, raw)
            except AssertionRefused as refused:
                raise Refusal("refused", refused.reason) from refused

        found = await server.run(within)
        if found is None:
            raise Refusal("refused", "It is refused.")
        return found

    return believes


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
async def test_n069_to_n084_no_abuse_is_a_hint(server: Server, alg: str) -> None:
    claims = {"iss": server.site.issuer, "sub": "user-1", "aud": "client-1", "sid": "session-1"}
    required = ("iss", "sub", "aud", "exp")
    made = honest(
        server, await own_key(server, alg), claims, required=required, expires=False, free=("aud",)
    )

    async def body(work: Work, raw: str) -> object:
        return await read_id_token_hint(work, keyring=server.parts.keyring, raw=Secret(raw))

    believes = asked(server, body)
    assert await believes(made.token())
    assert await believed(believes, made) == {}


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
async def test_n069_to_n084_no_abuse_is_an_active_token(server: Server, alg: str) -> None:
    await server.run(lambda work: principals.put(work, kind="client", principal_id="app"))
    claims = {
        "iss": server.site.issuer,
        "sub": "app",
        "aud": API,
        "jti": "t-1",
        "client_id": "app",
        "scope": "read",
    }
    key, head = await own_key(server, alg), {"typ": "at+jwt"}
    made = honest(server, key, claims, head=head, required=ACCESS, free=("aud",))
    keyring, envelope = server.parts.keyring, server.parts.envelope

    async def introspected(work: Work, raw: str) -> object:
        return await look_up(work, keyring=keyring, envelope=envelope, raw=Secret(raw))

    source = InProcess(server.works, server.site, keyring)

    async def at_our_api(raw: str) -> object:
        found = await source.find(Secret(raw), audience=API)
        if found is None:
            raise Refusal("refused", "It is refused.")
        return found

    for believes in (asked(server, introspected), at_our_api):
        assert await believes(made.token())
        assert await believed(believes, made) == {}
        made = dataclasses.replace(made, free=())  # an API is the audience, and no other is


@pytest.mark.parametrize("profile", ["jwt", "id-jag"])
async def test_n111_no_abuse_is_a_grant(server: Server, profile: str) -> None:
    await server.resource(API)
    client = await exchanger(server, allowed=False)
    idp = Upstream(server, client, await server.person())
    await idp.trust(profiles=[profile])
    claims = {"iss": UPSTREAM, "sub": "upstream-ada", "aud": server.site.issuer, "jti": "j-1"}
    required: tuple[str, ...] = ("iss", "sub", "aud", "exp", "iat", "jti")
    more: dict[str, Any] = {"untyped": True, "lists": ("aud",)}
    if profile == "id-jag":
        claims |= {"client_id": client.id, "resource": API}
        more = {"head": {"typ": "oauth-id-jag+jwt"}, "lists": ("aud",)}
        required = (*required, "client_id")
    made = honest(server, idp.key, claims, required=required, **more)

    async def body(work: Work, raw: str) -> object:
        return await verify_assertion(
            work, keys=server.parts.trusted_keys, raw=Secret(raw), client_id=client.id
        )

    believes = asked(server, body)
    assert await believes(made.token())
    assert await believed(believes, made) == {}


async def test_n069_to_n084_no_abuse_is_a_software_statement(server: Server) -> None:
    issuer = {"issuer": UPSTREAM, "jwks": {"keys": [ES.public.jwk()]}}
    policy = TenantPolicy.read({"registration": {"statement_issuers": [issuer]}}).registration
    keys = StatementKeys(server.parts.net)
    claims = {"iss": UPSTREAM, "aud": server.site.issuer, "client_name": "Said by its issuer"}
    made = honest(server, ES, claims, required=("iss",), untyped=True, lists=("aud",))

    async def body(work: Work, raw: str) -> object:
        said = {"software_statement": raw}
        return await read_statement(work, said, policy=policy, keys=keys)

    believes = asked(server, body)
    assert await believes(made.token())
    assert await believed(believes, made) == {}


@pytest.mark.parametrize("kind", [ID_TOKEN, JWT], ids=["id_token", "jwt"])
async def test_n108_no_abuse_is_exchanged(server: Server, kind: str) -> None:
    await server.resource(API)
    client = await exchanger(server) if kind == JWT else await person_client(server)
    if kind == JWT:
        idp = Upstream(server, client, await server.person())
        await idp.trust()
        await allow(server, client, subject_issuers=[UPSTREAM])
        claims: dict[str, Any] = {"iss": UPSTREAM, "sub": "upstream-ada", "jti": "j-1"}
        required: tuple[str, ...] = ("iss", "sub", "aud", "exp", "iat", "jti")
        claims["aud"] = server.site.issuer
        made = honest(server, idp.key, claims, required=required, untyped=True, lists=("aud",))
    else:
        ada = await sign_in(server, client)
        claims = {
            "iss": server.site.issuer,
            "sub": await server.subject(client, ada.user_id),
            "aud": client.id,
            "auth_time": moment(server),
            "sid": ada.session_id,
        }
        required = ("iss", "sub", "aud", "exp", "iat", "auth_time", "sid")
        made = honest(server, await own_key(server, "RS256"), claims, required=required)

    async def believes(raw: str) -> object:
        answer = await exchange(server, client, raw, subject_token_type=kind)
        if answer.status_code == 200:
            return answer.json()
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), answer.text
        raise Refusal("refused", "It is refused.")

    assert await believes(made.token())
    assert await believed(believes, made) == {}


async def person_client(server: Server) -> Known:
    client = await server.client(
        metadata={"grant_types": ["authorization_code", "refresh_token", TOKEN_EXCHANGE]}
    )
    await allow(server, client)
    return client
