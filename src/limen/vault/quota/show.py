"""What was used of a provider's quota, and what is left of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.federation.facts import Quota
from limen.federation.upstream_clients import list_upstream_clients
from limen.kernel.errors import NotFound
from limen.vault.parts import Parts
from limen.vault.quota.day import day_of, days_before
from limen.vault.store import connections
from limen.vault.store import quota as store
from limen.vault.store.quota import Used

__all__ = ["Left", "ShownUsage", "Used", "show_usage", "show_usage_by_client", "sweep"]
KEPT_DAYS: Final = 35
_MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One bucket of a quota today.

    Args:
        units_a_day: Of our client at the provider, over all connections.
        used: Of those.
    """

    units_a_day: int
    used: int

    @property
    def left(self) -> int:
        """What may still be used."""
        return max(0, self.units_a_day - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUsage:
    """What was used, the latest day first.

    Args:
        day: The provider's; empty where it counts nothing.
        resets_at: When it ends.
        enforced: Whether calls beyond the quota are refused.
        buckets: What our client there has today; all that is not counted apart under ``""``.
    """

    day: str = ""
    resets_at: dt.datetime | None = None
    enforced: bool = False
    buckets: Mapping[str, Left]
    uses: Sequence[Used]


async def show_usage(
    work: Work, parts: Parts, *, connection_id: str, owner_id: str, days: int
) -> ShownUsage:
    """Return what was used over one of an owner's connections.

    Raises:
        NotFound: ``connection_not_found``.
    """
    found = await connections.find_connection(work, connection_id=connection_id, owner_id=owner_id)
    if found is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    grant = found[0].grant
    at = await _quota_at(work, parts, grant.provider)
    if at is None or at.quota is None:
        return ShownUsage(buckets={}, uses=())
    since = days_before(day_of(at.quota, work.now).day, days - 1)
    uses = await store.uses_of(work, connection_id=connection_id, since=since)
    return await _shown(work, at, at.quota, uses=uses)


async def show_usage_by_client(work: Work, parts: Parts, *, provider: str, days: int) -> ShownUsage:
    """Return what each client used at a provider, over everybody's connections.

    Raises:
        NotFound: ``provider_unknown``: not configured in this tenant.
    """
    at = await _quota_at(work, parts, provider)
    if at is None:
        raise NotFound("provider_unknown", "There is no such provider here.")
    if at.quota is None:
        return ShownUsage(buckets={}, uses=())
    since = days_before(day_of(at.quota, work.now).day, days - 1)
    uses = await store.uses_by_client(work, provider=provider, since=since, most=_MOST)
    return await _shown(work, at, at.quota, uses=uses)


async def sweep(work: Work) -> int:
    """Forget days long past."""
    return await store.sweep_quota(work, before=days_before(work.now.date().isoformat(), KEPT_DAYS))


@dataclass(frozen=True, slots=True)
class _At:
    """Our client at a provider, and what that counts; its secrets stay sealed."""

    provider: str
    client_id: str
    quota: Quota | None


async def _shown(work: Work, at: _At, quota: Quota, *, uses: Sequence[Used]) -> ShownUsage:
    today = day_of(quota, work.now)
    used = await store.used_on(
        work, provider=at.provider, upstream_client_id=at.client_id, day=today.day
    )
    figures = {"": quota.daily_units, **quota.buckets}
    return ShownUsage(
        day=today.day,
        resets_at=today.resets_at,
        enforced=quota.enforced,
        buckets={
            name: Left(units_a_day=units, used=used.get(name, 0)) for name, units in figures.items()
        },
        uses=uses,
    )


async def _quota_at(work: Work, parts: Parts, provider: str) -> _At | None:
    for record in await list_upstream_clients(work):
        if record.provider == provider:
            known = parts.catalogue.find(provider, record.config)
            return _At(provider, record.client_id, None if known is None else known.facts.quota)
    return None
