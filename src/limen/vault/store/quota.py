"""The vault's SQL for what is used of providers' quotas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.tables import quota_days, quota_uses

_d = quota_days.c
_u = quota_uses.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

# Of any number of calls at once only those that still fit are counted: one statement decides.
_SPEND = upsert(
    quota_days,
    conflict=("tenant_id", "provider", "upstream_client_id", "bucket", "day"),
    changes={"units": _d.units + bindparam("spent", type_=sa.BigInteger)},
    where=_d.units + bindparam("spent", type_=sa.BigInteger)
    <= bindparam("most", type_=sa.BigInteger),
    returning=(_d.units,),
)
_NOTE = upsert(
    quota_uses,
    conflict=("tenant_id", "connection_id", "client_id", "bucket", "day"),
    changes={
        "calls": _u.calls + bindparam("more_calls", type_=sa.BigInteger),
        "units": _u.units + bindparam("more_units", type_=sa.BigInteger),
        "reported_units": _u.reported_units + bindparam("more_reported", type_=sa.BigInteger),
    },
)
_USED = sa.select(_d.bucket, _d.units).where(
    _d.tenant_id == _TENANT,
    _d.provider == bindparam("at_provider"),
    _d.upstream_client_id == bindparam("by_client"),
    _d.day == bindparam("on_day"),
)
_USES = (
    sa.select(_u.day, _u.client_id, _u.bucket, _u.calls, _u.units, _u.reported_units)
    .where(
        _u.tenant_id == _TENANT,
        _u.connection_id == bindparam("whose"),
        _u.day >= bindparam("since"),
    )
    .order_by(_u.day.desc(), _u.client_id, _u.bucket)
)
_BY_CLIENT = (
    sa.select(
        _u.day,
        _u.client_id,
        _u.bucket,
        sa.cast(sa.func.sum(_u.calls), sa.BigInteger).label("calls"),
        sa.cast(sa.func.sum(_u.units), sa.BigInteger).label("units"),
        sa.cast(sa.func.sum(_u.reported_units), sa.BigInteger).label("reported_units"),
    )
    .where(
        _u.tenant_id == _TENANT,
        _u.day >= bindparam("since"),
        _u.provider == bindparam("at_provider"),
    )
    .group_by(_u.day, _u.client_id, _u.bucket)
    .order_by(_u.day.desc(), _u.client_id, _u.bucket)
    .limit(bindparam("at_most", type_=sa.Integer))
)
_SWEEP_DAYS = sa.delete(quota_days).where(_d.tenant_id == _TENANT, _d.day < bindparam("before_day"))
_SWEEP_USES = sa.delete(quota_uses).where(_u.tenant_id == _TENANT, _u.day < bindparam("before_day"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is counted together: a bucket of our client's at a provider, on the provider's day."""

    provider: str
    upstream_client_id: str
    bucket: str
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used on one day, out of one bucket, by one client.

    Args:
        day: The provider's, ``2026-11-21``.
        client_id: Empty for the connections' owners.
        bucket: Empty for all that is not counted apart.
        calls: Sent by the proxy.
        units: What those cost.
        reported_units: What apps said that calls of their own cost.
    """

    day: str
    client_id: str
    bucket: str
    calls: int
    units: int
    reported_units: int


async def spend(work: Work, tally: Tally, *, units: int, most: int) -> bool:
    """Count units of our client at a provider, unless the day's would be more than ``most``."""
    if units > most:
        return False  # the first row of a day is inserted without a look at its value
    rows = await work.execute(
        _SPEND,
        provider=tally.provider,
        upstream_client_id=tally.upstream_client_id,
        bucket=tally.bucket,
        day=tally.day,
        units=units,
        spent=units,
        most=most,
    )
    return rows.first() is not None


async def note_use(work: Work, *, connection_id: str, provider: str, use: Used) -> None:
    """Add to what a client used over a connection."""
    await work.execute(
        _NOTE,
        connection_id=connection_id,
        client_id=use.client_id,
        bucket=use.bucket,
        day=use.day,
        provider=provider,
        calls=use.calls,
        units=use.units,
        reported_units=use.reported_units,
        more_calls=use.calls,
        more_units=use.units,
        more_reported=use.reported_units,
    )


async def used_on(
    work: Work, *, provider: str, upstream_client_id: str, day: str
) -> dict[str, int]:
    """Return the units that our client at a provider has used on a day, by bucket."""
    rows = await work.execute(_USED, at_provider=provider, by_client=upstream_client_id, on_day=day)
    return {row.bucket: row.units for row in rows.all()}


async def uses_of(work: Work, *, connection_id: str, since: str) -> list[Used]:
    """Return who used how much over a connection, the latest day first."""
    rows = await work.execute(_USES, whose=connection_id, since=since)
    return [_used(row) for row in rows.all()]


async def uses_by_client(work: Work, *, provider: str, since: str, most: int) -> list[Used]:
    """Return how much each client used at a provider over all connections."""
    rows = await work.execute(_BY_CLIENT, at_provider=provider, since=since, at_most=most)
    return [_used(row) for row in rows.all()]


async def sweep_quota(work: Work, *, before: str) -> int:
    """Forget days long past."""
    days = (await work.execute(_SWEEP_DAYS, before_day=before)).count
    return days + (await work.execute(_SWEEP_USES, before_day=before)).count


def _used(row: Any) -> Used:
    return Used(
        day=row.day,
        client_id=row.client_id,
        bucket=row.bucket,
        calls=row.calls,
        units=row.units,
        reported_units=row.reported_units,
    )
