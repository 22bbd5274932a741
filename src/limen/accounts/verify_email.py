"""Prove a mailbox, by the link or by the code that was mailed to it."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Literal

from limen.accounts import store
from limen.accounts.directory import get_user
from limen.accounts.email_address import find_canonical
from limen.accounts.events import AccountReclaimed, CodeTried, EmailVerified, PasswordChanged
from limen.accounts.links import store as links
from limen.accounts.links.account_mail import request_mail
from limen.accounts.links.mail_budget import check_may_mail
from limen.accounts.links.mail_link import VERIFY_KIND, code_mac, mail_verification
from limen.accounts.links.store import AccountToken
from limen.accounts.passwords.whose_sign_up import Chosen, check_own_sign_up, is_contested
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.sessions.end_everything import end_everything


async def send_verification(work: Work, *, user_id: str, envelope: Envelope) -> None:
    """Mail a signed-in person the link and code again; the older ones die.

    Raises:
        Conflict: ``already_verified``, ``no_address``.
        Throttled: ``too_many_mails``.
    """
    user = await get_user(work, user_id)
    if user.email is None:
        raise Conflict("no_address", "There is no e-mail address to verify.")
    if user.is_verified:
        raise Conflict("already_verified", "The address is verified already.")
    await check_may_mail(work, user_id=user.id, wanted="verify")
    await mail_verification(work, envelope=envelope, user=user)


async def resend_verification(work: Work, *, email: str, envelope: Envelope) -> None:
    """Mail the link and code again to an address, if it waits for that; never tells whether.

    Raises:
        InvalidInput: ``email_invalid``.
    """
    await request_mail(work, envelope=envelope, email=email, wanted="verify")


async def check_verification_link(work: Work, *, raw_token: Secret[str]) -> bool:
    """Refuse a link that would verify nothing, for the page that offers the button.

    A page, because programs that read mail follow links; only the button's POST takes it.

    Returns:
        Whether the password of one's own sign-up has to be given with it.

    Raises:
        InvalidInput: ``link_invalid``.
    """
    return await is_contested(work, await _find(work, raw_token))


async def verify_email(work: Work, *, raw_token: Secret[str], chosen: Chosen | None = None) -> User:
    """Take the link and note that the mailbox is proven.

    Atomic: of any number of concurrent callers one succeeds (N146). A refusal does not spend
    the link.

    Args:
        work: The transaction.
        raw_token: Of the link.
        chosen: The password of one's own sign-up, where there were several.

    Raises:
        InvalidInput: ``link_invalid``: unknown, used, expired, another tenant's, or of an
            address that is not the person's any more (N133, N147); as ``check_own_sign_up``.
    """
    await check_own_sign_up(work, await _find(work, raw_token), chosen=chosen)
    hashed = token_hash(raw_token)
    token = await links.take_token(work, token_hash=hashed, purpose="verify")
    user = None if token is None else await _prove(work, token)
    if user is None:
        raise _link_invalid()
    return user


async def verify_email_by_code(
    work: Work,
    *,
    works: Works,
    envelope: Envelope,
    email: str,
    raw_code: Secret[str],
    chosen: Chosen | Literal["proven"] | None = None,
) -> User:
    """Take the code and note that the mailbox is proven.

    A guess is counted, durably, before it is compared: of fifty that come at once five are
    compared (N157).

    Args:
        work: The transaction.
        works: To count the guess in a transaction of its own.
        envelope: Keys the code's MAC.
        email: The address the code was mailed to.
        raw_code: As typed; blanks and hyphens in it do not count.
        chosen: The password of one's own sign-up, where there were several; ``proven`` by who
            signed in with the account's a moment ago: that one stands, whichever mail it was.

    Raises:
        InvalidInput: ``code_invalid``: unknown address, wrong code, no guess left; as
            ``check_own_sign_up``.
    """
    address = find_canonical(email)
    if address is None:
        raise _code_invalid()
    tried = CodeTried(account=await _pseudonym(work, envelope, address=address))
    await work.let_go()

    async def count_guess(counting: Work) -> list[AccountToken]:
        # Written whether anybody waits for a code or not: a commit would tell by its time (O6).
        await counting.record(tried)
        return await links.spend_attempt(counting, address=address)

    candidates = await works.run(work.site, count_guess, actor=work.actor)
    typed = Secret(raw_code.reveal().replace(" ", "").replace("-", ""))
    for candidate in candidates:
        mac = await code_mac(work, envelope, token_id=candidate.id, raw_code=typed)
        if hmac.compare_digest(mac, candidate.code_mac or b""):
            if chosen != "proven":
                await check_own_sign_up(work, candidate, chosen=chosen)
            token = await links.take_token_by_id(work, candidate.id)
            if token is not None and chosen == "proven":
                token = replace(token, password_hash=None)
            user = None if token is None else await _prove(work, token)
            if user is not None:
                return user
    raise _code_invalid()


async def _pseudonym(work: Work, envelope: Envelope, *, address: str) -> str:
    key = await envelope.derive(work, "account-code")
    return hmac.digest(key.reveal(), f"address\n{address}".encode(), "sha256").hex()[:16]


async def _find(work: Work, raw_token: Secret[str]) -> AccountToken:
    if read(raw_token, kind=VERIFY_KIND) is None:
        raise _link_invalid()
    hashed = token_hash(raw_token)
    found = await links.find_token(work, token_hash=hashed, purpose="verify")
    if found is None:
        raise _link_invalid()
    return found


async def _prove(work: Work, token: AccountToken) -> User | None:
    """Note the proof; ``None`` if there is nothing left to prove."""
    user = await store.lock_user(work, token.user_id)
    if user is None or not user.is_active or user.is_verified or user.email != token.address:
        return None
    if token.password_hash is not None:
        await _reclaim(work, user, token)
    await store.mark_verified(work, user.id)
    await links.delete_tokens(work, user_id=user.id, purpose="verify")
    await work.record(EmailVerified(user_id=user.id))
    return await store.find_user(work, user.id)


async def _reclaim(work: Work, user: User, token: AccountToken) -> None:
    """Give the account to whoever owns the mailbox; nothing of the squatter stays (N130)."""
    assert token.password_hash is not None
    await store.put_password(work, user.id, password_hash=token.password_hash)
    await store.put_claims(work, user.id, token.claims or {})
    for purpose in ("reset", "change"):
        await links.delete_tokens(work, user_id=user.id, purpose=purpose)
    await end_everything(work, user_id=user.id, reason="reclaimed")
    await work.record(PasswordChanged(user_id=user.id, how="reclaimed"))
    await work.record(AccountReclaimed(user_id=user.id))


def _link_invalid() -> InvalidInput:
    text = "This link was used, is too old, or was replaced by a newer one. Ask for a new one."
    return InvalidInput("link_invalid", text)


def _code_invalid() -> InvalidInput:
    text = "This code is not right, was used, or is too old. After five tries ask for a new one."
    return InvalidInput("code_invalid", text, field="code")
