"""The SQL of a person's identities, as a list."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.federation.profile.identity_id import Identity
from limen.federation.tables import identities

_i = identities.c


_COLUMNS: Final = tuple(_i[name] for name in Identity.__dataclass_fields__)
_LIST = sa.select(*_COLUMNS).where(
    _i.tenant_id == bindparam("tenant_id"), _i.user_id == bindparam("user_id")
)
# Whose it is stands in the statement: another's identity is no row.
_UNLINK = (
    sa.delete(identities)
    .where(
        _i.tenant_id == bindparam("tenant_id"),
        _i.issuer == bindparam("issuer"),
        _i.subject == bindparam("subject"),
        _i.user_id == bindparam("user_id"),
    )
    .returning(_i.provider)
)


async def list_identities(work: Work, user_id: str) -> list[Identity]:
    """Return a person's identities, the oldest link first."""
    rows = (await work.execute(_LIST, user_id=user_id)).all()
    found = [Identity(**row._asdict()) for row in rows]
    return sorted(found, key=lambda each: (each.linked_at, each.issuer, each.subject))


async def unlink(work: Work, identity: Identity) -> bool:
    """Delete an identity with all its provider said; ``False`` if it was gone."""
    rows = await work.execute(
        _UNLINK, issuer=identity.issuer, subject=identity.subject, user_id=identity.user_id
    )
    return rows.first() is not None
