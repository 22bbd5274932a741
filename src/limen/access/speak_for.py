"""Who may hand out what speaks for somebody with roles."""

from __future__ import annotations

from collections.abc import Collection

from limen.access.grant_role import check_may_handle
from limen.access.permissions import ALL, FULL_SCOPE, OF_THE_SERVER, ROLES_WRITE
from limen.access.rights import permissions_of, roles_of
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.tenants import DEFAULT_SLUG


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


async def check_may_lend(work: Work, *, scope: Collection[str]) -> None:
    """Refuse to shape a client that may do, for people who are not asked, more than the actor may.

    Whoever opens such a client's address while they are signed in lends it their rights, an owner
    too, and sees no page: who says where its answers go has these rights (N205).

    Args:
        work: Its actor registers or changes the client.
        scope: All that the client may ask for.

    Raises:
        NotPermitted: ``not_permitted``; ``role_above_own``: it could give roles in an owner's name.
    """
    lent = ALL if FULL_SCOPE in scope else ALL.intersection(scope)
    if work.site.slug != DEFAULT_SLUG:
        lent -= OF_THE_SERVER
    if lent - await permissions_of(work, work.actor):
        raise NotPermitted(
            public="Nobody is asked about this client, and it may do more than you are allowed to."
        )
    if ROLES_WRITE in lent:
        await check_may_handle(work, "owner")
