"""Begin connecting an account; what can be connected."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter

from limen.access.permissions import CONNECTIONS_CONNECT, CONNECTIONS_READ
from limen.access.require import require
from limen.db.work import Work
from limen.federation.begin import MAX_AWAY
from limen.vault.connect import WantedConnection, begin_connect
from limen.vault.endpoints.schemas import (
    ConnectAnswer,
    ConnectBody,
    ProviderModel,
    ProvidersAnswer,
)
from limen.vault.listing import list_providers
from limen.vault.parts import Parts
from limen.vault.sessions.make import make_session
from limen.web.deps import CurrentWork


def add_connecting(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get("/providers", dependencies=[require(CONNECTIONS_READ)])
    async def providers(work: CurrentWork) -> ProvidersAnswer:
        """List the providers that accounts can be connected at."""
        shown = await list_providers(work, parts)
        return ProvidersAnswer(items=[ProviderModel.of(each) for each in shown])

    @router.post("/{provider}/connect", dependencies=[require(CONNECTIONS_CONNECT)])
    async def connect(provider: str, body: ConnectBody, work: CurrentWork) -> ConnectAnswer:
        """Begin connecting an account.

        With a browser session the answer is the provider's URL. With a bearer token it is a
        link on our origin, to be opened in the same user's signed-in browser.
        """
        wanted = WantedConnection(
            provider=provider,
            features=tuple(body.features),
            connection_id=body.connection_id,
            return_to=body.return_to,
            for_tenant=body.owner == "tenant",
        )
        return await way_to_provider(work, parts, wanted=wanted)


async def way_to_provider(work: Work, parts: Parts, *, wanted: WantedConnection) -> ConnectAnswer:
    """Return where the person's browser goes: at once in their session, else by a link of ours."""
    if work.actor.scope is not None:
        made = await make_session(work, parts, wanted=wanted)
        return ConnectAnswer(link_url=made.url, expires_in=made.expires_in)
    url = await begin_connect(work, parts, wanted=wanted)
    return ConnectAnswer(authorization_url=url, expires_in=_seconds(MAX_AWAY))


def _seconds(ttl: dt.timedelta) -> int:
    return int(ttl.total_seconds())
