"""Nobody ends the ways in of somebody whose roles they could not give (N205)."""

from __future__ import annotations

from limen.access.grant_role import check_may_handle
from limen.access.rights import roles_of
from limen.accounts.events import (
    AccountClosed,
    PasswordChangeRequired,
    UserDisabled,
    UserEnabled,
)
from limen.db.work import Work


async def nobody_above(
    work: Work, event: UserDisabled | UserEnabled | PasswordChangeRequired | AccountClosed
) -> None:
    """Refuse what an actor does to a person above them: a reaction to the event.

    To disable an owner takes their role for as long as it lasts; to let one in again gives it.

    Raises:
        NotPermitted: ``role_above_own``.
    """
    await check_not_above(work, principal_id=event.user_id)


async def check_not_above(work: Work, *, principal_id: str) -> None:
    """Refuse unless the actor could give and take all of somebody's roles.

    Raises:
        NotPermitted: ``role_above_own``.
    """
    for role in await roles_of(work, principal_id):
        await check_may_handle(work, role)
