"""``/api/v1/oauth``: connections over JSON. Everything is the caller's own."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from limen.access.permissions import (
    CONNECTIONS_CONNECT,
    CONNECTIONS_DISCONNECT,
    CONNECTIONS_READ,
    CONNECTIONS_REFRESH,
    CONNECTIONS_TOKEN,
)
from limen.access.require import require
from limen.db.work import Work
from limen.federation.begin import MAX_AWAY
from limen.kernel.actor import Actor
from limen.kernel.errors import NotPermitted
from limen.vault.connect import WantedConnection, begin_connect
from limen.vault.connect_link import LINK_TTL, make_link
from limen.vault.disconnect import disconnect
from limen.vault.listing import get_connection, list_connections, list_providers
from limen.vault.parts import Parts
from limen.vault.schemas import (
    ConnectAnswer,
    ConnectBody,
    ConnectionModel,
    ConnectionsAnswer,
    DisconnectAnswer,
    ProviderModel,
    ProvidersAnswer,
    TokenAnswerModel,
    TokenQuery,
)
from limen.vault.token_for import Wanted, token_for
from limen.web.deps import CurrentWork, query_as
from limen.web.exchange import WorkRoute, route

_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def routes(parts: Parts) -> APIRouter:
    """Return the vault's JSON API."""
    router = APIRouter(prefix="/api/v1/oauth", route_class=WorkRoute, tags=["connections"])
    _add_connecting(router, parts)
    _add_reading(router, parts)
    _add_tokens(router, parts)
    return router


def _add_connecting(router: APIRouter, parts: Parts) -> None:
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
        )
        if work.actor.scope is not None:
            link = await make_link(work, parts, wanted=wanted)
            return ConnectAnswer(link_url=link, expires_in=_seconds(LINK_TTL))
        url = await begin_connect(work, parts, wanted=wanted)
        return ConnectAnswer(authorization_url=url, expires_in=_seconds(MAX_AWAY))


def _add_reading(router: APIRouter, parts: Parts) -> None:
    @router.get("/connections", dependencies=[require(CONNECTIONS_READ)])
    async def connections(work: CurrentWork) -> ConnectionsAnswer:
        """List your connections."""
        shown = await list_connections(work, parts, user_id=_person(work.actor))
        return ConnectionsAnswer(items=[ConnectionModel.of(each) for each in shown])

    @router.get("/connections/{connection_id}", dependencies=[require(CONNECTIONS_READ)])
    async def connection(connection_id: str, work: CurrentWork) -> ConnectionModel:
        """Show one of your connections."""
        shown = await get_connection(
            work, parts, connection_id=connection_id, user_id=_person(work.actor)
        )
        return ConnectionModel.of(shown)

    @router.delete("/connections/{connection_id}", dependencies=[require(CONNECTIONS_DISCONNECT)])
    async def end(connection_id: str, work: CurrentWork) -> DisconnectAnswer:
        """Disconnect: the token is gone at once, and the provider is told."""
        user_id = _person(work.actor)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=user_id)
        event = await disconnect(work, parts, connection_id=connection_id, user_id=user_id)
        return DisconnectAnswer(
            id=connection_id, revoked=event.revoked, manage_url=shown.manage_url
        )


def _add_tokens(router: APIRouter, parts: Parts) -> None:
    @router.get(
        "/connections/{connection_id}/token",
        dependencies=[require(CONNECTIONS_TOKEN)],
        response_model=TokenAnswerModel,
    )
    async def token(
        connection_id: str, work: CurrentWork, query: Annotated[TokenQuery, Query()]
    ) -> JSONResponse:
        """Get the connection's access token, refreshed first if it is not fresh.

        Say ``seen_generation`` when the provider answered 401 to the token of that generation:
        you get a newer one, and of any number of callers one has it refreshed.
        """
        return await _release(work, parts, connection_id=connection_id, query=query)

    @router.post(
        "/connections/{connection_id}/refresh", dependencies=[require(CONNECTIONS_REFRESH)]
    )
    async def refresh(connection_id: str, work: CurrentWork) -> ConnectionModel:
        """Have the connection's token refreshed now; the token itself stays here."""
        user_id = _person(work.actor)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=user_id)
        wanted = Wanted(
            connection_id=connection_id,
            user_id=user_id,
            reader="",
            seen_generation=shown.generation,
        )
        await token_for(work, parts, wanted=wanted)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=user_id)
        return ConnectionModel.of(shown)


def hot_routes(parts: Parts) -> list[Route]:
    """Return the one route that is asked often enough to be spared FastAPI's way to it.

    An application asks for the token before each call of the provider's API; finding the route
    and filling in its arguments costs more than all that is done here. The declaration above
    stays for the documentation.
    """

    async def token(request: Request, work: Work) -> JSONResponse:
        query = query_as(TokenQuery, request)
        connection_id = request.path_params["connection_id"]
        return await _release(work, parts, connection_id=connection_id, query=query)

    path = "/api/v1/oauth/connections/{connection_id}/token"
    return [route(path, token, guard=require(CONNECTIONS_TOKEN), face="json")]


async def _release(
    work: Work, parts: Parts, *, connection_id: str, query: TokenQuery
) -> JSONResponse:
    wanted = Wanted(
        connection_id=connection_id,
        user_id=_person(work.actor),
        reader=_reader(work.actor),
        min_ttl=dt.timedelta(seconds=query.min_ttl),
        seen_generation=query.seen_generation,
    )
    released = await token_for(work, parts, wanted=wanted)
    told = TokenAnswerModel.of(released, now=work.now)
    return JSONResponse(told.model_dump(mode="json"), headers=_NO_STORE)


def _person(actor: Actor) -> str:
    """Return whose connections these are: always the caller's own (N197)."""
    if actor.kind != "user":
        raise NotPermitted("user_required", "Connections are people's.")
    return actor.id


def _reader(actor: Actor) -> str:
    return f"client:{actor.client_id}" if actor.client_id else f"user:{actor.id}"


def _seconds(ttl: dt.timedelta) -> int:
    return int(ttl.total_seconds())
