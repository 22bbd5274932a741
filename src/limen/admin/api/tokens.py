"""``/api/v1/admin/tokens``: what clients hold for people or for themselves, and ending it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.permissions import TOKENS_READ, TOKENS_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.token_schemas import (
    NotListedView,
    Revoked,
    TokenFilter,
    TokenPage,
    TokenQuery,
    TokenView,
)
from limen.oauth.registry.issued_tokens import (
    get_token,
    list_tokens,
    revoke_tokens,
    tokens_not_listed,
)
from limen.oauth.revocation.revoke_all import revoke_all_tokens
from limen.web.deps import CurrentWork

_TokenId = Annotated[str, Path(max_length=64)]
_READ = [require(TOKENS_READ)]
_WRITE = [require(TOKENS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/tokens", tags=["admin: tokens"], route_class=kind)

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[TokenQuery, Query()]) -> TokenPage:
        """List live tokens, oldest first; of a user, of a client, or of both.

        Opaque tokens that clients got for themselves come last. JWTs that they got for themselves
        are not listed one by one; ``not_listed`` says so of the client asked for.
        """
        found = await list_tokens(
            work,
            parts.envelope,
            cursor=page.cursor,
            limit=page.limit,
            user_id=page.user_id,
            client_id=page.client_id,
        )
        views = [TokenView.of(grant) for grant in found.items]
        told = TokenPage(tokens=views, next_cursor=found.next_cursor)
        if page.client_id and not page.user_id:
            known = await tokens_not_listed(work, client_id=page.client_id)
            told.not_listed = None if known is None else NotListedView.of(known)
        return told

    @router.post("/revoke", dependencies=_WRITE)
    async def revoke_many(work: CurrentWork, body: TokenFilter) -> Revoked:
        """End all tokens of a user, of a client, or of a user at a client.

        ``revoked`` counts those that are listed. Of a whole client all access tokens end that
        were issued before ``issued_before``, its own JWTs and its API keys too.
        """
        ended = await revoke_all_tokens(work, user_id=body.user_id, client_id=body.client_id)
        return Revoked.of(ended)

    @router.get("/{token_id}", dependencies=_READ)
    async def show(work: CurrentWork, token_id: _TokenId) -> TokenView:
        """Show one."""
        return TokenView.of(await get_token(work, grant_id=token_id))

    @router.delete("/{token_id}", status_code=204, dependencies=_WRITE)
    async def revoke(work: CurrentWork, token_id: _TokenId) -> None:
        """End one, and every token that came of it."""
        await revoke_tokens(work, grant_id=token_id)

    return router
