"""``/api/v1/admin/resources``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.routing import APIRoute

from limen.access.permissions import RESOURCES_READ, RESOURCES_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.resource_schemas import ResourceBody, ResourcePage, ResourcePatch, ResourceView
from limen.admin.schemas import PageQuery
from limen.kernel.errors import NotFound
from limen.oauth.registry.create_resource import NewResource, create_resource
from limen.oauth.registry.disable_resource import disable_resource, enable_resource
from limen.oauth.registry.listing import find_resource, list_resources
from limen.oauth.registry.update_resource import update_resource
from limen.protocol.resource_indicator import parse_resource
from limen.web.deps import CurrentWork

_Which = Annotated[str, Query(min_length=1, max_length=2048, description="Its identifier.")]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind.

    A resource's identifier is a URI, which no path carries well: it comes in the query.
    """
    router = APIRouter(prefix="/resources", tags=["admin: resources"], route_class=kind)

    @router.get("", dependencies=[require(RESOURCES_READ)])
    async def list_all(work: CurrentWork, page: Annotated[PageQuery, Query()]) -> ResourcePage:
        """List the APIs that tokens are for."""
        found = await list_resources(work, parts.envelope, cursor=page.cursor, limit=page.limit)
        views = [ResourceView.of(resource) for resource in found.items]
        return ResourcePage(resources=views, next_cursor=found.next_cursor)

    @router.post("", status_code=201, dependencies=[require(RESOURCES_WRITE)])
    async def create(work: CurrentWork, body: ResourceBody) -> ResourceView:
        """Create a resource with its scopes."""
        members = body.model_dump()
        ttl = _ttl(members.pop("access_token_seconds"))
        new = NewResource(**members, access_token_ttl=ttl)
        return ResourceView.of(await create_resource(work, new=new, defaults=parts.defaults))

    @router.get("/one", dependencies=[require(RESOURCES_READ)])
    async def show(work: CurrentWork, identifier: _Which) -> ResourceView:
        """Show one resource."""
        found = await find_resource(work, parse_resource(identifier))
        if found is None:
            raise NotFound("resource_not_found", "There is no such resource.")
        return ResourceView.of(found)

    @router.patch("/one", dependencies=[require(RESOURCES_WRITE)])
    async def change(work: CurrentWork, identifier: _Which, body: ResourcePatch) -> ResourceView:
        """Change a resource; what is issued from now on is as it says."""
        canonical = parse_resource(identifier)
        resource = await update_resource(work, identifier=canonical, changes=_changes(body))
        if body.active is not None:
            await (enable_resource if body.active else disable_resource)(work, identifier=canonical)
        return ResourceView.of(await find_resource(work, canonical) or resource)

    return router


def _changes(body: ResourcePatch) -> dict[str, Any]:
    """Return what was said, by the names of ``Resource``; only a lifetime may be null."""
    said = body.model_dump(exclude_unset=True, exclude={"active"})
    changes = {name: value for name, value in said.items() if value is not None}
    if "access_token_seconds" in said:
        changes["access_token_ttl"] = _ttl(changes.pop("access_token_seconds", None))
    return changes


def _ttl(seconds: int | None) -> dt.timedelta | None:
    return None if seconds is None else dt.timedelta(seconds=seconds)
