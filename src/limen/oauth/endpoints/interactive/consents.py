"""Consents over JSON: listed, given ahead, taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from limen.access.require import signed_in
from limen.oauth.consent import list_consents, withdraw_consent
from limen.oauth.consent_ahead import consent_ahead
from limen.oauth.endpoints.interactive.schemas import (
    ConsentBody,
    ConsentList,
    ConsentView,
    consent_view,
)
from limen.oauth.parts import Parts
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import parse_scope
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute


def routes(parts: Parts) -> APIRouter:
    """Return the routes under ``/api/v1/consents``."""
    router = APIRouter(
        prefix="/api/v1/consents",
        tags=["consents"],
        route_class=WorkRoute,
        dependencies=[signed_in()],
    )

    @router.get("", response_model_exclude_none=True)
    async def all_consents(work: CurrentWork) -> ConsentList:
        """List what you let applications do."""
        views = []
        for consent in await list_consents(work, user_id=work.actor.id):
            client = await parts.clients.find(work, consent.client_id)
            if client is not None:
                views.append(consent_view(consent, client, work.site))
        return ConsentList(items=views)

    @router.post("", status_code=201, response_model_exclude_none=True)
    async def give(work: CurrentWork, body: ConsentBody) -> ConsentView:
        """Record a consent before anybody asks for it.

        Your own, or, with the permission ``consents:write``, another user's to a client that
        is marked trusted.
        """
        consent, client = await consent_ahead(
            work,
            parts=parts,
            user_id=body.user_id or work.actor.id,
            client_id=body.client_id,
            scope=parse_scope(body.scope) or (),
            resource=None if body.resource is None else parse_resource(body.resource),
        )
        return consent_view(consent, client, work.site)

    @router.delete("/{consent_id}", status_code=204)
    async def withdraw(work: CurrentWork, consent_id: Annotated[str, Path(max_length=64)]) -> None:
        """Take a consent back: the application's tokens end at once."""
        await withdraw_consent(work, user_id=work.actor.id, consent_id=consent_id)

    return router
