"""``/api/v1/admin/tenants`` (in the default tenant alone) and a tenant's own ``policy``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from fastapi.routing import APIRoute

from limen.access.permissions import POLICY_READ, POLICY_WRITE, TENANTS_READ, TENANTS_WRITE
from limen.access.require import require
from limen.admin.mapped_roles import check_may_change_policy
from limen.admin.parts import Parts
from limen.admin.schemas import TenantBody, TenantList, TenantView
from limen.tenants import policy_of
from limen.tenants.create_tenant import NewTenant, create_tenant
from limen.tenants.policy import TenantPolicy
from limen.tenants.update_policy import update_policy
from limen.web.deps import CurrentWork

_SAYS: Final = "Members of `TenantPolicy`; `null` gives one back to the default."
_Changes = Annotated[
    dict[str, Any],
    Body(description=_SAYS, examples=[{"require_verified_email": True, "default_scopes": None}]),
]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(route_class=kind)

    @router.get("/tenants", tags=["admin: tenants"], dependencies=[require(TENANTS_READ)])
    async def list_all(_: CurrentWork) -> TenantList:
        """List all tenants of this server."""
        found = await parts.directory.all()
        return TenantList(tenants=[TenantView.of(tenant) for tenant in found])

    @router.post(
        "/tenants", status_code=201, tags=["admin: tenants"], dependencies=[require(TENANTS_WRITE)]
    )
    async def create(work: CurrentWork, body: TenantBody) -> TenantView:
        """Create a tenant with its keys."""
        new = NewTenant(slug=body.slug, name=body.name, host=body.host, policy=body.policy)
        await work.let_go()
        tenant = await create_tenant(
            parts.works,
            new=new,
            base_url=parts.base_url,
            keys=(parts.envelope.create_keys, parts.keyring.create_keys),
            defaults=parts.defaults,
            actor=work.actor,
        )
        return TenantView.of(tenant)

    @router.get("/policy", tags=["admin: policy"], dependencies=[require(POLICY_READ)])
    async def show_policy(work: CurrentWork) -> TenantPolicy:
        """Show what is in force in this tenant."""
        return policy_of(work)

    @router.patch("/policy", tags=["admin: policy"], dependencies=[require(POLICY_WRITE)])
    async def change_policy(work: CurrentWork, body: _Changes) -> TenantPolicy:
        """Change what is named of this tenant's policy, at any depth, and nothing else (RFC 7396).

        Of a group of settings (``assurance``, ``registration`` …) the members that are named
        change; lists and mappings of names (``sign_in.providers``, ``assurance.acr``) are replaced
        whole. ``null`` gives a member, or a whole group, back to the default.

        Mapping what a provider says to roles takes the permission to give them besides.
        """
        check = partial(check_may_change_policy, work)
        return await update_policy(work, changes=body, defaults=parts.defaults, check=check)

    return router
