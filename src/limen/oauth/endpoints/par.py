"""The pushed authorization request endpoint (RFC 9126). CORS: the origins of the tenant's clients.

What a client may push is what the authorization endpoint would take: the same checks, in the
same list, run when it is pushed and once more when a browser comes with the handle.
"""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.authorization.address import note_refusal
from limen.oauth.authorization.push import push_request
from limen.oauth.authorization.pushed import TTL, uri_of
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.endpoints.calling import authenticated
from limen.oauth.endpoints.sender import prove_proof
from limen.oauth.parts import Parts
from limen.protocol.sender.confirmation import to_cnf
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; it authenticates clients itself, and takes POST alone."""

    async def push(request: Request, work: Work) -> Response:
        return await answer_push(request, work, parts=parts)

    return [route("/oauth2/par", push, methods=("POST",), guard=PUBLIC, face="oauth")]


async def answer_push(request: Request, work: Work, *, parts: Parts) -> Response:
    """Authenticate, check, keep; answer with the handle (RFC 9126 section 2.2)."""
    check_rate(request, "token")
    params = await read_form(request)
    client = await authenticated(request, work, parts=parts, params=params)
    try:
        bound_to = await prove_proof(request, work, parts=parts, client=client)
        raw_handle = await push_request(
            work,
            params=params,
            client=client,
            jkt=to_cnf(bound_to)["jkt"] if bound_to else None,
            desk=parts.desk,
        )
    except OAuthRefusal as refusal:
        note_refusal(work, client_id=client.client_id, refusal=refusal)
        raise
    members = {"request_uri": uri_of(raw_handle), "expires_in": int(TTL.total_seconds())}
    return json_answer(json.dumps(members).encode(), status=201)
