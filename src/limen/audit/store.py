"""The audit log's SQL: rows are added and read, never changed."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, bindparam

from limen.audit.event import AuditEvent
from limen.audit.tables import audit_events
from limen.db.work import Work

_ADD = sa.insert(audit_events)

_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "name": audit_events.c.name == bindparam("name"),
    "names": audit_events.c.name.in_(bindparam("names", expanding=True)),
    "outcome": audit_events.c.outcome == bindparam("outcome"),
    "actor_id": audit_events.c.actor_id == bindparam("actor_id"),
    "user_id": audit_events.c.user_id == bindparam("user_id"),
    "since": audit_events.c.at >= bindparam("since"),
    "until": audit_events.c.at < bindparam("until"),
    "before_at": sa.or_(
        audit_events.c.at < bindparam("before_at"),
        sa.and_(
            audit_events.c.at == bindparam("before_at"), audit_events.c.id < bindparam("before_id")
        ),
    ),
}


def add_event(work: Work, event: AuditEvent) -> None:
    """Insert one event with the end of the Work: whoever causes it does not read it."""
    work.add_last(
        _ADD,
        id=event.id,
        at=event.at,
        name=event.name,
        outcome=event.outcome,
        actor_kind=event.actor_kind,
        actor_id=event.actor_id,
        client_id=event.client_id,
        session_id=event.session_id,
        user_id=event.user_id,
        detail=event.detail,
    )


async def list_events(
    work: Work,
    *,
    filters: Mapping[str, str | list[str] | dt.datetime],
    before: tuple[dt.datetime, str] | None,
    limit: int,
) -> list[AuditEvent]:
    """Return the newest events that match, newest first.

    Args:
        work: In the tenant whose log it is.
        filters: Those in use, by the names of ``_CONDITIONS``.
        before: Start after this event, in reading order.
        limit: How many at most.
    """
    params: dict[str, Any] = dict(filters)
    if before is not None:
        params["before_at"], params["before_id"] = before
    names = frozenset(_CONDITIONS.keys() & params)
    rows = await work.execute(_search(names), limit=limit, **params)
    return [AuditEvent(**row._asdict()) for row in rows.all()]


@functools.cache
def _search(names: frozenset[str]) -> sa.Select[Any]:
    """Build one statement for each set of filters in use, so that each has its index."""
    columns = [column for column in audit_events.c if column.name != "tenant_id"]
    return (
        # built per call: once for each set of filters, kept ever after
        sa.select(*columns)
        .where(audit_events.c.tenant_id == bindparam("tenant_id"))
        .where(*(_CONDITIONS[name] for name in sorted(names)))
        .order_by(audit_events.c.at.desc(), audit_events.c.id.desc())
        .limit(bindparam("limit", type_=sa.Integer))
    )
