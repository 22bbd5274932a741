"""The SQL of seals, chains and their keys, and of the numbers that sealing gives to events."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.audit.event import AuditEvent
from limen.audit.seals.head import Head, Place
from limen.audit.seals.tables import audit_chains, audit_seals
from limen.audit.tables import audit_events
from limen.db.statements import Row
from limen.db.types import DbNow, insert_or_nothing
from limen.db.work import Work

_events, _seals, _chains = audit_events.c, audit_seals.c, audit_chains.c
_TENANT: Final = "tenant_id"
_OF_EVENTS = _events.tenant_id == bindparam(_TENANT)
_OF_SEALS = _seals.tenant_id == bindparam(_TENANT)
_OF_CHAIN = _chains.tenant_id == bindparam(_TENANT)
_EVENT_COLUMNS: Final = tuple(column for column in audit_events.c if column.name != _TENANT)
_HEAD_COLUMNS: Final = (
    _chains.segment,
    _chains.number,
    _chains.hash,
    _chains.dropped_segment,
    _chains.dropped_number,
    _chains.dropped_hash,
    _chains.mac,
    _chains.fence,
)
_BATCH: Final = bindparam("batch", type_=sa.Integer)

# tenant: all, the loop serves every tenant
_NEXT_TENANT = sa.select(sa.func.min(_events.tenant_id)).where(
    _events.number.is_(None), _events.tenant_id > bindparam("after")
)
_waiting: Final = audit_events.alias("waiting")
# Its parameters have values, as nobody who walks the statement meets those of a subquery.
_picked: Final = (
    sa.select(
        _waiting.c.tenant_id,
        _waiting.c.id,
        (
            bindparam("last_number", 0, type_=sa.BigInteger)
            + sa.func.row_number().over(order_by=_waiting.c.id)
        ).label("number"),
    )
    .where(_waiting.c.tenant_id == bindparam(_TENANT), _waiting.c.number.is_(None))
    .order_by(_waiting.c.id)
    .limit(bindparam("batch", 0, type_=sa.Integer))
    .subquery("picked")
)
_NUMBER = (
    sa.update(audit_events)
    .where(_OF_EVENTS, _events.tenant_id == _picked.c.tenant_id, _events.id == _picked.c.id)
    .values(number=_picked.c.number)
    .returning(*_EVENT_COLUMNS)
)
# scans: the tenant's share of the index of what waits, seconds' worth as a rule
_COUNT_UNSEALED = (
    sa.select(sa.func.count(), sa.func.min(_events.at))
    .select_from(audit_events)
    .where(_OF_EVENTS, _events.number.is_(None))
)
_NUMBERED = (
    sa.select(*_EVENT_COLUMNS)
    .where(_OF_EVENTS, _events.number >= bindparam("first"), _events.number <= bindparam("last"))
    .order_by(_events.number)
)
_LAST_NUMBER = sa.select(sa.func.max(_events.number)).where(_OF_EVENTS, _events.number.is_not(None))
_LAST_SEGMENT = sa.select(_seals.segment).where(_OF_SEALS).order_by(_seals.segment.desc()).limit(1)
_OUTSIDE: Final = {
    "behind the end": sa.select(sa.func.min(_events.number)).where(
        _OF_EVENTS,
        _events.number > sa.select(_chains.number).where(_OF_CHAIN).scalar_subquery(),
    ),
    "before the beginning": sa.select(sa.func.min(_events.number)).where(
        _OF_EVENTS,
        _events.number <= sa.select(_chains.dropped_number).where(_OF_CHAIN).scalar_subquery(),
    ),
}

_HEAD = sa.select(*_HEAD_COLUMNS).where(_OF_CHAIN)
_ADD_HEAD = insert_or_nothing(audit_chains, conflict=(_TENANT,))
_FREE = sa.or_(
    _chains.lease_until.is_(None),
    _chains.lease_until < DbNow(),
    _chains.lease_owner == bindparam("owner"),
)
_CLAIM = (
    sa.update(audit_chains)
    .where(_OF_CHAIN, _FREE)
    .values(
        lease_owner=bindparam("owner"),
        lease_until=DbNow(bindparam("lease_seconds", type_=sa.Float)),
        fence=_chains.fence + 1,
    )
    .returning(*_HEAD_COLUMNS)
)
_LOCK = (
    sa.update(audit_chains)
    .where(_OF_CHAIN)
    .values(fence=_chains.fence + 1)
    .returning(*_HEAD_COLUMNS)
)
_MOVE = (
    sa.update(audit_chains)
    .where(_OF_CHAIN, _chains.fence == bindparam("held_fence"))
    .values(
        segment=bindparam("new_segment"),
        number=bindparam("new_number"),
        hash=bindparam("new_hash"),
        dropped_segment=bindparam("new_dropped_segment"),
        dropped_number=bindparam("new_dropped_number"),
        dropped_hash=bindparam("new_dropped_hash"),
        mac=bindparam("new_mac"),
    )
    .returning(_chains.fence)
)

_ADD_SEAL = sa.insert(audit_seals)
_SEAL = sa.select(_seals.segment, _seals.sealed_at, _seals.hashes, _seals.jws).where(
    _OF_SEALS, _seals.segment == bindparam("of_segment")
)
_SEALS_FROM = (
    sa.select(_seals.segment, _seals.sealed_at, _seals.hashes, _seals.jws)
    .where(_OF_SEALS, _seals.segment >= bindparam("from_segment"))
    .order_by(_seals.segment)
    .limit(_BATCH)
)
_SEALED_SINCE = (
    sa.select(_seals.segment)
    .where(_OF_SEALS, _seals.sealed_at >= bindparam("since"))
    .order_by(_seals.sealed_at, _seals.segment)
    .limit(1)
)
_DROP_SEALS = sa.delete(audit_seals).where(_OF_SEALS, _seals.segment <= bindparam("through"))
_DROP_EVENTS = sa.delete(audit_events).where(_OF_EVENTS, _events.number <= bindparam("through"))


@dataclass(frozen=True, slots=True)
class StoredSeal:
    """A seal as it lies in the table: nothing of it is believed yet."""

    segment: int
    sealed_at: dt.datetime
    hashes: bytes
    jws: str


async def next_tenant(work: Work, *, after: str) -> str:
    """Return the next tenant that has events without a seal; empty when there is none."""
    return str((await work.execute(_NEXT_TENANT, after=after)).scalar() or "")


async def count_unsealed(work: Work) -> tuple[int, dt.datetime | None]:
    """Return how many events wait for their seal, and since when the oldest does."""
    row = (await work.execute(_COUNT_UNSEALED)).one()
    return int(row[0]), row[1]


async def number_events(work: Work, *, last_number: int, batch: int) -> list[Row]:
    """Number the oldest events that have no number, and return their rows in order.

    As rows, with the members of an ``AuditEvent``: they are hashed and forgotten.

    Args:
        work: Holds the chain's head: nobody else numbers meanwhile.
        last_number: The number before the first.
        batch: How many at most.
    """
    rows = await work.execute(_NUMBER, last_number=last_number, batch=batch)
    return sorted(rows.all(), key=operator.attrgetter("number"))


async def list_numbered(work: Work, *, first: int, last: int) -> list[AuditEvent]:
    """Return the events between two numbers, both included: those of a segment."""
    return _made((await work.execute(_NUMBERED, first=first, last=last)).all())


async def find_last(work: Work) -> tuple[int, int]:
    """Return the last segment that has a seal, and the last number that an event has."""
    segment = (await work.execute(_LAST_SEGMENT)).scalar()
    number = (await work.execute(_LAST_NUMBER)).scalar()
    return int(segment or 0), int(number or 0)


async def find_outside(work: Work) -> dict[str, int]:
    """Return the numbers of events where the head says that there are none, by where."""
    found = {where: (await work.execute(query)).scalar() for where, query in _OUTSIDE.items()}
    return {where: int(number) for where, number in found.items() if number is not None}


async def find_head(work: Work) -> Head | None:
    """Return the chain's head, without the lease."""
    row = (await work.execute(_HEAD)).first()
    return None if row is None else _head(row)


