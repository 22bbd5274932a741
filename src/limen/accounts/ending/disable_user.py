"""Keep a person out, and let them in again."""

from __future__ import annotations

from limen.accounts import store
from limen.accounts.directory import get_user
from limen.accounts.events import UserDisabled, UserEnabled
from limen.accounts.links import store as links
from limen.db.work import Work
from limen.sessions.end_everything import end_everything
from limen.tokens import principals


async def disable_user(work: Work, *, user_id: str) -> None:
    """Sign a person out everywhere and let them in no more; twice is fine.

    Raises:
        NotFound: ``user_not_found``.
        Conflict: ``last_owner``, from ``access``, which reacts to the event (N275).
    """
    await get_user(work, user_id)
    if not await store.change_state(work, user_id, old="active", new="disabled"):
        return
    await principals.disable(work, principal_id=user_id)
    for purpose in links.PURPOSES:
        await links.delete_tokens(work, user_id=user_id, purpose=purpose)
    await end_everything(work, user_id=user_id, reason="user_disabled")
    await work.record(UserDisabled(user_id=user_id))


async def enable_user(work: Work, *, user_id: str) -> None:
    """Let a disabled person in again; sessions and tokens of before stay dead.

    Raises:
        NotFound: ``user_not_found``.
    """
    await get_user(work, user_id)
    if not await store.change_state(work, user_id, old="disabled", new="active"):
        return
    await principals.enable(work, principal_id=user_id)
    await work.record(UserEnabled(user_id=user_id))
