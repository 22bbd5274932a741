"""Open an account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limen.accounts import store
from limen.accounts.claims import check_claims, names_in
from limen.accounts.create_user import NewRow, add_user
from limen.accounts.email_address import parse_email
from limen.accounts.events import SignUpRepeated
from limen.accounts.links.mail_budget import may_mail
from limen.accounts.links.mail_link import Pending, mail_notice, mail_verification
from limen.accounts.passwords import check_new_password
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.hooks.ask import Hooks
from limen.kernel.secret import Secret
from limen.tenants import display_name, policy_of
from limen.tenants.policies.sign_up import check_may_join

TELL_EVERY: Final = dt.timedelta(hours=1)
"""An owner is told at most this often that somebody signs up with their address (N161)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What someone signs up with, as received.

    Args:
        email: Their address.
        password: What they chose.
        claims: Standard claims a person may say of themselves.
    """

    email: str
    password: Secret[str]
    claims: Mapping[str, Any] = field(default_factory=dict)


async def sign_up(
    work: Work,
    *,
    registration: Registration,
    hasher: PasswordHasher,
    envelope: Envelope,
    hooks: Hooks | None = None,
) -> None:
    """Open an account, or tell the owner of the address that somebody tried.

    Nothing in the answer tells which: whoever owns the mailbox reads it there (N141). An
    address that has an account nobody verified is mailed a link of this registration's own:
    opening it takes the account over, and what the earlier registrant left of password,
    sessions and tokens dies (N130).

    Args:
        work: The transaction.
        registration: As received.
        hasher: Hashes the password whether it will be used or not: time must not tell.
        envelope: Seals the mail.
        hooks: Asked before anything happens, and before anyone is looked up.

    Raises:
        NotPermitted: ``registration_closed``, ``invitation_required``, ``refused_by_hook``.
        Unavailable: ``hook_unavailable``.
        InvalidInput: As ``parse_email``, ``check_claims`` and ``check_new_password``.
    """
    policy = policy_of(work)
    check_may_join(policy.sign_up)
    address = parse_email(registration.email)
    claims = check_claims(registration.claims)
    context = (address, display_name(work), *names_in(claims))
    password = check_new_password(registration.password, policy=policy, context=context)
    if hooks is not None:
        await hooks.ask(
            work, "before_sign_up", {"email": address, "claims": claims, "by": "password"}
        )
    await work.let_go()
    password_hash = await hasher.hash(password)
    existing = await store.find_by_email(work, address)
    if existing is None:
        row = NewRow(
            how="signed_up",
            address=address,
            verified=False,
            password_hash=password_hash,
            claims=claims,
        )
        created = await add_user(work, row)
        if created is not None:
            await mail_verification(work, envelope=envelope, user=created)
            return
        existing = await store.find_by_email(work, address)
    if existing is not None:
        pending = Pending(password_hash=password_hash, claims=claims)
        await _tell_owner(work, envelope, existing, pending=pending)


async def _tell_owner(work: Work, envelope: Envelope, user: User, *, pending: Pending) -> None:
    await work.record(SignUpRepeated(user_id=user.id))
    if not user.is_active:
        return
    if not user.is_verified:
        if await may_mail(work, user_id=user.id, wanted="sign_up"):
            await mail_verification(work, envelope=envelope, user=user, pending=pending)
    elif await store.take_notice(work, user.id, kind="address_taken", every=TELL_EVERY):
        await mail_notice(work, envelope=envelope, user=user, template="address_taken")
