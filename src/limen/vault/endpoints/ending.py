"""End a connection."""

from __future__ import annotations

from fastapi import APIRouter

from limen.access.permissions import CONNECTIONS_DISCONNECT
from limen.access.require import require
from limen.vault.disconnect import disconnect
from limen.vault.endpoints.owner import OwnerQuery, owner_of
from limen.vault.endpoints.schemas import DisconnectAnswer
from limen.vault.listing import get_connection
from limen.vault.parts import Parts
from limen.web.deps import CurrentWork


def add_ending(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.delete("/connections/{connection_id}", dependencies=[require(CONNECTIONS_DISCONNECT)])
    async def end(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> DisconnectAnswer:
        """Disconnect: the token is gone at once, and the provider is told."""
        owner_id = await owner_of(work, owner)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        event = await disconnect(work, parts, connection_id=connection_id, user_id=owner_id)
        return DisconnectAnswer(
            id=connection_id, revoked=event.revoked, manage_url=shown.manage_url
        )
