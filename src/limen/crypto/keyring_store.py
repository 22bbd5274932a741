"""SQL of signing keys. Uniqueness is the index's: one next and one active per algorithm."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.crypto.tables import keyrings, signing_keys
from limen.db.types import insert_or_nothing, upsert
from limen.db.work import Work
from limen.protocol.jwk import KeyAlgorithm

KeyState = Literal["next", "active", "retiring"]

_keys = signing_keys.c
_OF_TENANT = _keys.tenant_id == bindparam("tenant_id")
# scans: a tenant has a handful of signing keys
_ALL = (
    sa.select(
        _keys.id,
        _keys.alg,
        _keys.state,
        _keys.public_jwk,
        _keys.sealed_private,
        _keys.activated_at,
        keyrings.c.version,
    )
    .select_from(signing_keys.join(keyrings, keyrings.c.tenant_id == _keys.tenant_id))
    .where(_OF_TENANT)
    .order_by(_keys.created_at, _keys.id)
)
# The unique index is partial, so the conflict has no column list to name it by.
_ADD = insert_or_nothing(signing_keys, conflict=None, returning=(_keys.id,))
_RETIRE = (
    sa.update(signing_keys)
    .where(_OF_TENANT, _keys.id == bindparam("kid"), _keys.state == "active")
    .values(state="retiring", sealed_private=None, published_until=bindparam("new_published_until"))
    .returning(_keys.id)
)
# scans: a tenant has a handful of signing keys
_PROMOTE = (
    sa.update(signing_keys)
    .where(_OF_TENANT, _keys.alg == bindparam("of_alg"), _keys.state == "next")
    .values(state="active", activated_at=bindparam("new_activated_at"))
    .returning(_keys.id)
)
# scans: a tenant has a handful of signing keys
_REMOVE = (
    sa.delete(signing_keys)
    .where(_OF_TENANT, _keys.state == "retiring", _keys.published_until <= bindparam("now"))
    .returning(_keys.id, _keys.alg)
)
_BUMP = upsert(keyrings, conflict=("tenant_id",), changes={"version": keyrings.c.version + 1})
_VERSIONS = sa.select(keyrings.c.tenant_id, keyrings.c.version).where(
    keyrings.c.tenant_id.in_(bindparam("tenant_ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as it lies in the table."""

    kid: str
    alg: KeyAlgorithm
    state: KeyState
    public_jwk: dict[str, Any]
    sealed_private: bytes | None
    activated_at: dt.datetime | None = None


async def read_keys(work: Work) -> tuple[int, list[StoredKey]]:
    """Return the tenant's keys, oldest first, and the version they are of."""
    rows = (await work.execute(_ALL)).all()
    keys = [
        StoredKey(r.id, r.alg, r.state, r.public_jwk, r.sealed_private, r.activated_at)
        for r in rows
    ]
    return (rows[0].version if rows else 0), keys


async def add_key(work: Work, key: StoredKey) -> bool:
    """Add a key; false when another one has its place already."""
    rows = await work.execute(
        _ADD,
        id=key.kid,
        alg=key.alg,
        state=key.state,
        public_jwk=key.public_jwk,
        sealed_private=key.sealed_private,
        created_at=work.now,
        activated_at=work.now if key.state == "active" else None,
        published_until=None,
    )
    return rows.first() is not None


async def take_active(work: Work, kid: str, *, published_until: dt.datetime) -> bool:
    """Retire the active key, erasing its private half; false when it is active no longer."""
    rows = await work.execute(_RETIRE, kid=kid, new_published_until=published_until)
    return rows.first() is not None


async def promote_next(work: Work, alg: str) -> str | None:
    """Make the next key the active one and return its id."""
    row = (await work.execute(_PROMOTE, of_alg=alg, new_activated_at=work.now)).first()
    return None if row is None else str(row.id)


async def remove_retired(work: Work) -> list[tuple[str, str]]:
    """Delete retiring keys whose tokens have all expired; return their ids and algorithms."""
    rows = await work.execute(_REMOVE, now=work.now)
    return [(row.id, row.alg) for row in rows.all()]


async def bump(work: Work) -> None:
    """Count a change, so that every node's cache sees it."""
    await work.execute(_BUMP, version=1)


async def versions_of(work: Work, tenant_ids: list[str]) -> dict[str, int]:
    """Return the present version of several tenants' keyrings."""
    rows = await work.execute(_VERSIONS, tenant_ids=tenant_ids)
    return {row.tenant_id: row.version for row in rows.all()}
