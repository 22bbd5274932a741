"""The revocation endpoint (RFC 7009). CORS: the origins of the tenant's clients."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.endpoints.calling import authenticated
from limen.oauth.parts import Parts
from limen.protocol.introspection import parse_token_question
from limen.tokens.revoke_token import revoke_token
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; it authenticates clients itself, public ones by name."""

    async def revoke(request: Request, work: Work) -> Response:
        """Answer 200 once the token is dead, and also if it never lived (RFC 7009 2.2).

        Another client's token stays alive, and the answer is an error (N092). 200 means that
        the revocation is durable: a database that is gone is a 503.
        """
        check_rate(request, "token")
        params = await read_form(request)
        client = await authenticated(request, work, parts=parts, params=params)
        asked = parse_token_question(params)
        await revoke_token(
            work,
            keyring=parts.keyring,
            envelope=parts.envelope,
            raw=asked.raw_token,
            client_id=client.client_id,
        )
        return json_answer(b"")

    return [route("/oauth2/revoke", revoke, methods=("POST",), guard=PUBLIC, face="oauth")]
