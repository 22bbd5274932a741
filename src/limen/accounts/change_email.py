"""Take another e-mail address: the new mailbox is proven first, the old one is told.

Until then the old address signs in, is written to and opens a reset; asking again, or for
another, makes the link before worthless (N133).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.accounts import store
from limen.accounts.directory import get_user
from limen.accounts.email_address import parse_email
from limen.accounts.events import EmailChangeAsked, EmailChanged
from limen.accounts.links import store as links
from limen.accounts.links.mail_budget import check_may_mail
from limen.accounts.links.mail_link import CHANGE_KIND, mail_email_change, mail_notice
from limen.accounts.recent import check_recent
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash

_TELL_EVERY: Final = dt.timedelta(hours=1)


async def ask_to_change_email(work: Work, *, email: str, envelope: Envelope) -> None:
    """Mail a link to the address the actor wants, and tell the one they have.

    Nothing in the answer tells whether the address has an account already: its owner is told
    instead, and a link is mailed to nobody.

    Args:
        work: The transaction; its actor is the person.
        email: As typed.
        envelope: Seals the mails.

    Raises:
        ReauthenticationRequired: The sign-in is not recent.
        InvalidInput: ``email_invalid``, ``email_unchanged``.
        Throttled: ``too_many_mails``.
    """
    check_recent(work, public="Sign in again to change your address.")
    address = parse_email(email)
    user = await get_user(work, work.actor.id)
    if address == user.email:
        raise InvalidInput("email_unchanged", "That is your address already.", field="email")
    await check_may_mail(work, user_id=user.id, wanted="change")
    await links.delete_tokens(work, user_id=user.id, purpose="change")
    holder = await store.find_by_email(work, address)
    if holder is None:
        await mail_email_change(work, envelope=envelope, user=user, address=address)
    elif await store.take_notice(work, holder.id, kind="address_taken", every=_TELL_EVERY):
        await mail_notice(work, envelope=envelope, user=holder, template="address_taken")
    await mail_notice(work, envelope=envelope, user=user, template="email_change_asked")
    await work.record(EmailChangeAsked(user_id=user.id))


async def check_change_link(work: Work, *, raw_token: Secret[str]) -> str:
    """Return the address a link would give the actor, for the page that offers the button.

    Raises:
        InvalidInput: ``link_invalid``, as ``confirm_email_change``.
    """
    if read(raw_token, kind=CHANGE_KIND) is None:
        raise _link_invalid()
    found = await links.find_token(work, token_hash=token_hash(raw_token), purpose="change")
    if found is None or found.user_id != work.actor.id:
        raise _link_invalid()
    return found.address


async def confirm_email_change(work: Work, *, raw_token: Secret[str], envelope: Envelope) -> User:
    """Take the link, and with it the address.

    Only in a session of whoever asked: a link that somebody else opens gives them nothing.

    Args:
        work: The transaction; its actor is the person.
        raw_token: Of the link.
        envelope: Seals the mail to the old address.

    Raises:
        InvalidInput: ``link_invalid``: unknown, used, expired, replaced, another person's.
        Conflict: ``email_taken``: the address became somebody else's since.
    """
    if read(raw_token, kind=CHANGE_KIND) is None or not work.actor.session_id:
        raise _link_invalid()
    token = await links.take_token(work, token_hash=token_hash(raw_token), purpose="change")
    if token is None or token.user_id != work.actor.id:
        raise _link_invalid()  # rolls back: the link stays its owner's
    user = await store.lock_user(work, token.user_id)
    if user is None or not user.is_active:
        raise _link_invalid()
    if not await store.replace_email(work, user_id=user.id, address=token.address):
        raise Conflict("email_taken", "That address belongs to another account by now.")
    for purpose in links.PURPOSES:
        await links.delete_tokens(work, user_id=user.id, purpose=purpose)
    context = {"link": f"{work.site.issuer}/"}  # this address opens no reset any more
    await mail_notice(work, envelope=envelope, user=user, template="email_changed", context=context)
    await work.record(EmailChanged(user_id=user.id))
    return await get_user(work, user.id)


def _link_invalid() -> InvalidInput:
    text = "This link was used, is too old, or was replaced by a newer one. Ask for a new one."
    return InvalidInput("link_invalid", text)
