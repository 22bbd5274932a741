"""Close an account for good."""

from __future__ import annotations

from limen.accounts import store
from limen.accounts.directory import get_user
from limen.accounts.events import AccountClosed
from limen.accounts.links import store as links
from limen.db.work import Work
from limen.sessions.end_everything import end_everything
from limen.tokens import principals


async def close_account(work: Work, *, user_id: str) -> None:
    """Erase what names, proves and describes a person; the id stays and is never given again.

    Whoever signs up with the same address later is somebody new (N137). What other
    capabilities keep of the person they erase in reaction to the event.

    Raises:
        NotFound: ``user_not_found``.
        Conflict: ``last_owner``, from ``access``, which reacts to the event (N275).
    """
    await get_user(work, user_id)
    if not await store.erase_user(work, user_id):
        return
    await principals.disable(work, principal_id=user_id)
    for purpose in links.PURPOSES:  # their rows hold addresses
        await links.delete_tokens(work, user_id=user_id, purpose=purpose)
    await end_everything(work, user_id=user_id, reason="account_closed")
    await work.record(AccountClosed(user_id=user_id))
