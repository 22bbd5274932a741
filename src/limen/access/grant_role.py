"""Give a role."""

from __future__ import annotations

from limen.access import store
from limen.access.events import RoleGranted
from limen.access.permissions import ROLES, Role, permissions_of_roles
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.errors import NotFound, NotPermitted
from limen.tokens import principals
from limen.tokens.principals import PrincipalKind


async def grant_role(
    work: Work, *, principal_id: str, role: Role, kind: PrincipalKind = "user"
) -> None:
    """Give a person or a client a role; twice is fine.

    Nobody gives what they have not: an admin makes no owners.

    Raises:
        NotPermitted: ``role_above_own``.
        NotFound: ``user_not_found``, ``client_not_found``.
    """
    await check_may_handle(work, role)
    if kind == "user":
        await get_user(work, principal_id)
    elif not await principals.is_enabled(work, principal_id=principal_id):
        raise NotFound("client_not_found")
    if await store.add_role(work, principal_id=principal_id, kind=kind, role=role):
        await work.record(RoleGranted(principal_id=principal_id, role=role))


async def check_may_handle(work: Work, role: Role) -> None:
    """Refuse unless the actor may do all that the role may.

    Raises:
        NotPermitted: ``role_above_own``.
    """
    if work.actor.kind in {"operator", "system"}:
        return
    roles = await store.list_roles(work, work.actor.id)
    if not ROLES[role] <= permissions_of_roles(roles):
        raise NotPermitted("role_above_own", "You can't give or take a role above your own.")
