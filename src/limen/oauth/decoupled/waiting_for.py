"""What servers want a person to approve."""

from __future__ import annotations

from collections.abc import Sequence

from limen.db.work import Work
from limen.oauth.pending import store
from limen.oauth.pending.model import DecoupledRequest


async def waiting_for(work: Work, *, user_id: str) -> Sequence[DecoupledRequest]:
    """Return the requests that wait for a person, oldest first."""
    return await store.waiting_for(work, user_id)
