"""Which client is an API's own, in SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.oauth.tables import resource_clients

_c = resource_clients.c
_OF_CLIENT: Final = (_c.tenant_id == bindparam("tenant_id"), _c.client_id == bindparam("of_client"))
_FIND: Final = sa.select(_c.resource).where(*_OF_CLIENT).order_by(_c.resource)
_DROP: Final = sa.delete(resource_clients).where(*_OF_CLIENT)
_ADD: Final = sa.insert(resource_clients)


async def resources_of(work: Work, client_id: str) -> tuple[str, ...]:
    """Return the resources whose own client this is."""
    rows = await work.execute(_FIND, of_client=client_id)
    return tuple(row.resource for row in rows.all())


async def set_resources(work: Work, client_id: str, resources: tuple[str, ...]) -> None:
    """Replace the resources whose own client this is."""
    await work.execute(_DROP, of_client=client_id)
    for resource in resources:
        await work.execute(_ADD, client_id=client_id, resource=resource)
