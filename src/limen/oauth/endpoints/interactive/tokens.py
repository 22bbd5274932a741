"""A user's own tokens over JSON: which clients hold what, and taking it back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from limen.access.require import signed_in
from limen.oauth.parts import Parts
from limen.oauth.registry.issued_tokens import Held, list_tokens, revoke_tokens
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute


class TokenView(BaseModel):
    """What one client holds for you: a refresh token, if there is one, and its access tokens."""

    id: str
    client_id: str
    client_name: str
    scope: str
    resources: tuple[str, ...]
    session_id: str | None
    started_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_at: dt.datetime

    @classmethod
    def of(cls, grant: Held, *, client_name: str) -> TokenView:
        """Show a grant."""
        return cls(
            id=grant.id,
            client_id=grant.client_id,
            client_name=client_name,
            scope=" ".join(grant.scope),
            resources=grant.resources,
            session_id=grant.session_id,
            started_at=grant.started_at,
            last_used_at=grant.last_used_at,
            expires_at=grant.expires_at,
        )


class TokenList(BaseModel):
    """Some of your tokens, oldest first; a ``next_cursor`` says that there are more."""

    tokens: list[TokenView]
    next_cursor: str


def routes(parts: Parts) -> APIRouter:
    """Return the routes under ``/api/v1/tokens``."""
    router = APIRouter(
        prefix="/api/v1/tokens",
        tags=["tokens"],
        route_class=WorkRoute,
        dependencies=[signed_in()],
    )

    @router.get("")
    async def all_tokens(
        work: CurrentWork,
        cursor: Annotated[str, Query(max_length=1000)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> TokenList:
        """List what applications hold for you. The tokens themselves are never shown."""
        page = await list_tokens(
            work, parts.envelope, cursor=cursor, limit=limit, user_id=work.actor.id
        )
        views = []
        for grant in page.items:
            client = await parts.clients.find(work, grant.client_id)
            name = grant.client_id if client is None else client.name
            views.append(TokenView.of(grant, client_name=name))
        return TokenList(tokens=views, next_cursor=page.next_cursor)

    @router.delete("/{token_id}", status_code=204)
    async def revoke(work: CurrentWork, token_id: Annotated[str, Path(max_length=64)]) -> None:
        """Take one back: it and every token that came of it end at once."""
        await revoke_tokens(work, grant_id=token_id, user_id=work.actor.id)

    return router
