"""The webhooks' SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import Moment, insert_or_nothing
from limen.db.work import Work
from limen.webhooks.model import (
    DeliveryState,
    Endpoint,
    EndpointState,
    Message,
    MessageDelivery,
)
from limen.webhooks.tables import webhook_deliveries, webhook_endpoints, webhook_messages

MEMORY: Final = "webhooks"
"""What the cache of endpoints is called."""

MAX_ENDPOINTS: Final = 20
_e, _m, _d = webhook_endpoints.c, webhook_messages.c, webhook_deliveries.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")
_THIS: Final = (_e.tenant_id == _TENANT, _e.id == bindparam("endpoint_id"))
_COLUMNS: Final = (
    _e.id,
    _e.url,
    _e.description,
    _e.kinds,
    _e.state,
    _e.sealed_secret,
    _e.sealed_old_secret,
    _e.old_secret_until,
    _e.failing_since,
    _e.version,
    _e.created_at,
)
_ADD: Final = sa.insert(webhook_endpoints)
_LIST: Final = (  # scans: a tenant has twenty endpoints at most
    sa.select(*_COLUMNS).where(_e.tenant_id == _TENANT).order_by(_e.id)
)
_FIND: Final = sa.select(*_COLUMNS).where(*_THIS)
_LOCK: Final = _FIND.with_for_update()
_CHANGE: Final = (
    sa.update(webhook_endpoints)
    .where(*_THIS)
    .values(
        url=bindparam("new_url"),
        description=bindparam("new_description"),
        kinds=bindparam("new_kinds", type_=_e.kinds.type),
        state=bindparam("new_state"),
        failing_since=bindparam("new_failing_since", type_=Moment()),
        sealed_secret=bindparam("new_sealed_secret"),
        sealed_old_secret=bindparam("new_sealed_old_secret"),
        old_secret_until=bindparam("new_old_secret_until", type_=Moment()),
        version=_e.version + 1,
    )
)
_REMOVE: Final = sa.delete(webhook_endpoints).where(*_THIS).returning(_e.id)
_FAILS: Final = (
    sa.update(webhook_endpoints)
    .where(*_THIS)
    .values(failing_since=sa.func.coalesce(_e.failing_since, bindparam("at", type_=Moment())))
    .returning(_e.failing_since)
)
_WORKS: Final = (
    sa.update(webhook_endpoints)
    .where(*_THIS, _e.failing_since.is_not(None))
    .values(failing_since=None)
)
_GIVE_UP: Final = (
    sa.update(webhook_endpoints)
    .where(*_THIS, _e.state == "enabled")
    .values(state="failing", version=_e.version + 1)
    .returning(_e.id)
)
_ADD_MESSAGE: Final = sa.insert(webhook_messages)
_FIND_MESSAGE: Final = sa.select(_m.id, _m.kind, _m.body, _m.created_at).where(
    _m.tenant_id == _TENANT, _m.id == bindparam("message_id")
)
_SWEEP: Final = sa.delete(webhook_messages).where(
    _m.tenant_id == _TENANT, _m.created_at < bindparam("before", type_=Moment())
)
_DELIVERY: Final = (
    _d.tenant_id == _TENANT,
    _d.endpoint_id == bindparam("endpoint_id"),
    _d.message_id == bindparam("message_id"),
)
_ADD_DELIVERY: Final = insert_or_nothing(
    webhook_deliveries,
    conflict=("tenant_id", "endpoint_id", "message_id"),
    returning=(_d.message_id,),
)
_AGAIN: Final = (
    sa.update(webhook_deliveries)
    .where(*_DELIVERY, _d.state != "pending")
    .values(state="pending", attempts=0, updated_at=bindparam("new_updated_at"))
    .returning(_d.message_id)
)
_ATTEMPTED: Final = (
    sa.update(webhook_deliveries)
    .where(*_DELIVERY)
    .values(
        state=bindparam("new_state"),
        attempts=_d.attempts + 1,
        status=bindparam("new_status"),
        updated_at=bindparam("new_updated_at"),
    )
    .returning(_d.attempts)
)
_SET_STATE: Final = (
    sa.update(webhook_deliveries)
    .where(*_DELIVERY)
    .values(state=bindparam("new_state"), updated_at=bindparam("new_updated_at"))
)
_LIST_DELIVERIES: Final = (
    sa.select(
        _d.message_id,
        _d.endpoint_id,
        _m.kind,
        _d.state,
        _d.attempts,
        _d.status,
        _m.created_at,
        _d.updated_at,
    )
    .join_from(
        webhook_deliveries,
        webhook_messages,
        sa.and_(_m.tenant_id == _d.tenant_id, _m.id == _d.message_id),
    )
    .where(
        _d.tenant_id == _TENANT,
        _d.endpoint_id == bindparam("endpoint_id"),
        _d.message_id < bindparam("before"),
    )
    .order_by(_d.message_id.desc())
    .limit(bindparam("most", type_=sa.Integer))
)
_PENDING: Final = sa.select(sa.func.count()).select_from(
    sa.select(_d.message_id)
    .where(
        _d.tenant_id == _TENANT,
        _d.endpoint_id == bindparam("endpoint_id"),
        _d.state == "pending",
    )
    .limit(bindparam("most", type_=sa.Integer))
    .subquery()
)


async def add_endpoint(work: Work, endpoint: Endpoint) -> None:
    """Insert an endpoint."""
    await work.execute(
        _ADD,
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        kinds=list(endpoint.kinds),
        state=endpoint.state,
        sealed_secret=endpoint.sealed_secret,
        created_at=endpoint.created_at,
    )


async def list_endpoints(work: Work, _name: str = "") -> tuple[Endpoint, ...]:
    """Return the tenant's endpoints, oldest first."""
    return tuple(_endpoint(row) for row in (await work.execute(_LIST)).all())


