"""Choose a new password with nothing but the mailbox."""

from __future__ import annotations

from limen.accounts import store
from limen.accounts.claims import names_in
from limen.accounts.email_address import parse_email
from limen.accounts.events import AccountReclaimed, EmailVerified, PasswordChanged
from limen.accounts.links import store as links
from limen.accounts.links.account_mail import request_mail
from limen.accounts.links.mail_link import RESET_KIND, mail_notice
from limen.accounts.links.store import AccountToken
from limen.accounts.passwords import check_new_password
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.sessions.end_everything import end_everything
from limen.tenants import display_name, policy_of


async def forgot_password(work: Work, *, email: str, envelope: Envelope) -> None:
    """Mail a link to choose a new password, if the address names someone; never tells whether.

    Raises:
        InvalidInput: ``email_invalid``.
    """
    await request_mail(work, envelope=envelope, email=parse_email(email), wanted="reset")


async def check_reset_link(work: Work, *, raw_token: Secret[str]) -> User:
    """Return whom a link is for, and refuse one that opens nothing.

    Raises:
        InvalidInput: ``link_invalid``.
    """
    _, user = await _find(work, raw_token)
    return user


async def reset_password(
    work: Work,
    *,
    raw_token: Secret[str],
    raw_password: Secret[str],
    hasher: PasswordHasher,
    envelope: Envelope,
    has_mfa: bool = False,
) -> User:
    """Set a new password by the link that was mailed; ends every session and every token.

    Signs nobody in: who has a second factor still needs it (N148). Only the token opens this
    step, whatever was visited before (N145). Atomic: of any number of concurrent callers with
    one link one succeeds (N146). A refused password does not spend the link.

    Args:
        work: The transaction.
        raw_token: Of the link.
        raw_password: The new one.
        hasher: Hashes it, before anything is written.
        envelope: Seals the mail that tells of it.
        has_mfa: Whether the person has a second factor, for the least length.

    Raises:
        InvalidInput: ``link_invalid``, or as ``check_new_password``.
    """
    found, user = await _find(work, raw_token)
    password = check_new_password(
        raw_password,
        policy=policy_of(work),
        context=(found.address, display_name(work), *names_in(user.claims)),
        has_mfa=has_mfa,
    )
    await work.let_go()
    password_hash = await hasher.hash(password)
    hashed = token_hash(raw_token)
    if await links.take_token(work, token_hash=hashed, purpose="reset") is None:
        raise _link_invalid()
    locked = await store.lock_user(work, user.id)
    if locked is None or not locked.is_active or locked.email != found.address:
        raise _link_invalid()
    await store.put_password(work, user.id, password_hash=password_hash)
    await store.set_must_change(work, user.id, must_change=False)
    await links.delete_tokens(work, user_id=user.id, purpose="reset")
    # Whoever is told of another address, and did not ask for it, chooses a password.
    await links.delete_tokens(work, user_id=user.id, purpose="change")
    await end_everything(work, user_id=user.id, reason="password_reset")
    await work.record(PasswordChanged(user_id=user.id, how="reset"))
    if not locked.is_verified:
        await _prove_mailbox(work, user.id)
    await mail_notice(work, envelope=envelope, user=locked, template="password_changed")
    return locked


async def _prove_mailbox(work: Work, user_id: str) -> None:
    """The link came by mail: it proves the mailbox, and ends what a squatter set up (N130)."""
    await store.mark_verified(work, user_id)
    await links.delete_tokens(work, user_id=user_id, purpose="verify")
    await work.record(EmailVerified(user_id=user_id))
    await work.record(AccountReclaimed(user_id=user_id))


async def _find(work: Work, raw_token: Secret[str]) -> tuple[AccountToken, User]:
    if read(raw_token, kind=RESET_KIND) is None:
        raise _link_invalid()
    hashed = token_hash(raw_token)
    token = await links.find_token(work, token_hash=hashed, purpose="reset")
    user = None if token is None else await store.find_user(work, token.user_id)
    if token is None or user is None or not user.is_active:
        raise _link_invalid()
    return token, user


def _link_invalid() -> InvalidInput:
    text = "This link was used, is too old, or was replaced by a newer one. Ask for a new one."
    return InvalidInput("link_invalid", text)
