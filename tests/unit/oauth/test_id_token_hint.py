from __future__ import annotations

from typing import Any

import pytest

from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.kernel.secret import Secret
from limen.oauth.authorization.id_token_hint import IdTokenHint, read_id_token_hint
from limen.protocol.jwt import sign
from tests.unit.oauth.http_kit import Server

pytestmark = pytest.mark.anyio


async def read(server: Server, *, typ: str = "JWT", **changes: Any) -> IdTokenHint | None:
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
        raw = Secret(sign(kept, key, typ=typ))
        return await read_id_token_hint(work, keyring=server.parts.keyring, raw=raw)

    return await server.run(body)


async def test_says_client_person_and_session(server: Server) -> None:
    expected = IdTokenHint(client_id="client-1", subject="user-1", session_id="session-1")
    assert await read(server) == expected


async def test_an_expired_one_will_do(server: Server) -> None:
    assert await read(server, exp=1) is not None


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
