"""``/api/v1/admin/clients``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.permissions import CLIENTS_READ, CLIENTS_WRITE
from limen.access.require import require
from limen.admin.manage_clients import change_one, register_one, rotate_one, switch_one
from limen.admin.parts import Parts
from limen.admin.schemas import (
    ClientBody,
    ClientPage,
    ClientPatch,
    ClientView,
    NewSecret,
    PageQuery,
    RegisteredClient,
)
from limen.oauth.clients import Clients
from limen.oauth.registry.listing import list_clients
from limen.oauth.registry.update_client import client_not_found
from limen.web.deps import CurrentWork

_ClientId = Annotated[str, Path(max_length=256)]
_READ = [require(CLIENTS_READ)]
_WRITE = [require(CLIENTS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/clients", tags=["admin: clients"], route_class=kind)

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[PageQuery, Query()]) -> ClientPage:
        """List clients; their secrets are never shown again."""
        found = await list_clients(work, parts.envelope, cursor=page.cursor, limit=page.limit)
        views = [ClientView.of(client) for client in found.items]
        return ClientPage(clients=views, next_cursor=found.next_cursor)

    @router.post("", status_code=201, dependencies=_WRITE)
    async def register(work: CurrentWork, body: ClientBody) -> RegisteredClient:
        """Register a client; a secret, if it has one, is in this answer alone."""
        return await register_one(work, parts, body)

    @router.get("/{client_id}", dependencies=_READ)
    async def show(work: CurrentWork, client_id: _ClientId) -> ClientView:
        """Show one client."""
        client = await Clients().fresh(work, client_id)
        if client is None:
            raise client_not_found()
        return ClientView.of(client)

    @router.patch("/{client_id}", dependencies=_WRITE)
    async def change(
        work: CurrentWork, client_id: _ClientId, body: ClientPatch
    ) -> RegisteredClient:
        """Change some of what a client registered; a secret it had not is in this answer alone."""
        return await change_one(work, parts, client_id=client_id, body=body)

    _add_switches(router, parts)
    return router


def _add_switches(router: APIRouter, parts: Parts) -> None:
    @router.post("/{client_id}/disable", status_code=204, dependencies=_WRITE)
    async def disable(work: CurrentWork, client_id: _ClientId) -> None:
        """Let a client do nothing any more; its tokens end at once."""
        await switch_one(work, client_id=client_id, to="disable")

    @router.post("/{client_id}/enable", status_code=204, dependencies=_WRITE)
    async def enable(work: CurrentWork, client_id: _ClientId) -> None:
        """Let a client act again."""
        await switch_one(work, client_id=client_id, to="enable")

    @router.post("/{client_id}/rotate-secret", dependencies=_WRITE)
    async def rotate(work: CurrentWork, client_id: _ClientId) -> NewSecret:
        """Give a client a new secret; the old one lives on for a day."""
        return await rotate_one(work, parts, client_id=client_id)

    @router.delete("/{client_id}", status_code=204, dependencies=_WRITE)
    async def delete(work: CurrentWork, client_id: _ClientId) -> None:
        """Forget a client; its tokens end at once, and nobody gets its id again."""
        await switch_one(work, client_id=client_id, to="delete")
