"""Which connections stand on a grant."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.tables import connections

_ON_GRANT: Final = sa.select(
    connections.c.id.label("connection_id"), connections.c.user_id, connections.c.provider
).where(
    connections.c.tenant_id == bindparam("tenant_id"),
    connections.c.live_grant_id == bindparam("grant_id"),
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
