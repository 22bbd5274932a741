"""A sign-in's first factor: address and password."""

from __future__ import annotations

from collections.abc import Callable

from limen.accounts import store
from limen.accounts.email_address import find_canonical
from limen.accounts.passwords import normalise
from limen.accounts.store import Credentials
from limen.accounts.user import User
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotAuthenticated, NotPermitted
from limen.kernel.secret import Secret
from limen.tenants import policy_of


async def check_password(
    work: Work,
    *,
    email: str,
    raw: Secret[str],
    hasher: PasswordHasher,
    foresee: Callable[[Work, str], None] | None = None,
) -> User:
    """Return whose address and password these are.

    One hash is computed whatever is wrong: an unknown address, a disabled person, one without
    a password (N139, N140). Afterwards the Work holds the person's row, so that a session
    begun in it can't slip past a password changed or a person disabled at this moment: call
    ``sessions.start`` right after, with no slow step in between.

    Args:
        work: The transaction of the sign-in, nothing written yet.
        email: As typed.
        raw: As typed.
        hasher: Compares.
        foresee: Told whose password was right, to have something read along with their row.

    Raises:
        NotAuthenticated: ``invalid_credentials``, whatever is wrong.
    """
    address = find_canonical(email)
    found = None if address is None else await store.find_credentials(work, address)
    await work.let_go()
    stored = found.password_hash if found is not None and found.user.is_active else None
    matched = await _matches(stored, raw, hasher)
    if found is None or stored is None or not matched:
        raise wrong_credentials()
    new_hash = await hasher.hash(normalise(raw)) if hasher.needs_rehash(stored) else None
    if foresee is not None:
        foresee(work, found.user.id)
    user = await store.lock_checked(work, found.user.id, password_hash=stored)
    if user is None:
        raise wrong_credentials()
    if new_hash is not None:
        await store.replace_hash(work, user.id, old_hash=stored, new_hash=new_hash)
    return user


async def check_own_password(
    work: Work, *, user_id: str, raw: Secret[str], hasher: PasswordHasher
) -> Credentials:
    """Return a signed-in person whose password this is.

    Raises:
        NotPermitted: ``wrong_password``, also when they have none.
    """
    user = await store.find_user(work, user_id)
    stored = None if user is None else await store.find_hash(work, user_id)
    await work.let_go()
    if not await _matches(stored, raw, hasher) or user is None or stored is None:
        raise NotPermitted("wrong_password", "The current password is not right.")
    return Credentials(user, stored)


def require_verified(work: Work, user: User) -> None:
    """Refuse someone who must verify their address first, where the tenant asks for it.

    Call it after the password was right: to others it would tell that the address exists.

    Raises:
        NotPermitted: ``email_not_verified``.
    """
    if policy_of(work).require_verified_email and not user.is_verified:
        text = "Confirm your e-mail address first; we sent you a link and a code."
        raise NotPermitted("email_not_verified", text)


def wrong_credentials() -> NotAuthenticated:
    """Return the one refusal of every failed sign-in, the same in every word (N139)."""
    return NotAuthenticated("invalid_credentials", "The e-mail address or the password is wrong.")


async def _matches(stored: str | None, raw: Secret[str], hasher: PasswordHasher) -> bool:
    try:
        password = normalise(raw)
    except InvalidInput:
        # Not text, or longer than any password: no match, after the same time.
        stored, password = None, Secret("")
    return await hasher.verify(stored, password)
