"""Tell a person that a refresh token of theirs was presented twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Final

from limen.accounts import store
from limen.accounts.links.mail_link import mail_notice
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.tokens.events import RefreshReused

TELL_EVERY: Final = dt.timedelta(hours=1)
"""Whoever holds an old token can cause this; it must not fill a mailbox."""

NameOf = Callable[[Work, str], Awaitable[str]]


def tell_of_reuse(
    envelope: Envelope, *, name_of: NameOf
) -> Callable[[Work, RefreshReused], Awaitable[None]]:
    """Return the reaction that mails it, once an hour at most.

    Args:
        envelope: Seals the mail.
        name_of: What people call a client; clients live in a capability above.
    """

    async def react(work: Work, event: RefreshReused) -> None:
        user = await store.find_user(work, event.user_id)
        if user is None or not user.is_active:
            return
        if await store.take_notice(work, user.id, kind="refresh_reuse", every=TELL_EVERY):
            name = await name_of(work, event.client_id)
            shown = "".join(character for character in name if character.isprintable())
            context = {"client_name": shown or event.client_id, "link": _account(work)}
            await mail_notice(
                work, envelope=envelope, user=user, template="refresh_reuse", context=context
            )

    return react


def _account(work: Work) -> str:
    return f"{work.site.issuer}/account"