async def add_head(work: Work, *, mac: bytes) -> None:
    """Begin a chain, unless there is one."""
    await work.execute(
        _ADD_HEAD,
        segment=0,
        number=0,
        hash="",
        dropped_segment=0,
        dropped_number=0,
        dropped_hash="",
        mac=mac,
        fence=0,
    )


async def claim_head(work: Work, *, owner: str, lease_seconds: float) -> Head | None:
    """Take or renew the lease; ``None`` if another has it, or there is no chain yet."""
    row = (await work.execute(_CLAIM, owner=owner, lease_seconds=lease_seconds)).first()
    return None if row is None else _head(row)


async def lock_head(work: Work) -> Head | None:
    """Keep every sealer out until this transaction ends, whoever has the lease."""
    row = (await work.execute(_LOCK)).first()
    return None if row is None else _head(row)


async def move_head(work: Work, head: Head, *, held_fence: int) -> bool:
    """Write where the chain ends and begins; false when the lease was lost meanwhile."""
    rows = await work.execute(
        _MOVE,
        held_fence=held_fence,
        new_segment=head.end.segment,
        new_number=head.end.number,
        new_hash=head.end.hash,
        new_dropped_segment=head.dropped.segment,
        new_dropped_number=head.dropped.number,
        new_dropped_hash=head.dropped.hash,
        new_mac=head.mac,
    )
    return rows.first() is not None


async def add_seal(work: Work, seal: StoredSeal) -> None:
    """Keep a segment's seal."""
    await work.execute(
        _ADD_SEAL,
        segment=seal.segment,
        sealed_at=seal.sealed_at,
        hashes=seal.hashes,
        jws=seal.jws,
    )


async def find_seal(work: Work, segment: int) -> StoredSeal | None:
    """Return a segment's seal."""
    row = (await work.execute(_SEAL, of_segment=segment)).first()
    return None if row is None else _stored(row)


async def list_seals(work: Work, *, start: int, batch: int) -> list[StoredSeal]:
    """Return seals in order, from a segment on."""
    rows = await work.execute(_SEALS_FROM, from_segment=start, batch=batch)
    return [_stored(row) for row in rows.all()]


async def first_sealed_since(work: Work, since: dt.datetime) -> int:
    """Return the first segment sealed at or after a moment; 0 when there is none."""
    return int((await work.execute(_SEALED_SINCE, since=since)).scalar() or 0)


async def drop_through(work: Work, place: Place) -> None:
    """Delete all segments before a place, with their events."""
    await work.execute(_DROP_EVENTS, through=place.number)
    await work.execute(_DROP_SEALS, through=place.segment)


def _made(rows: Sequence[Any]) -> list[AuditEvent]:
    return [AuditEvent(**row._asdict()) for row in rows]


def _stored(row: Any) -> StoredSeal:
    return StoredSeal(row.segment, row.sealed_at, as_bytes(row.hashes), str(row.jws))


def as_bytes(value: object) -> bytes:
    """Return a value's bytes; SQLite lets anybody put a number there, which has none."""
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""


def _head(row: Any) -> Head:
    return Head(
        end=Place(segment=row.segment, number=row.number, hash=row.hash),
        dropped=Place(
            segment=row.dropped_segment, number=row.dropped_number, hash=row.dropped_hash
        ),
        mac=as_bytes(row.mac),
        fence=row.fence,
    )
