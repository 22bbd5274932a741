"""``/api/v1/admin/initial-access-tokens``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.permissions import CLIENTS_READ, CLIENTS_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.registration_schemas import (
    InitialTokenBody,
    InitialTokenPage,
    InitialTokenView,
    NewInitialToken,
)
from limen.admin.schemas import PageQuery
from limen.oauth.registration.initial_tokens import (
    create_initial_token,
    list_initial_tokens,
    revoke_initial_token,
)
from limen.web.deps import CurrentWork

_READ = [require(CLIENTS_READ)]
_WRITE = [require(CLIENTS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(
        prefix="/initial-access-tokens", tags=["admin: registration"], route_class=kind
    )

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[PageQuery, Query()]) -> InitialTokenPage:
        """List the tokens that let clients register; their values are never shown again."""
        found = await list_initial_tokens(
            work, parts.envelope, cursor=page.cursor, limit=page.limit
        )
        views = [InitialTokenView.of(token) for token in found.items]
        return InitialTokenPage(tokens=views, next_cursor=found.next_cursor)

    @router.post("", status_code=201, dependencies=_WRITE)
    async def create(work: CurrentWork, body: InitialTokenBody) -> NewInitialToken:
        """Make a token that registers so many clients; its value is in this answer alone."""
        made = await create_initial_token(
            work,
            name=body.name,
            uses=body.uses,
            ttl=dt.timedelta(seconds=body.valid_seconds),
        )
        view = InitialTokenView.of(made.token).model_dump()
        return NewInitialToken(**view, token=made.raw_token.reveal())

    @router.delete("/{token_id}", status_code=204, dependencies=_WRITE)
    async def revoke(work: CurrentWork, token_id: Annotated[str, Path(max_length=64)]) -> None:
        """Let a token register nothing any more; clients registered with it stay."""
        await revoke_initial_token(work, token_id=token_id)

    return router
