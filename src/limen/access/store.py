"""The SQL of roles."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.access.permissions import Role
from limen.access.tables import role_grants
from limen.db.types import insert_or_nothing
from limen.db.work import Work

_TENANT = role_grants.c.tenant_id == bindparam("tenant_id")

_ADD = insert_or_nothing(
    role_grants,
    conflict=("tenant_id", "principal_id", "role"),
    returning=(role_grants.c.principal_id,),
)
_DELETE = (
    sa.delete(role_grants)
    .where(
        _TENANT,
        role_grants.c.principal_id == bindparam("principal_id"),
        role_grants.c.role == bindparam("role"),
    )
    .returning(role_grants.c.principal_id)
)
_OF = (
    sa.select(role_grants.c.role)
    .where(_TENANT, role_grants.c.principal_id == bindparam("principal_id"))
    .order_by(role_grants.c.role)
)
# In one order, so that two who take owners' rights at once wait instead of deadlocking.
_LOCK_OWNERS = (
    sa.select(role_grants.c.principal_id)
    .where(_TENANT, role_grants.c.role == "owner", role_grants.c.kind == "user")
    .order_by(role_grants.c.principal_id)
    .with_for_update(of=role_grants)
)


async def add_role(work: Work, *, principal_id: str, kind: str, role: Role) -> bool:
    """Insert a role; ``False`` if the principal had it."""
    rows = await work.execute(
        _ADD,
        principal_id=principal_id,
        kind=kind,
        role=role,
        granted_at=work.now,
        granted_by=work.actor.id,
    )
    return rows.first() is not None


async def delete_role(work: Work, *, principal_id: str, role: Role) -> bool:
    """Delete a role; ``False`` if the principal had it not."""
    rows = await work.execute(_DELETE, principal_id=principal_id, role=role)
    return rows.first() is not None


async def list_roles(work: Work, principal_id: str) -> tuple[Role, ...]:
    """Return a principal's roles."""
    rows = await work.execute(_OF, principal_id=principal_id)
    return tuple(cast("Role", row.role) for row in rows.all())


async def lock_owners(work: Work) -> list[str]:
    """Return the people who own the tenant, and let nobody change that until the Work ends."""
    return [str(row.principal_id) for row in (await work.execute(_LOCK_OWNERS)).all()]
