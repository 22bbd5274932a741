"""The tenant's public keys (RFC 7517). CORS: any origin."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.oauth.authorization.sent import REQUEST_ENCRYPTION
from limen.oauth.endpoints.answers import public_answer
from limen.oauth.parts import Parts
from limen.protocol.request_encryption import request_key
from limen.web.exchange import PUBLIC, route


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint.

    A key is in it before it signs and until its tokens are over; after those, the one that
    clients may encrypt request objects to.
    """

    async def jwks(request: Request, work: Work) -> Response:  # noqa: ARG001 -- a handler's shape
        published = await parts.keyring.jwks(work)
        ours = request_key(await parts.envelope.derive(work, REQUEST_ENCRYPTION))
        members = {**published, "keys": [*published["keys"], ours.jwk]}
        return public_answer(json.dumps(members).encode())

    return [route("/oauth2/jwks", jwks, guard=PUBLIC, face="oauth")]
