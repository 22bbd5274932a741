"""Tell in time that a secret or key of ours at a provider ends."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.federation.clients import store
from limen.federation.events import UpstreamSecretExpiring

DAYS: Final = (1, 7, 30)
"""Before its end, nearest first: whoever is told of the last day needs no earlier warning."""


async def warn_of_expiry(work: Work) -> int:
    """Record what ends within a month, a week, a day: each once; return how many were told."""
    told = 0
    for days in DAYS:
        for expiring in await store.claim_warnings(work, days=days):
            told += 1
            await work.record(
                UpstreamSecretExpiring(
                    provider=expiring.provider,
                    secret_id=expiring.id,
                    expires_at=expiring.expires_at.isoformat(),
                    days=days,
                )
            )
    return told
