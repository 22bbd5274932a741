"""Connections as their owner sees them, and what the owner says of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from limen.access.permissions import CONNECTIONS_READ, CONNECTIONS_WRITE
from limen.access.require import require
from limen.vault.annotate import Annotations, annotate
from limen.vault.endpoints.owner import OwnerQuery, owner_of
from limen.vault.endpoints.schemas import AnnotateBody, ConnectionModel, ConnectionsAnswer
from limen.vault.listing import get_connection, list_connections
from limen.vault.parts import Parts
from limen.web.deps import CurrentWork


def add_reading(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get("/connections", dependencies=[require(CONNECTIONS_READ)])
    async def connections(
        *,
        work: CurrentWork,
        owner: OwnerQuery = "me",
        provider: Annotated[str, Query(max_length=40)] = "",
        tag: Annotated[str, Query(max_length=50)] = "",
    ) -> ConnectionsAnswer:
        """List your connections, or the tenant's own; of one provider, or with one tag."""
        shown = await list_connections(work, parts, user_id=await owner_of(work, owner))
        chosen = [
            each
            for each in shown
            if provider in {"", each.provider} and (not tag or tag in each.tags)
        ]
        return ConnectionsAnswer(items=[ConnectionModel.of(each) for each in chosen])

    @router.get("/connections/{connection_id}", dependencies=[require(CONNECTIONS_READ)])
    async def connection(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> ConnectionModel:
        """Show one of your connections."""
        shown = await get_connection(
            work, parts, connection_id=connection_id, user_id=await owner_of(work, owner)
        )
        return ConnectionModel.of(shown)

    @router.patch("/connections/{connection_id}", dependencies=[require(CONNECTIONS_WRITE)])
    async def change(
        *, connection_id: str, body: AnnotateBody, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> ConnectionModel:
        """Name a connection, tag it, keep your own metadata with it; nothing here reads them."""
        owner_id = await owner_of(work, owner)
        told = Annotations(nickname=body.label, tags=body.tags, metadata=body.metadata)
        await annotate(work, connection_id=connection_id, owner_id=owner_id, annotations=told)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        return ConnectionModel.of(shown)
