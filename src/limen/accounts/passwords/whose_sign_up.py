"""Which of several sign-ups with one address the owner of the mailbox means.

Every sign-up mails a link, and the mails look alike. Whoever signs up with somebody else's address
a moment after them would have the password that counts, if the newest link decided (N130).
"""

from __future__ import annotations

from dataclasses import dataclass

from limen.accounts import store
from limen.accounts.links import store as links
from limen.accounts.links.store import AccountToken
from limen.accounts.passwords.rules import normalise
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The password of one's own sign-up; ``None`` if nobody asked for it yet."""

    raw_password: Secret[str] | None
    hasher: PasswordHasher


async def is_contested(work: Work, token: AccountToken) -> bool:
    """Whether a link is one of several that would each let another password stand."""
    return token.password_hash is not None or await links.has_pending(work, user_id=token.user_id)


async def check_own_sign_up(work: Work, token: AccountToken, *, chosen: Chosen | None) -> None:
    """Refuse to let a password stand that whoever has the mailbox did not choose.

    Args:
        work: Nothing written in it yet.
        token: Of the link or code; not taken yet.
        chosen: What they say they chose.

    Raises:
        InvalidInput: ``password_needed``, ``password_mismatch``.
    """
    if not await is_contested(work, token):
        return
    stored = token.password_hash or await store.find_hash(work, token.user_id)
    if stored is None:  # nobody's password would stand
        return
    if chosen is None or chosen.raw_password is None:
        raise InvalidInput(
            "password_needed",
            "This address was used to sign up more than once. Give the password you chose.",
            field="password",
        )
    await work.let_go()
    if not await _matches(stored, chosen.raw_password, chosen.hasher):
        text = (
            "Another password was chosen with the sign-up that this mail belongs to. "
            "Open the other mail, or choose a new password."
        )
        raise InvalidInput("password_mismatch", text, field="password")


async def _matches(stored: str, raw: Secret[str], hasher: PasswordHasher) -> bool:
    try:
        password = normalise(raw)
    except InvalidInput:
        return False
    return await hasher.verify(stored, password)
