"""The owner of a mailbox takes an account over that was made with their address."""

from __future__ import annotations

from limen.accounts import store
from limen.accounts.events import AccountReclaimed, EmailVerified
from limen.accounts.links import store as links
from limen.accounts.user import User
from limen.db.work import Work
from limen.sessions.end_everything import end_everything


async def prove_mailbox_of(work: Work, *, user_id: str, address: str) -> User | None:
    """Return whom an address names still, now that its mailbox is proven.

    An account whose mailbox nobody had proven may have been made by a stranger, in wait for
    its owner (pre-hijacking, N130): password, claims, sessions, tokens, factors and linked
    identities of the earlier person end before the owner gets in.

    Args:
        work: The transaction in which the proof was taken.
        user_id: Whose account the proof was for.
        address: The mailbox that was proven, canonical.

    Returns:
        The person; ``None`` if the address names them no more, or they may not sign in.
    """
    user = await store.lock_user(work, user_id)
    if user is None or not user.is_active or user.email != address:
        return None
    if user.is_verified:
        return user
    await store.delete_password(work, user.id)
    await store.put_claims(work, user.id, {})
    await links.delete_tokens(work, user_id=user.id, purpose="verify")
    await links.delete_tokens(work, user_id=user.id, purpose="reset")
    await store.mark_verified(work, user.id)
    await end_everything(work, user_id=user.id, reason="reclaimed")
    await work.record(EmailVerified(user_id=user.id))
    await work.record(AccountReclaimed(user_id=user.id))
    return await store.find_user(work, user.id)
