"""Tell a person that somebody with their password guesses at their second factor."""

from __future__ import annotations

import datetime as dt

from limen.accounts import store
from limen.accounts.links.mail_link import mail_notice
from limen.crypto.envelope import Envelope
from limen.db.work import Work


async def tell_of_guessing(
    work: Work, *, envelope: Envelope, user_id: str, every: dt.timedelta
) -> None:
    """Mail it, at most so often: whoever guesses can cause it."""
    user = await store.find_user(work, user_id)
    if user is None or not user.is_active:
        return
    if await store.take_notice(work, user.id, kind="second_factor_guessed", every=every):
        await mail_notice(work, envelope=envelope, user=user, template="two_step_guessed")
