from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey

from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.kernel.secret import Secret
from limen.oauth.authorization.id_token_hint import IdTokenHint, read_id_token_hint
from limen.protocol.jwe import encrypt
from limen.protocol.jwt import sign
from tests.unit.oauth.http_kit import Server

pytestmark = pytest.mark.anyio


async def read(
    server: Server, *, typ: str = "JWT", to: Mapping[str, Any] | None = None, **changes: Any
) -> IdTokenHint | None:
    async def body(work: Work) -> IdTokenHint | None:
        claims = {
            "iss": work.site.issuer,
            "sub": "user-1",
            "aud": "client-1",
            "sid": "session-1",
            "exp": to_timestamp(work.now) + 60,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        key = await server.parts.keyring.active(work, "RS256")
        raw = sign(kept, key, typ=typ)
        if to is not None:
            raw = encrypt(raw.encode(), to, alg="ECDH-ES", enc="A256GCM")
        return await read_id_token_hint(work, keyring=server.parts.keyring, raw=Secret(raw))

    return await server.run(body)


async def test_says_client_person_and_session(server: Server) -> None:
    expected = IdTokenHint(client_id="client-1", subject="user-1", session_id="session-1")
    assert await read(server) == expected


async def test_an_expired_one_will_do(server: Server) -> None:
    assert await read(server, exp=1) is not None


async def test_oidc_core_3_1_2_1_one_encrypted_to_our_key_is_opened(server: Server) -> None:
    published = (await server.http.get("/oauth2/jwks")).json()["keys"]
    ours = next(key for key in published if key["use"] == "enc")
    hint = await read(server, to=ours)
    assert hint is not None
    assert hint.subject == "user-1"
    assert await read(server, to=ours, typ="at+jwt") is None
    stranger = ECKey.generate_key("P-256", {"use": "enc"}).as_dict(private=False)
    assert await read(server, to=stranger) is None


async def test_a_session_may_be_absent(server: Server) -> None:
    hint = await read(server, sid=None)
    assert hint is not None
    assert hint.session_id is None


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt"])
async def test_n084_another_kind_of_token_of_ours_is_no_hint(server: Server, typ: str) -> None:
    assert await read(server, typ=typ) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": None},
        {"aud": None},
        {"aud": ["client-1", "client-2"]},
        {"exp": None},
    ],
)
async def test_n078_what_does_not_say_all_of_it_is_no_hint(
    server: Server, changes: dict[str, Any]
) -> None:
    assert await read(server, **changes) is None
