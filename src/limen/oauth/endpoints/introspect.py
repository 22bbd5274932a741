"""The introspection endpoint (RFC 7662, RFC 9701). CORS: the origins of the tenant's clients."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.db.work import Work
from limen.kernel.json_text import json_writer
from limen.oauth.client_keys.recipient import recipient_of
from limen.oauth.endpoints.answers import json_answer, jwt_answer
from limen.oauth.endpoints.calling import authenticated_confidential
from limen.oauth.introspection.describe import describe
from limen.oauth.introspection.may_see import may_see
from limen.oauth.introspection.sign_answer import MEDIA_TYPE, sign_answer
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.protocol.introspection import INACTIVE, TokenQuestion, parse_token_question
from limen.tokens.look_up import look_up
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form
from limen.web.rate_limit import check_rate

_encode: Final = json_writer()


def routes(parts: Parts) -> list[BaseRoute]:
    """Return the endpoint; it authenticates clients itself."""

    async def introspect(request: Request, work: Work) -> Response:
        check_rate(request, "introspect")
        params = await read_form(request)
        client = await authenticated_confidential(request, work, parts=parts, params=params)
        asked = parse_token_question(params)
        if not _wants_jwt(request):
            answer = await _answer(work, parts, client, asked=asked)
            return json_answer(_encode(answer).encode())
        recipient = await recipient_of(
            work, keys=parts.client_keys, client=client, answer="introspection"
        )
        answer = await _answer(work, parts, client, asked=asked)
        signed = await sign_answer(
            work, keyring=parts.keyring, client=client, answer=answer, recipient=recipient
        )
        return jwt_answer(signed, media_type=MEDIA_TYPE)

    return [route("/oauth2/introspect", introspect, methods=("POST",), guard=PUBLIC, face="oauth")]


async def _answer(
    work: Work, parts: Parts, client: Client, *, asked: TokenQuestion
) -> dict[str, Any]:
    token = await look_up(work, keyring=parts.keyring, envelope=parts.envelope, raw=asked.raw_token)
    if token is None:
        return dict(INACTIVE)
    if not await may_see(work, api_clients=parts.api_clients, client=client, token=token):
        return dict(INACTIVE)
    return await describe(work, token)


def _wants_jwt(request: Request) -> bool:
    """Say whether the caller names the signed form; ``*/*`` is no wish (RFC 9701 section 4)."""
    named = ",".join(request.headers.getlist("accept")).split(",")
    return any(each.partition(";")[0].strip().lower() == MEDIA_TYPE for each in named)
