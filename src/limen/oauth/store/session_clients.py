"""SQL of which clients were told of a session."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.oauth.tables import session_clients

_c = session_clients.c
_ADD = insert_or_nothing(
    session_clients,
    conflict=("tenant_id", "session_id", "client_id"),
    returning=(_c.client_id,),
)
_LIST = (
    sa.select(_c.client_id, _c.subject)
    .where(_c.tenant_id == bindparam("tenant_id"), _c.session_id == bindparam("session_id"))
    .order_by(_c.client_id)
)


class Attendant(NamedTuple):
    """A client that knows of a session, and ``sub`` as it knows the user."""

    client_id: str
    subject: str


async def add(
    work: Work, *, session_id: str, client_id: str, subject: str, told_at: dt.datetime
) -> None:
    """Remember a client; once is enough."""
    await work.execute(
        _ADD, session_id=session_id, client_id=client_id, subject=subject, told_at=told_at
    )


async def of_session(work: Work, session_id: str) -> list[Attendant]:
    """Return the clients that know of a session."""
    rows = await work.execute(_LIST, session_id=session_id)
    return [Attendant(row.client_id, row.subject) for row in rows.all()]
