"""What whoever asks may do."""

from __future__ import annotations

from limen.access import store
from limen.access.permissions import (
    ALL,
    OF_THE_SERVER,
    ROLES,
    Permission,
    Role,
    permissions_of_roles,
    scope_allows,
)
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.tenants import DEFAULT_SLUG


async def roles_of(work: Work, principal_id: str) -> tuple[Role, ...]:
    """Return the roles a person or client was given; membership goes without."""
    return await store.list_roles(work, principal_id)


async def may(work: Work, actor: Actor, permission: Permission) -> bool:
    """Whether the actor's roles give a permission, whatever their token says.

    Asks no database for what every person may do.
    """
    if actor.kind == "user" and permission in ROLES["member"]:
        return True
    return permission in await granted_to(work, actor)


async def granted_to(work: Work, actor: Actor) -> frozenset[Permission]:
    """Return what the actor's roles give, whatever their token says."""
    if actor.kind in {"operator", "system"}:
        return ALL
    if actor.kind == "anonymous":
        return frozenset()
    roles: tuple[Role, ...] = await roles_of(work, actor.id)
    if actor.kind == "user":
        roles = (*roles, "member")
    granted = permissions_of_roles(roles)
    return granted if work.site.slug == DEFAULT_SLUG else granted - OF_THE_SERVER


async def permissions_of(work: Work, actor: Actor) -> frozenset[Permission]:
    """Return the effective rights: what the roles give and the token allows."""
    granted = await granted_to(work, actor)
    return frozenset(right for right in granted if scope_allows(actor.scope, right))