async def find_endpoint(work: Work, endpoint_id: str) -> Endpoint | None:
    """Return an endpoint."""
    row = (await work.execute(_FIND, endpoint_id=endpoint_id)).first()
    return None if row is None else _endpoint(row)


async def lock_endpoint(work: Work, endpoint_id: str) -> Endpoint | None:
    """Return an endpoint and keep others from changing it until this Work ends."""
    row = (await work.execute(_LOCK, endpoint_id=endpoint_id)).first()
    return None if row is None else _endpoint(row)


async def change_endpoint(work: Work, endpoint: Endpoint) -> None:
    """Write an endpoint that was locked."""
    await work.execute(
        _CHANGE,
        endpoint_id=endpoint.id,
        new_url=endpoint.url,
        new_description=endpoint.description,
        new_kinds=list(endpoint.kinds),
        new_state=endpoint.state,
        new_failing_since=endpoint.failing_since,
        new_sealed_secret=endpoint.sealed_secret,
        new_sealed_old_secret=endpoint.sealed_old_secret,
        new_old_secret_until=endpoint.old_secret_until,
    )


async def remove_endpoint(work: Work, endpoint_id: str) -> bool:
    """Delete an endpoint and what became of its messages."""
    return (await work.execute(_REMOVE, endpoint_id=endpoint_id)).first() is not None


async def note_failing(work: Work, endpoint_id: str) -> dt.datetime | None:
    """Remember a failure; return since when there was none but failures."""
    found = (await work.execute(_FAILS, endpoint_id=endpoint_id, at=work.now)).scalar()
    return cast("dt.datetime | None", found)


async def note_working(work: Work, endpoint_id: str) -> None:
    """Forget its failures."""
    await work.execute(_WORKS, endpoint_id=endpoint_id)


async def give_up(work: Work, endpoint_id: str) -> bool:
    """Turn an endpoint off; ``False`` if it was off already."""
    return (await work.execute(_GIVE_UP, endpoint_id=endpoint_id)).first() is not None


async def add_message(work: Work, message: Message) -> None:
    """Insert a message."""
    await work.execute(
        _ADD_MESSAGE,
        id=message.id,
        kind=message.kind,
        body=message.body,
        created_at=message.created_at,
    )


async def find_message(work: Work, message_id: str) -> Message | None:
    """Return a message that is still kept."""
    row = (await work.execute(_FIND_MESSAGE, message_id=message_id)).first()
    if row is None:
        return None
    return Message(id=row.id, kind=row.kind, body=row.body, created_at=row.created_at)


async def sweep_messages(work: Work, *, before: dt.datetime) -> int:
    """Delete old messages; return how many."""
    return (await work.execute(_SWEEP, before=before)).count


async def add_deliveries(work: Work, message_id: str, endpoint_ids: Iterable[str]) -> list[str]:
    """Have a message sent; return those endpoints that did not have it yet."""
    added = []
    for endpoint_id in endpoint_ids:
        rows = await work.execute(
            _ADD_DELIVERY,
            endpoint_id=endpoint_id,
            message_id=message_id,
            state="pending",
            attempts=0,
            updated_at=work.now,
        )
        if rows.first() is not None:
            added.append(endpoint_id)
    return added


async def begin_again(work: Work, *, endpoint_id: str, message_id: str) -> bool:
    """Make a settled delivery pending; ``False`` if it is pending or there is none."""
    rows = await work.execute(
        _AGAIN, endpoint_id=endpoint_id, message_id=message_id, new_updated_at=work.now
    )
    return rows.first() is not None


async def note_attempt(
    work: Work, *, endpoint_id: str, message_id: str, state: DeliveryState, status: int | None
) -> int:
    """Write what became of an attempt; return how many there were, 0 if nobody waits for it."""
    rows = await work.execute(
        _ATTEMPTED,
        endpoint_id=endpoint_id,
        message_id=message_id,
        new_state=state,
        new_status=status,
        new_updated_at=work.now,
    )
    return int(rows.scalar() or 0)


async def set_state(work: Work, *, endpoint_id: str, message_id: str, state: DeliveryState) -> None:
    """Write that a delivery is settled without another attempt."""
    await work.execute(
        _SET_STATE,
        endpoint_id=endpoint_id,
        message_id=message_id,
        new_state=state,
        new_updated_at=work.now,
    )


async def list_deliveries(
    work: Work, *, endpoint_id: str, before: str, most: int
) -> list[MessageDelivery]:
    """Return what became of an endpoint's messages, newest first."""
    rows = await work.execute(
        _LIST_DELIVERIES, endpoint_id=endpoint_id, before=before or "~", most=most
    )
    return [MessageDelivery(**row._asdict()) for row in rows.all()]


async def count_pending(work: Work, *, endpoint_id: str, most: int) -> int:
    """Return how many messages wait for an endpoint, counted no further than ``most``."""
    return int((await work.execute(_PENDING, endpoint_id=endpoint_id, most=most)).scalar() or 0)


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=row.id,
        url=row.url,
        description=row.description,
        kinds=tuple(row.kinds),
        state=cast("EndpointState", row.state),
        sealed_secret=row.sealed_secret,
        sealed_old_secret=row.sealed_old_secret,
        old_secret_until=row.old_secret_until,
        failing_since=row.failing_since,
        version=row.version,
        created_at=row.created_at,
    )
