"""Let nobody go on with what was proven before it stopped to be true."""

from __future__ import annotations

from typing import Any

from limen.db.work import Work
from limen.signin.steps.store import forget_pending


async def forget_underway(work: Work, event: Any) -> None:
    """React to a password that changed, or an account that is closed to whoever is on the way in.

    Args:
        work: The transaction of the event, which holds the person's row.
        event: Any with a ``user_id``.
    """
    await forget_pending(work, event.user_id)
