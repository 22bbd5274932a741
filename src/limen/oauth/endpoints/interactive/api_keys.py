"""A person's own API keys over JSON."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query

from limen.access.require import fresh, signed_in
from limen.oauth.api_keys.for_person import check_own_hand, create_own_key
from limen.oauth.api_keys.listing import key_page
from limen.oauth.api_keys.shown import ApiKeyBody, ApiKeyPage, NewApiKey, Overlap
from limen.oauth.parts import Parts
from limen.tokens.api_keys.revoke import revoke_key
from limen.tokens.api_keys.rotate import rotate_key
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute

_KeyId = Annotated[str, Path(max_length=64)]


def routes(parts: Parts) -> APIRouter:
    """Return the routes under ``/api/v1/api-keys``; whose keys is never in the request (N197)."""
    router = APIRouter(prefix="/api/v1/api-keys", tags=["api keys"], route_class=WorkRoute)

    @router.get("", dependencies=[signed_in()])
    async def all_keys(
        work: CurrentWork,
        cursor: Annotated[str, Query(max_length=1000)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ApiKeyPage:
        """List your API keys; the keys themselves are never shown again."""
        return await key_page(
            work, parts.envelope, cursor=cursor, limit=limit, owner_id=work.actor.id
        )

    @router.post("", status_code=201, dependencies=[fresh()])
    async def create(work: CurrentWork, body: ApiKeyBody) -> NewApiKey:
        """Make an API key; it is in this answer alone. Takes a recent sign-in."""
        made = await create_own_key(work, resources=parts.resources, wanted=body.wanted())
        return NewApiKey.made(made)

    @router.post("/{key_id}/rotate", dependencies=[fresh()])
    async def rotate(work: CurrentWork, key_id: _KeyId, body: Overlap) -> NewApiKey:
        """Replace a key by a new one with the same rights. Takes a recent sign-in."""
        check_own_hand(work)
        made = await rotate_key(
            work,
            key_id=key_id,
            principal_id=work.actor.id,
            overlap=dt.timedelta(hours=body.overlap_hours),
        )
        return NewApiKey.made(made)

    @router.delete("/{key_id}", status_code=204, dependencies=[signed_in()])
    async def revoke(work: CurrentWork, key_id: _KeyId) -> None:
        """End a key: it opens nothing from now on."""
        await revoke_key(work, key_id=key_id, principal_id=work.actor.id)

    return router
