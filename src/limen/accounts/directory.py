"""Read people."""

from __future__ import annotations

from collections.abc import Sequence

from limen.accounts import store
from limen.accounts.email_address import find_canonical
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import NotFound


async def find_user(work: Work, user_id: str) -> User | None:
    """Return a person, in whatever state."""
    return await store.find_user(work, user_id)


async def get_user(work: Work, user_id: str) -> User:
    """Return a person.

    Raises:
        NotFound: ``user_not_found``: unknown in this tenant, or closed.
    """
    user = await store.find_user(work, user_id)
    if user is None or user.state == "closed":
        raise NotFound("user_not_found", "There is no such person here.")
    return user


async def find_user_by_email(work: Work, email: str) -> User | None:
    """Return whom an address names; what is no address names nobody."""
    address = find_canonical(email)
    return None if address is None else await store.find_by_email(work, address)


async def find_user_by_host_id(work: Work, host_id: str) -> User | None:
    """Return whom a host application's id names."""
    return await store.find_by_host_id(work, host_id)


async def list_users(
    work: Work, *, after: str = "", limit: int = 50, email: str = ""
) -> list[User]:
    """Return people by id, which is by age.

    Args:
        work: In the tenant whose people they are.
        after: The id to go on after.
        limit: How many at most.
        email: Only whom this address names.
    """
    if email:
        user = await find_user_by_email(work, email)
        return [] if user is None else [user]
    return await store.list_users(work, after=after, limit=limit)


async def active_users_among(work: Work, ids: Sequence[str]) -> set[str]:
    """Return which of these people may sign in."""
    return await store.active_among(work, ids)


async def has_password(work: Work, user_id: str) -> bool:
    """Whether a person has a password at all."""
    return await store.find_hash(work, user_id) is not None


async def hold_active_user(work: Work, user_id: str) -> User | None:
    """Return a person who may sign in, and keep them so until the Work ends."""
    user = await store.lock_user(work, user_id)
    return user if user is not None and user.is_active else None
