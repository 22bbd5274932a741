"""``/api/v1/admin/api-keys``: everybody's, to see and to end; the keys are never shown."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.permissions import TOKENS_READ, TOKENS_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.service_account_schemas import ApiKeyQuery
from limen.oauth.api_keys.listing import key_page
from limen.oauth.api_keys.shown import ApiKeyPage, ApiKeyView
from limen.tokens.api_keys.find import get_key
from limen.tokens.api_keys.revoke import revoke_key
from limen.web.deps import CurrentWork

_KeyId = Annotated[str, Path(max_length=64)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/api-keys", tags=["admin: api keys"], route_class=kind)

    @router.get("", dependencies=[require(TOKENS_READ)])
    async def list_all(work: CurrentWork, page: Annotated[ApiKeyQuery, Query()]) -> ApiKeyPage:
        """List API keys that have not ended; of one owner, or everybody's."""
        return await key_page(
            work, parts.envelope, cursor=page.cursor, limit=page.limit, owner_id=page.owner_id
        )

    @router.get("/{key_id}", dependencies=[require(TOKENS_READ)])
    async def show(work: CurrentWork, key_id: _KeyId) -> ApiKeyView:
        """Show one."""
        return ApiKeyView.of(await get_key(work, key_id=key_id))

    @router.delete("/{key_id}", status_code=204, dependencies=[require(TOKENS_WRITE)])
    async def revoke(work: CurrentWork, key_id: _KeyId) -> None:
        """End a key, whoever's it is."""
        await revoke_key(work, key_id=key_id)

    return router
