"""ID tokens as hints."""

from __future__ import annotations

import datetime as dt

from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.protocol.jwt import sign
from tests.unit.oauth.http_kit import Known, Server


async def id_token_for(server: Server, client: Known, user_id: str) -> str:
    """An ID token that expired an hour ago."""

    async def body(work: Work) -> str:
        key = await server.parts.keyring.active(work, "RS256")
        claims = {
            "iss": work.site.issuer,
            "sub": user_id,
            "aud": client.id,
            "iat": to_timestamp(work.now - dt.timedelta(hours=2)),
            "exp": to_timestamp(work.now - dt.timedelta(hours=1)),
        }
        return sign(claims, key, typ="JWT")

    return await server.run(body)
