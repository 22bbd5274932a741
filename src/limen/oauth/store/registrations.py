"""How clients that no operator registered came to be, in SQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import upsert
from limen.db.work import Work
from limen.oauth.tables import client_registrations, clients, consents

Via = Literal["open", "initial_access_token", "software_statement", "document"]
Unvouched = Literal["open", "document"]
"""Ways that nobody vouches for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a client came to be.

    Attributes:
        via: What let it register; an ``open`` one nobody vouched for.
        token_hash: Of its registration access token; a document's client has none.
        unused_until: It is deleted then unless somebody has agreed to use it; ``None`` for
            those that are kept anyway.
    """

    client_id: str
    via: Via
    token_hash: bytes | None = field(repr=False)
    software_statement: str | None
    created_at: dt.datetime
    unused_until: dt.datetime | None


_c = client_registrations.c
_THIS: Final = (_c.tenant_id == bindparam("tenant_id"), _c.client_id == bindparam("id"))
_PUT: Final = upsert(
    client_registrations,
    conflict=("tenant_id", "client_id"),
    changes={"unused_until": bindparam("unused_until")},
)
_BY_TOKEN: Final = sa.select(*_c).where(
    _c.tenant_id == bindparam("tenant_id"), _c.token_hash == bindparam("presented_hash")
)
_ROTATE: Final = (
    sa.update(client_registrations)
    .where(*_THIS, _c.token_hash == bindparam("presented_hash"))
    .values(token_hash=bindparam("new_hash"), software_statement=bindparam("new_statement"))
    .returning(_c.client_id)
)
_UNCLAIMED: Final = (
    sa.select(_c.client_id)
    .where(
        _c.tenant_id == bindparam("tenant_id"),
        _c.unused_until.is_not(None),
        _c.via == bindparam("via"),
    )
    .limit(bindparam("most", type_=sa.Integer))
)
_COUNT: Final = sa.select(sa.func.count()).select_from(_UNCLAIMED.subquery())
_UNUSED: Final = (
    sa.select(_c.client_id)
    .where(
        _c.tenant_id == bindparam("tenant_id"),
        _c.unused_until <= bindparam("moment"),
        ~sa.exists().where(
            consents.c.tenant_id == bindparam("tenant_id"), consents.c.client_id == _c.client_id
        ),
        # Whom an operator vouches for is theirs to delete: of a trusted one nobody agrees to
        # anything, though everybody uses it.
        ~sa.exists().where(
            clients.c.tenant_id == bindparam("tenant_id"),
            clients.c.client_id == _c.client_id,
            sa.or_(clients.c.verified, clients.c.trusted, clients.c.first_party),
        ),
        # Its row is all that keeps the client of a document out once an operator disabled it.
        ~sa.and_(
            _c.via == "document",
            sa.exists().where(
                clients.c.tenant_id == bindparam("tenant_id"),
                clients.c.client_id == _c.client_id,
                clients.c.disabled_at.is_not(None),
            ),
        ),
    )
    .limit(bindparam("most", type_=sa.Integer))
)


async def put_registration(work: Work, registration: Registration) -> None:
    """Keep how a client came to be; of one that is known only until when it must be used."""
    await work.execute(
        _PUT,
        client_id=registration.client_id,
        via=registration.via,
        token_hash=registration.token_hash,
        software_statement=registration.software_statement,
        created_at=registration.created_at,
        unused_until=registration.unused_until,
    )


async def find_by_token(work: Work, token_hash: bytes) -> Registration | None:
    """Return whose registration access token that is."""
    row = (await work.execute(_BY_TOKEN, presented_hash=token_hash)).first()
    return None if row is None else _registration(row)


async def rotate_token(
    work: Work, client_id: str, *, presented: bytes, new: bytes, statement: str | None
) -> bool:
    """Replace the token that was presented; ``False`` if another request was first."""
    rotated = await work.execute(
        _ROTATE, id=client_id, presented_hash=presented, new_hash=new, new_statement=statement
    )
    return rotated.first() is not None


async def count_unclaimed(work: Work, *, via: Unvouched, most: int) -> int:
    """Count the clients nobody vouched for that came that way, and no further than ``most``."""
    return int((await work.execute(_COUNT, via=via, most=most)).scalar() or 0)


async def list_unused(work: Work, *, most: int) -> list[str]:
    """Return clients whose time to be used is over and that nobody has agreed to use.

    Not those that an operator vouched for, nor the disabled ones of documents: gone, these would
    come back as new clients (N192).
    """
    rows = (await work.execute(_UNUSED, moment=work.now, most=most)).all()
    return [row.client_id for row in rows]


def _registration(row: Row) -> Registration:
    return Registration(
        client_id=row.client_id,
        via=row.via,
        token_hash=None if row.token_hash is None else bytes(row.token_hash),
        software_statement=row.software_statement,
        created_at=row.created_at,
        unused_until=row.unused_until,
    )
