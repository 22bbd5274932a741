"""A tenant always keeps somebody who may do everything (N275)."""

from __future__ import annotations

from limen.access import store
from limen.accounts.directory import active_users_among
from limen.accounts.events import AccountClosed, UserDisabled
from limen.db.work import Work
from limen.kernel.errors import Conflict


async def keep_an_owner(work: Work, event: UserDisabled | AccountClosed) -> None:
    """Refuse to disable or close the account of the last owner: a reaction to the event.

    Raises:
        Conflict: ``last_owner``.
    """
    await check_an_owner_stays(work, without=event.user_id)


async def check_an_owner_stays(work: Work, *, without: str) -> None:
    """Refuse if nobody but this person owns the tenant.

    The owners' rows are locked first and only then is asked who of them is active: of two that
    demote, disable or close the last two owners at once, the second sees what the first did.

    Raises:
        Conflict: ``last_owner``.
    """
    owners = await store.lock_owners(work)
    if without not in owners:
        return
    others = [owner for owner in owners if owner != without]
    if not await active_users_among(work, others):
        raise Conflict("last_owner", "Somebody must stay owner; make another person owner first.")
