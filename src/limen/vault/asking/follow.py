"""What an app is told of its request."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.vault.asking import store

ShownState = Literal["pending", "completed", "refused", "expired"]
_KEPT: Final = dt.timedelta(days=1)
"""For who polls late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRequest:
    """A request as its app sees it.

    Args:
        connection_id: Once it is completed.
        reason: Why it was refused.
        expires_in: Seconds, while it is pending.
    """

    id: str
    provider: str
    state: ShownState
    connection_id: str
    reason: str
    expires_in: int


async def get_sharing_request(work: Work, request_id: str) -> ShownRequest:
    """Return how a request stands, to whoever made it.

    Raises:
        NotFound: ``sharing_request_not_found``: none such, another's, or long over.
    """
    found = await store.find_request(work, request_id)
    if found is None:
        raise NotFound("sharing_request_not_found", "There is no such request.")
    state: ShownState = found.state
    if state == "pending" and found.expires_at <= work.now:
        state = "expired"
    left = found.expires_at - work.now
    return ShownRequest(
        id=found.id,
        provider=found.provider,
        state=state,
        connection_id=found.connection_id,
        reason=found.reason,
        expires_in=int(left.total_seconds()) if state == "pending" else 0,
    )


async def sweep(work: Work) -> int:
    """Forget requests that were over a day ago."""
    return await store.sweep_requests(work, before=work.now - _KEPT)
