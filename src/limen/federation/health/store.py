"""How our clients fare, in SQL; it stands in the client's own row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import DbNow
from limen.db.work import Work
from limen.federation.health.breaker import Failing
from limen.federation.health.bucket import Bucket
from limen.federation.tables import upstream_clients

_c = upstream_clients.c
_THIS: Final = (_c.tenant_id == bindparam("tenant_id"), _c.provider == bindparam("id"))

_LOCK = (
    sa.select(
        _c.incident,
        _c.incident_since,
        _c.failing,
        _c.failing_since,
        _c.rate_level,
        _c.rate_at,
    )
    .where(*_THIS)
    .with_for_update()
)
_SET_FAILING = (
    sa.update(upstream_clients)
    .where(*_THIS)
    .values(failing=bindparam("new_failing"), failing_since=bindparam("new_since"))
)
_OPEN = (
    sa.update(upstream_clients)
    .where(*_THIS)
    .values(
        incident=bindparam("new_incident"),
        incident_since=bindparam("new_since"),
        failing=None,
        failing_since=None,
    )
)
_BLOCK = (
    sa.update(upstream_clients)
    .where(*_THIS)
    .values(blocked_until=DbNow(bindparam("block_seconds", type_=sa.Float)))
)
# Of any number who would ask again after an incident, one finds the door open.
_PROBE = (
    sa.update(upstream_clients)
    .where(
        *_THIS,
        sa.or_(_c.blocked_until.is_(None), _c.blocked_until <= DbNow()),
    )
    .values(blocked_until=DbNow(bindparam("block_seconds", type_=sa.Float)))
    .returning(_c.provider)
)
# What was wrong is told from the very row that forgets it.
_OVER = (
    sa.update(upstream_clients)
    .where(
        *_THIS,
        sa.or_(
            _c.incident.is_not(None), _c.blocked_until.is_not(None), _c.failing_since.is_not(None)
        ),
    )
    .values(
        last_incident=_c.incident,
        incident=None,
        incident_since=None,
        blocked_until=None,
        failing=None,
        failing_since=None,
    )
    .returning(_c.last_incident)
)
_SET_BUCKET = (
    sa.update(upstream_clients)
    .where(*_THIS)
    .values(rate_level=bindparam("new_level"), rate_at=bindparam("new_at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the row says.

    Args:
        incident: Empty while all is well.
        incident_since: When that began.
        failing: Failures since the last success; ``None`` for none.
        bucket: ``None`` if nothing was drawn yet.
    """

    incident: str
    incident_since: dt.datetime | None
    failing: Failing | None
    bucket: Bucket | None


async def lock_health(work: Work, provider: str) -> Health | None:
    """Return how a client fares and keep others from changing it until this Work ends."""
    row = (await work.execute(_LOCK, id=provider)).first()
    if row is None:
        return None
    failing = None
    if row.failing_since is not None:
        told = row.failing or {}
        failing = Failing(
            since=row.failing_since,
            grants=tuple(told.get("grants", ())),
            ended=tuple(told.get("ended", ())),
        )
    bucket = None if row.rate_at is None else Bucket(level=row.rate_level, at=row.rate_at)
    return Health(
        incident=row.incident or "",
        incident_since=row.incident_since,
        failing=failing,
        bucket=bucket,
    )


async def set_failing(work: Work, provider: str, failing: Failing) -> None:
    """Keep the failures since the last success."""
    told = {"grants": list(failing.grants), "ended": list(failing.ended)}
    await work.execute(_SET_FAILING, id=provider, new_failing=told, new_since=failing.since)


async def open_incident(work: Work, provider: str, *, incident: str) -> None:
    """Note that something is wrong with the client as a whole."""
    await work.execute(_OPEN, id=provider, new_incident=incident, new_since=work.now)


async def block(work: Work, provider: str, *, seconds: float) -> None:
    """Ask nothing of a provider for a while."""
    await work.execute(_BLOCK, id=provider, block_seconds=seconds)


async def take_probe(work: Work, provider: str, *, seconds: float) -> bool:
    """Be the one who asks again; ``False`` to everybody else."""
    return (await work.execute(_PROBE, id=provider, block_seconds=seconds)).first() is not None


async def note_over(work: Work, provider: str) -> str | None:
    """Forget what ailed; return which incident that was, ``None`` if all was well."""
    row = (await work.execute(_OVER, id=provider)).first()
    return None if row is None else (row.last_incident or None)


async def set_bucket(work: Work, provider: str, bucket: Bucket) -> None:
    """Keep what is left of the rate."""
    await work.execute(_SET_BUCKET, id=provider, new_level=bucket.level, new_at=bucket.at)
