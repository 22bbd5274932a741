"""The device authorization endpoint (RFC 8628). CORS: the origins of the tenant's clients."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.authorization.address import note_refusal
from limen.oauth.decoupled.begin_device import begin_device
from limen.oauth.endpoints.answers import json_answer
from limen.oauth.endpoints.calling import authenticated
from limen.oauth.endpoints.sender import prove_proof
from limen.oauth.parts import Parts
from limen.protocol.decoupled.device import device_response, parse_device_request
from limen.web.exchange import PUBLIC, client_ip, route
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate

PATH = "/oauth2/device_authorization"


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; it authenticates clients itself."""

    async def begin(request: Request, work: Work) -> Response:
        return await answer_device(request, work, parts=parts)

    return [route(PATH, begin, methods=("POST",), guard=PUBLIC, face="oauth")]


async def answer_device(request: Request, work: Work, *, parts: Parts) -> Response:
    """Authenticate, check, keep; answer with both codes."""
    check_rate(request, "interaction")
    params = await read_form(request)
    client = await authenticated(request, work, parts=parts, params=params)
    try:
        begun = await begin_device(
            work,
            client=client,
            asked=parse_device_request(params),
            bound_to=await prove_proof(request, work, parts=parts, client=client),
            requested_from=client_ip(request),
            desk=parts.desk,
        )
    except OAuthRefusal as refusal:
        note_refusal(work, client_id=client.client_id, refusal=refusal)
        raise
    return json_answer(
        device_response(
            raw_device_code=begun.raw_device_code,
            raw_user_code=begun.raw_user_code,
            issuer=work.site.issuer,
            expires_in=int((begun.request.expires_at - work.now).total_seconds()),
            interval=begun.request.interval_seconds,
        )
    )
