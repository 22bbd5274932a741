"""The backchannel authentication endpoint (CIBA Core 1.0 section 7). CORS: nobody; it is servers'.

Clients in polling and in ping mode; push is not offered.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.authorization.address import note_refusal
from limen.oauth.decoupled.begin_backchannel import begin_backchannel
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.endpoints.calling import authenticated_confidential
from limen.oauth.parts import Parts
from limen.protocol.decoupled.backchannel import backchannel_response
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate

PATH = "/oauth2/bc-authorize"


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; it authenticates clients itself, and public ones are refused."""

    async def begin(request: Request, work: Work) -> Response:
        return await answer_backchannel(request, work, parts=parts)

    return [route(PATH, begin, methods=("POST",), guard=PUBLIC, face="oauth")]


async def answer_backchannel(request: Request, work: Work, *, parts: Parts) -> Response:
    """Authenticate, check, keep, tell the person; answer with the request's id."""
    check_rate(request, "token")
    params = await read_form(request)
    client = await authenticated_confidential(request, work, parts=parts, params=params)
    try:
        begun = await begin_backchannel(work, client=client, params=params, desk=parts.desk)
    except OAuthRefusal as refusal:
        note_refusal(work, client_id=client.client_id, refusal=refusal)
        raise
    return json_answer(
        backchannel_response(
            raw_request_id=begun.raw_request_id,
            expires_in=int((begun.request.expires_at - work.now).total_seconds()),
            interval=begun.request.interval_seconds,
        )
    )
