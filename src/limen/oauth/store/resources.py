"""Resources in SQL."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.oauth.model import Resource
from limen.oauth.tables import resources

_CHANGEABLE: Final = tuple(
    column
    for column in resources.c
    if column.name not in {"tenant_id", "identifier", "created_at", "disabled_at"}
)
_FIND: Final = sa.select(*resources.c).where(
    resources.c.tenant_id == bindparam("tenant_id"), resources.c.identifier == bindparam("id")
)
# scans: a tenant has some tens of resources, and the answer is kept for minutes
_DETAIL_TYPES: Final = sa.select(resources.c.authorization_details_types).where(
    resources.c.tenant_id == bindparam("tenant_id"), resources.c.disabled_at.is_(None)
)
# scans: as above, for operators alone
_LONGEST: Final = sa.select(sa.func.max(resources.c.access_token_seconds).label("seconds")).where(
    resources.c.tenant_id == bindparam("tenant_id")
)
_LOCK: Final = _FIND.with_for_update()
_WRITE: Final = (
    sa.update(resources)
    .where(
        resources.c.tenant_id == bindparam("tenant_id"), resources.c.identifier == bindparam("id")
    )
    .values({column: bindparam(f"new_{column.name}", type_=column.type) for column in _CHANGEABLE})
)
_LIST: Final = (
    sa.select(*resources.c)
    .where(
        resources.c.tenant_id == bindparam("tenant_id"),
        resources.c.identifier > bindparam("after"),
    )
    .order_by(resources.c.identifier)
    .limit(bindparam("most", type_=sa.Integer))
)
_ADD: Final = insert_or_nothing(
    resources, conflict=("tenant_id", "identifier"), returning=(resources.c.identifier,)
)
_SET_DISABLED: Final = (
    sa.update(resources)
    .where(
        resources.c.tenant_id == bindparam("tenant_id"), resources.c.identifier == bindparam("id")
    )
    .values(
        disabled_at=bindparam("new_disabled_at"),
        version=resources.c.version + 1,
        updated_at=bindparam("new_updated_at"),
    )
    .returning(resources.c.version)
)


async def find_resource(work: Work, identifier: str) -> Resource | None:
    """Return the resource with that canonical identifier, disabled or not."""
    row = (await work.execute(_FIND, id=identifier)).first()
    return None if row is None else _resource(row)


async def list_resources(work: Work, *, after: str, most: int) -> list[Resource]:
    """Return resources by identifier."""
    return [_resource(row) for row in (await work.execute(_LIST, after=after, most=most)).all()]


async def find_longest_ttl(work: Work) -> dt.timedelta:
    """Return the longest that any resource lets its access tokens live; zero if none says."""
    row = (await work.execute(_LONGEST)).one()
    return dt.timedelta(seconds=row.seconds or 0)


async def find_detail_types(work: Work, _name: str) -> tuple[str, ...]:
    """Return every type of ``authorization_details`` that an active resource declares."""
    rows = (await work.execute(_DETAIL_TYPES)).all()
    return tuple(sorted({name for row in rows for name in row.authorization_details_types}))


async def lock_resource(work: Work, identifier: str) -> Resource | None:
    """Return a resource that nobody else changes before this transaction ends."""
    row = (await work.execute(_LOCK, id=identifier)).first()
    return None if row is None else _resource(row)


async def add_resource(work: Work, resource: Resource) -> bool:
    """Insert a resource; ``False`` if its identifier is taken."""
    added = await work.execute(
        _ADD,
        identifier=resource.identifier,
        created_at=work.now,
        disabled_at=None,
        **_values(work, resource),
    )
    return added.first() is not None


async def write_resource(work: Work, resource: Resource) -> None:
    """Write a resource over what it was."""
    values = {f"new_{name}": value for name, value in _values(work, resource).items()}
    await work.execute(_WRITE, id=resource.identifier, **values)


async def set_disabled(work: Work, identifier: str, *, at: dt.datetime | None) -> bool:
    """Disable a resource, or enable it with ``None``; ``False`` if it is unknown."""
    changed = await work.execute(
        _SET_DISABLED, id=identifier, new_disabled_at=at, new_updated_at=work.now
    )
    return changed.first() is not None


def _values(work: Work, resource: Resource) -> dict[str, Any]:
    ttl = resource.access_token_ttl
    return {
        "name": resource.name,
        "scopes": dict(resource.scopes),
        "default_scopes": list(resource.default_scopes),
        "token_format": resource.token_format,
        "access_token_seconds": None if ttl is None else int(ttl.total_seconds()),
        "signing_alg": resource.signing_alg,
        "claims": dict(resource.claims),
        "sender_constrained": resource.sender_constrained,
        "authorization_details_types": dict(resource.authorization_details_types),
        "version": resource.version,
        "updated_at": work.now,
    }


def _resource(row: Row) -> Resource:
    seconds = row.access_token_seconds
    return Resource(
        identifier=row.identifier,
        name=row.name,
        scopes=row.scopes,
        default_scopes=tuple(row.default_scopes),
        token_format=row.token_format,
        access_token_ttl=None if seconds is None else dt.timedelta(seconds=seconds),
        signing_alg=row.signing_alg,
        claims=row.claims,
        sender_constrained=bool(row.sender_constrained),
        authorization_details_types=row.authorization_details_types,
        version=row.version,
        disabled_at=row.disabled_at,
    )
