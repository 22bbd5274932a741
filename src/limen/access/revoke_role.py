"""Take a role away."""

from __future__ import annotations

from limen.access import store
from limen.access.events import RoleRevoked
from limen.access.grant_role import check_may_handle
from limen.access.keep_an_owner import check_an_owner_stays
from limen.access.permissions import Role
from limen.db.work import Work


async def revoke_role(work: Work, *, principal_id: str, role: Role) -> None:
    """Take a role away; from somebody without it is fine.

    It holds at once: rights are read with each request, never kept in a token.

    Raises:
        NotPermitted: ``role_above_own``.
        Conflict: ``last_owner``.
    """
    await check_may_handle(work, role)
    if role == "owner":
        await check_an_owner_stays(work, without=principal_id)
    if await store.delete_role(work, principal_id=principal_id, role=role):
        await work.record(RoleRevoked(principal_id=principal_id, role=role))
