"""Replace one's password, knowing it."""

from __future__ import annotations

from limen.accounts import store
from limen.accounts.check_password import check_own_password
from limen.accounts.claims import names_in
from limen.accounts.events import PasswordChanged
from limen.accounts.links import store as links
from limen.accounts.links.mail_link import mail_notice
from limen.accounts.passwords import check_new_password
from limen.accounts.recent import check_recent
from limen.crypto.envelope import Envelope
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
)
from limen.kernel.secret import Secret
from limen.sessions.revoke import revoke_all
from limen.tenants import display_name, policy_of
from limen.tokens.end_grant import end_grants_of_user


async def change_password(
    work: Work,
    *,
    raw_current: Secret[str],
    raw_new: Secret[str],
    hasher: PasswordHasher,
    envelope: Envelope,
    has_mfa: bool = False,
) -> None:
    """Replace the actor's password; every other session and every other token ends.

    Both are asked for, the current password and a recent sign-in: a copied session or an
    unlocked screen is not enough to take an account over (N268).

    Args:
        work: The transaction; its actor is the person.
        raw_current: As typed.
        raw_new: As chosen.
        hasher: Compares the one and hashes the other, before anything is written.
        envelope: Seals the mail that tells of it.
        has_mfa: Whether the person has a second factor, for the least length.

    Raises:
        NotAuthenticated: Nobody is signed in.
        ReauthenticationRequired: The sign-in is not recent.
        NotPermitted: ``wrong_password``.
        InvalidInput: ``password_unchanged``, or as ``check_new_password``.
        Conflict: ``password_changed_meanwhile``.
    """
    check_recent(work, public="Sign in again to change your password.")
    own = await check_own_password(work, user_id=work.actor.id, raw=raw_current, hasher=hasher)
    context = (own.user.email or "", display_name(work), *names_in(own.user.claims))
    password = check_new_password(raw_new, policy=policy_of(work), context=context, has_mfa=has_mfa)
    if await hasher.verify(own.password_hash, password):
        raise InvalidInput("password_unchanged", "Choose another password.", field="password")
    new_hash = await hasher.hash(password)
    locked = await store.lock_checked(work, own.user.id, password_hash=own.password_hash or "")
    if locked is None:
        raise Conflict("password_changed_meanwhile", "It was changed a moment ago; try again.")
    await store.put_password(work, locked.id, password_hash=new_hash)
    await store.set_must_change(work, locked.id, must_change=False)
    await links.delete_tokens(work, user_id=locked.id, purpose="reset")
    # Whoever is told of another address, and did not ask for it, chooses a password.
    await links.delete_tokens(work, user_id=locked.id, purpose="change")
    session_id = work.actor.session_id or None
    await revoke_all(work, user_id=locked.id, except_id=session_id, reason="password_changed")
    await end_grants_of_user(
        work, user_id=locked.id, reason="password_changed", keep_session=session_id
    )
    await work.record(PasswordChanged(user_id=locked.id, how="changed"))
    await mail_notice(work, envelope=envelope, user=locked, template="password_changed")
