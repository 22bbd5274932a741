"""End connections: one of them after a preview, or all that is kept about a person."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.encoders import jsonable_encoder
from starlette.responses import JSONResponse

from limen.access.permissions import (
    CONNECTIONS_DISCONNECT,
    CONNECTIONS_ERASE,
    CONNECTIONS_EXPORT,
    CONNECTIONS_READ,
)
from limen.access.require import fresh, require
from limen.vault.disconnect import disconnect
from limen.vault.endpoints.ending_schemas import (
    EraseAnswer,
    ErasuresAnswer,
    ExportAnswer,
    PreviewAnswer,
    RecordModel,
)
from limen.vault.endpoints.owner import OwnerQuery, owner_of
from limen.vault.endpoints.schemas import DisconnectAnswer
from limen.vault.erasing.erase import erase_person, list_erasures
from limen.vault.erasing.export import export
from limen.vault.erasing.preview import preview
from limen.vault.listing import get_connection
from limen.vault.parts import Parts
from limen.web.deps import CurrentWork

_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def add_ending(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get(
        "/connections/{connection_id}/disconnect-preview",
        dependencies=[require(CONNECTIONS_READ)],
    )
    async def look_ahead(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> PreviewAnswer:
        """Tell what else ends with a connection; changes nothing."""
        owner_id = await owner_of(work, owner)
        told = await preview(work, parts, connection_id=connection_id, owner_id=owner_id)
        return PreviewAnswer.of(told)

    @router.delete("/connections/{connection_id}", dependencies=[require(CONNECTIONS_DISCONNECT)])
    async def end(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> DisconnectAnswer:
        """Disconnect: the token is gone at once, and the provider is told.

        Unless that would end other connections of the same account: then it is not told, and
        ``revoked`` says so.
        """
        owner_id = await owner_of(work, owner)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        event = await disconnect(work, parts, connection_id=connection_id, user_id=owner_id)
        return DisconnectAnswer(
            id=connection_id, revoked=event.revoked, manage_url=shown.manage_url
        )

    @router.get("/export", dependencies=[require(CONNECTIONS_EXPORT)], response_model=ExportAnswer)
    async def take_along(
        work: CurrentWork,
        secrets: Annotated[bool, Query(description="The tokens too.")] = False,  # noqa: FBT002 -- a query member
    ) -> JSONResponse:
        """Export all that is kept about your connections.

        With ``secrets`` the tokens too, for who signed in a short while ago.
        """
        owner_id = await owner_of(work, "me")
        told = await export(work, parts, user_id=owner_id, with_secrets=secrets)
        return JSONResponse(jsonable_encoder(told), headers=_NO_STORE)

    @router.post("/erase", dependencies=[fresh(permission=CONNECTIONS_ERASE)])
    async def erase(work: CurrentWork) -> EraseAnswer:
        """End all your connections and delete what was kept with them; a record by ids stays."""
        erasure = await erase_person(work, parts, user_id=await owner_of(work, "me"))
        return EraseAnswer(id=erasure.id, connections=len(erasure.connections))

    @router.get("/erasures", dependencies=[require(CONNECTIONS_READ)])
    async def erased(work: CurrentWork) -> ErasuresAnswer:
        """List what was erased for you, and what the providers said to it."""
        records = await list_erasures(work, user_id=await owner_of(work, "me"))
        return ErasuresAnswer(items=[RecordModel.of(each) for each in records])
