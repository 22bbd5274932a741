"""How much mail a mailbox gets because somebody asks for it.

Rates by address block do not help who is written to: whoever has many addresses could fill a
mailbox, and, since each new link kills the one before, keep its owner from ever using one.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

from limen.accounts import store
from limen.db.work import Work
from limen.kernel.errors import Throttled

Wanted = Literal["reset", "verify", "sign_up", "change"]
MOST: Final = 3
EVERY: Final = dt.timedelta(minutes=15)
"""So many mails of a kind in so long; the last link that was mailed stays good meanwhile."""


async def may_mail(work: Work, *, user_id: str, wanted: Wanted) -> bool:
    """Say whether a person may be mailed once more, and count that as done.

    Args:
        work: The transaction that mails.
        user_id: Whose account it is about.
        wanted: What kind of mail; each has its own count.
    """
    for place in range(MOST):
        if await store.take_notice(work, user_id, kind=f"{wanted}_mail_{place}", every=EVERY):
            return True
    return False


async def check_may_mail(work: Work, *, user_id: str, wanted: Wanted) -> None:
    """As ``may_mail``, for somebody signed in, who is told.

    Raises:
        Throttled: ``too_many_mails``.
    """
    if not await may_mail(work, user_id=user_id, wanted=wanted):
        raise Throttled(
            "too_many_mails",
            "We sent you several mails already. Look for them, and ask again in 15 minutes.",
            retry_after_seconds=int(EVERY.total_seconds()),
        )
