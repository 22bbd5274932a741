"""Our copies of clients' logos, in SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.oauth.tables import client_logos, clients

_c = client_logos.c
_PUT: Final = upsert(
    client_logos,
    conflict=("tenant_id", "client_id"),
    changes={
        "id": bindparam("id"),
        "image": bindparam("image"),
        "kept_at": bindparam("kept_at", type_=_c.kept_at.type),
    },
)
_DROP: Final = sa.delete(client_logos).where(
    _c.tenant_id == bindparam("tenant_id"), _c.client_id == bindparam("of_client")
)
_FIND: Final = (
    sa.select(_c.image, clients.c.verified)
    .select_from(
        client_logos.join(
            clients,
            sa.and_(clients.c.tenant_id == _c.tenant_id, clients.c.client_id == _c.client_id),
        )
    )
    .where(
        _c.tenant_id == bindparam("tenant_id"),
        _c.id == bindparam("logo_id"),
        clients.c.disabled_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo, and whether somebody vouched for whose it is."""

    image: bytes = field(repr=False)
    of_verified: bool


async def put_logo(work: Work, *, client_id: str, logo_id: str, image: bytes) -> None:
    """Keep a client's logo in place of the one before."""
    await work.execute(_PUT, client_id=client_id, id=logo_id, image=image, kept_at=work.now)


async def drop_logo(work: Work, client_id: str) -> None:
    """Delete a client's logo, if there is one."""
    await work.execute(_DROP, of_client=client_id)


async def find_logo(work: Work, logo_id: str) -> Logo | None:
    """Return a logo by the id in its address; a disabled client shows none."""
    row = (await work.execute(_FIND, logo_id=logo_id)).first()
    return None if row is None else Logo(bytes(row.image), of_verified=bool(row.verified))
