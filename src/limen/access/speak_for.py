"""Who may hand out what speaks for somebody with roles."""

from __future__ import annotations

from limen.access.grant_role import check_may_handle
from limen.access.permissions import ROLES_WRITE
from limen.access.rights import permissions_of, roles_of
from limen.db.work import Work
from limen.kernel.errors import NotPermitted


async def check_may_speak_for(work: Work, *, principal_id: str) -> None:
    """Refuse to make a credential of a machine whose roles the actor could not give (N205).

    Who holds the credential has the roles: making one is giving them.

    Raises:
        NotPermitted: ``not_permitted``, or ``role_above_own``.
    """
    roles = await roles_of(work, principal_id)
    if not roles:
        return
    if ROLES_WRITE not in await permissions_of(work, work.actor):
        raise NotPermitted(public="You are not allowed to give what this client's roles allow.")
    for role in roles:
        await check_may_handle(work, role)
