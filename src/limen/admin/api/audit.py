"""``/api/v1/admin/audit``: the log, to be read and never changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute

from limen.access.permissions import AUDIT_READ
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.schemas import AuditEventView, AuditPageView, AuditQuery
from limen.audit.search import AuditFilters, search
from limen.web.deps import CurrentWork


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/audit", tags=["admin: audit"], route_class=kind)

    @router.get("", dependencies=[require(AUDIT_READ)])
    async def find(work: CurrentWork, query: Annotated[AuditQuery, Query()]) -> AuditPageView:
        """Search this tenant's log, newest first."""
        filters = AuditFilters(
            name=query.name,
            outcome=query.outcome or "",
            actor_id=query.actor_id,
            user_id=query.user_id,
            since=query.since,
            until=query.until,
        )
        key = await parts.envelope.derive(work, "cursor")
        page = await search(work, filters=filters, key=key, cursor=query.cursor, limit=query.limit)
        views = [AuditEventView.of(event) for event in page.events]
        return AuditPageView(events=views, next_cursor=page.next_cursor)

    return router
