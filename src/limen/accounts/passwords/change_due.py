"""A password that must be replaced before it opens anything."""

from __future__ import annotations

from limen.accounts import store
from limen.accounts.claims import names_in
from limen.accounts.directory import get_user
from limen.accounts.events import PasswordChanged, PasswordChangeRequired
from limen.accounts.links import store as links
from limen.accounts.links.mail_link import mail_notice
from limen.accounts.passwords.rules import check_new_password
from limen.crypto.envelope import Envelope
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.secret import Secret
from limen.sessions.end_everything import end_everything
from limen.tenants import display_name, policy_of


async def require_password_change(work: Work, *, user_id: str) -> None:
    """Let a person's password open nothing but its replacement; signs them out everywhere.

    Raises:
        NotFound: ``user_not_found``.
        Conflict: ``no_password``.
    """
    user = await get_user(work, user_id)
    if await store.find_hash(work, user.id) is None:
        raise Conflict("no_password", "This account has no password.")
    await store.set_must_change(work, user.id, must_change=True)
    await end_everything(work, user_id=user.id, reason="password_change_required")
    await work.record(PasswordChangeRequired(user_id=user.id))


async def change_due_password(
    work: Work,
    *,
    user_id: str,
    raw_new: Secret[str],
    hasher: PasswordHasher,
    envelope: Envelope,
    has_mfa: bool = False,
) -> None:
    """Replace a password that must be, for somebody who proved the old one a moment ago.

    Args:
        work: Nothing written in it yet.
        user_id: Who; on the way in, with every factor they have.
        raw_new: As chosen.
        hasher: Hashes it, before anything is written.
        envelope: Seals the mail that tells of it.
        has_mfa: Whether the person has a second factor, for the least length.

    Raises:
        InvalidInput: ``password_unchanged``, or as ``check_new_password``.
        Conflict: ``password_changed_meanwhile``: nothing is due any more.
    """
    user, old = await get_user(work, user_id), await store.find_hash(work, user_id)
    context = (user.email or "", display_name(work), *names_in(user.claims))
    password = check_new_password(raw_new, policy=policy_of(work), context=context, has_mfa=has_mfa)
    await work.let_go()
    if await hasher.verify(old, password):
        raise InvalidInput("password_unchanged", "Choose another password.", field="password")
    new_hash = await hasher.hash(password)
    locked = await store.lock_checked(work, user_id, password_hash=old or "")
    if locked is None or not locked.must_change_password:
        raise Conflict("password_changed_meanwhile", "It was changed a moment ago; sign in again.")
    await store.put_password(work, user_id, password_hash=new_hash)
    await store.set_must_change(work, user_id, must_change=False)
    await links.delete_tokens(work, user_id=user_id, purpose="reset")
    await end_everything(work, user_id=user_id, reason="password_changed")
    await work.record(PasswordChanged(user_id=user_id, how="required"))
    await mail_notice(work, envelope=envelope, user=locked, template="password_changed")
