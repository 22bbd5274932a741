"""Mail a link, and where it helps a code, that proves a mailbox.

Every address in a mail is built on the tenant's configured issuer; nothing of a request
reaches it (N143, N144).
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from limen.accounts.links import store as links
from limen.accounts.links.store import AccountToken
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.mail.enqueue import enqueue
from limen.mail.message import Message, Template
from limen.tenants import display_name
from limen.web.languages.moments import mailed_in
from limen.web.languages.negotiate import DEFAULT, choose
from limen.web.languages.words import marked

VERIFY_KIND: Final = "lmv"
RESET_KIND: Final = "lmp"
CHANGE_KIND: Final = "lmm"
VERIFY_TTL: Final = dt.timedelta(hours=24)
RESET_TTL: Final = dt.timedelta(hours=1)
_CODE_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What a second registration chose, kept until its mailbox is proven (N130)."""

    password_hash: str
    claims: Mapping[str, Any]


async def mail_verification(
    work: Work, *, envelope: Envelope, user: User, pending: Pending | None = None
) -> None:
    """Mail the link and the code that verify an address; older ones of the same registration die.

    Args:
        work: The transaction.
        envelope: Seals the mail, and keys the code's MAC: eight digits alone are no secret.
        user: With an address.
        pending: Of a registration that is not the account's own.
    """
    assert user.email is not None
    if pending is None:
        await links.delete_tokens(work, user_id=user.id, purpose="verify", pending_too=False)
    raw = mint(VERIFY_KIND, work.tenant_id)
    code = Secret(str(secrets.randbelow(10**_CODE_DIGITS)).zfill(_CODE_DIGITS))
    token_id = new_id(work.now)
    token = AccountToken(
        id=token_id,
        user_id=user.id,
        purpose="verify",
        address=user.email,
        code_mac=await code_mac(work, envelope, token_id=token_id, raw_code=code),
        password_hash=None if pending is None else pending.password_hash,
        claims=None if pending is None else pending.claims,
    )
    expires_at = work.now + VERIFY_TTL
    await links.add_token(work, token, token_hash=token_hash(raw), expires_at=expires_at)
    context = {
        "link": f"{work.site.issuer}/verify-email?token={raw.reveal()}",
        "code": code.reveal(),
        "valid_for": marked("24 hours"),
    }
    await _mail(work, envelope, _message(user, "verify_email", context))


async def mail_reset(work: Work, *, envelope: Envelope, user: User) -> None:
    """Mail the link to choose a new password; older ones die (N147)."""
    assert user.email is not None
    await links.delete_tokens(work, user_id=user.id, purpose="reset")
    raw = mint(RESET_KIND, work.tenant_id)
    token = AccountToken(id=new_id(work.now), user_id=user.id, purpose="reset", address=user.email)
    expires_at = work.now + RESET_TTL
    await links.add_token(work, token, token_hash=token_hash(raw), expires_at=expires_at)
    link = f"{work.site.issuer}/reset-password?token={raw.reveal()}"
    context = {"link": link, "valid_for": marked("one hour")}
    await _mail(work, envelope, _message(user, "reset_password", context))


async def mail_email_change(work: Work, *, envelope: Envelope, user: User, address: str) -> None:
    """Mail the link that gives a person an address, to that address.

    Args:
        work: The transaction; older links are gone already.
        envelope: Seals the mail.
        user: Who asked for it.
        address: In its canonical form.
    """
    raw = mint(CHANGE_KIND, work.tenant_id)
    token = AccountToken(id=new_id(work.now), user_id=user.id, purpose="change", address=address)
    expires_at = work.now + VERIFY_TTL
    await links.add_token(work, token, token_hash=token_hash(raw), expires_at=expires_at)
    link = f"{work.site.issuer}/account/email?token={raw.reveal()}"
    context = {"link": link, "valid_for": marked("24 hours")}
    await _mail(work, envelope, _message(replace(user, email=address), "change_email", context))


async def mail_notice(
    work: Work,
    *,
    envelope: Envelope,
    user: User,
    template: Template,
    context: Mapping[str, str] | None = None,
) -> None:
    """Tell a person of something, with the links to react; nothing if they have no address.

    Args:
        work: The transaction.
        envelope: Seals the mail.
        user: Whom.
        template: What.
        context: What it says beside the time and the usual links.
    """
    if user.email is None:
        return
    told = {
        "when": mailed_in(language_of(user), work.now),
        "link": f"{work.site.issuer}/forgot-password",
        "sign_in_link": f"{work.site.issuer}/sign-in",
        **(context or {}),
    }
    await _mail(work, envelope, _message(user, template, told))


async def code_mac(
    work: Work, envelope: Envelope, *, token_id: str, raw_code: Secret[str]
) -> bytes:
    """Return what is kept of a code: a MAC that a copy of the database can't be tried against."""
    key = await envelope.derive(work, "account-code")
    message = f"{token_id}\n{raw_code.reveal()}".encode("utf-8", "surrogatepass")
    return hmac.digest(key.reveal(), message, sha256)


def language_of(user: User) -> str:
    """Return which of our languages a person reads, as their profile says."""
    return choose([str(user.claims.get("locale", ""))]) or DEFAULT


def _message(user: User, template: Template, context: Mapping[str, str]) -> Message:
    assert user.email is not None
    language = language_of(user)
    return Message(to=user.email, template=template, context=context, language=language)


async def _mail(work: Work, envelope: Envelope, message: Message) -> None:
    always = {"site_name": display_name(work), "site_url": work.site.issuer}
    whole = replace(message, context={**always, **message.context})
    await enqueue(work, envelope=envelope, message=whole)
