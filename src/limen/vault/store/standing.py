"""Which connections stand on a grant, and moving one to another."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.model import Grant
from limen.vault.tables import connections

_ON_GRANT: Final = sa.select(
    connections.c.id.label("connection_id"), connections.c.user_id, connections.c.provider
).where(
    connections.c.tenant_id == bindparam("tenant_id"),
    connections.c.live_grant_id == bindparam("grant_id"),
)
_c = connections.c
_KEEPER = sa.select(_c.user_id).where(
    _c.tenant_id == bindparam("tenant_id"), _c.id == bindparam("connection_id")
)
_twins = connections.alias("twins")
# Not if its owner has that grant already: then the two would be one.
_MOVE = (
    sa.update(connections)
    .where(
        _c.tenant_id == bindparam("tenant_id"),
        _c.id == bindparam("connection_id"),
        _c.live_grant_id == bindparam("from_grant"),
        ~sa.exists().where(
            _twins.c.tenant_id == _c.tenant_id,
            _twins.c.user_id == _c.user_id,
            _twins.c.live_grant_id == bindparam("to_grant"),
        ),
    )
    .values(
        grant_id=bindparam("new_grant_id"),
        live_grant_id=bindparam("new_live_grant_id"),
        label=bindparam("new_label"),
    )
    .returning(_c.id)
)


class Standing(NamedTuple):
    """A live connection on a grant."""

    connection_id: str
    user_id: str
    provider: str


async def connections_on(work: Work, grant_id: str) -> list[Standing]:
    """Return the live connections on a grant."""
    rows = await work.execute(_ON_GRANT, grant_id=grant_id)
    return [Standing(row.connection_id, row.user_id, row.provider) for row in rows.all()]


async def keeper_of(work: Work, connection_id: str) -> str:
    """Return who made a connection, which may have ended."""
    return str((await work.execute(_KEEPER, connection_id=connection_id)).scalar())


async def move_connection(
    work: Work, *, connection_id: str, before: Grant, after: Grant, label: str
) -> bool:
    """Put a connection, found as its owner's, on another grant, which is locked.

    ``False``: its owner has another connection on that one.
    """
    rows = await work.execute(
        _MOVE,
        connection_id=connection_id,
        from_grant=before.id,
        to_grant=after.id,
        new_grant_id=after.id,
        new_live_grant_id=after.id,
        new_label=label,
    )
    return rows.first() is not None
