"""Who calls an endpoint: the request's credentials, handed to client authentication."""

from __future__ import annotations

import datetime as dt

from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import OAuthRefusal
from limen.oauth.client_authentication.authenticate import (
    authenticate_client,
    authenticate_confidential,
)
from limen.oauth.client_authentication.presented import Presented, Remember
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.protocol.params import Params
from limen.tokens.replay.durably import Once, first_time_durably
from limen.web.locate import route_path
from limen.web.peer.client_certificate import certificate_of
from limen.web.state import state_of, works_of


async def authenticated(request: Request, work: Work, *, parts: Parts, params: Params) -> Client:
    """Return the client that calls, and make it the actor; a public one only names itself.

    Call it before anything is written: a client's keys may have to be fetched first.

    Args:
        request: Its headers and its TLS certificate are looked at.
        work: Clean.
        parts: Of the server.
        params: The form.

    Raises:
        OAuthRefusal, InvalidClient: As ``authenticate_client``.
    """
    client = await authenticate_client(work, parts=parts, presented=_read(request, work, params))
    return _acting(work, client)


async def authenticated_confidential(
    request: Request, work: Work, *, parts: Parts, params: Params
) -> Client:
    """Return the client that calls; public ones are refused. Otherwise as ``authenticated``."""
    client = await authenticate_confidential(
        work, parts=parts, presented=_read(request, work, params)
    )
    return _acting(work, client)


def _acting(work: Work, client: Client) -> Client:
    """Let the audit log say who asks; whoever only said a public client's name stays nobody.

    The actor has no scope: its roles are for its access tokens, not for its credentials.
    """
    if not client.is_public:
        id_ = client.client_id
        work.actor = Actor("client", id=id_, client_id=id_, scope=frozenset())
    return client


def _read(request: Request, work: Work, params: Params) -> Presented:
    lines = request.headers.getlist("authorization")
    if len(lines) > 1:
        # Whoever stands in front of us may have looked at the other one (N055).
        raise OAuthRefusal("invalid_request", "Send one Authorization header.")
    return Presented(
        authorization=lines[0] if lines else None,
        params=params,
        certificate=certificate_of(request),
        path=route_path(request.scope),
        remember=_memory(request, work),
    )


def _memory(request: Request, work: Work) -> Remember:
    """Return what remembers assertions on all nodes; the request's own Work stays clean."""

    async def remember(client_id: str, jti: str, until: dt.datetime) -> bool:
        once = Once(kind="client_assertion", of=client_id, value=jti, until=until)
        return await first_time_durably(
            works_of(request), work, once=once, memory=state_of(request)
        )

    return remember
