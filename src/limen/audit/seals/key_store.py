"""The SQL of the keys that sign seals. Uniqueness is the index's: one active key a tenant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.audit.seals.seal_store import as_bytes
from limen.audit.seals.tables import audit_keys
from limen.db.types import insert_or_nothing
from limen.db.work import Work

_keys = audit_keys.c
_OF_TENANT = _keys.tenant_id == bindparam("tenant_id")
_COLUMNS = (_keys.id, _keys.public_jwk, _keys.mac, _keys.sealed_private, _keys.created_at)
# scans: a tenant has one such key for each year
_ALL = sa.select(*_COLUMNS).where(_OF_TENANT).order_by(_keys.created_at, _keys.id)
# scans: the index has one row for a tenant
_ACTIVE = sa.select(*_COLUMNS).where(_OF_TENANT, _keys.state == "active")
# The unique index is partial, so the conflict has no column list to name it by.
_ADD = insert_or_nothing(audit_keys, conflict=None)
_RETIRE = (
    sa.update(audit_keys)
    .where(_OF_TENANT, _keys.id == bindparam("kid"), _keys.state == "active")
    .values(state="retired", sealed_private=None)
    .returning(_keys.id)
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it lies in the table: nothing of it is believed yet."""

    kid: str
    public_jwk: dict[str, Any]
    mac: bytes
    sealed_private: bytes | None
    created_at: dt.datetime


async def list_keys(work: Work) -> list[StoredKey]:
    """Return every key the tenant ever had, oldest first."""
    return [_made(row) for row in (await work.execute(_ALL)).all()]


async def find_active(work: Work) -> StoredKey | None:
    """Return the key that signs."""
    row = (await work.execute(_ACTIVE)).first()
    return None if row is None else _made(row)


async def add_key(work: Work, key: StoredKey) -> None:
    """Add an active key, unless there is one."""
    await work.execute(
        _ADD,
        id=key.kid,
        state="active",
        public_jwk=key.public_jwk,
        mac=key.mac,
        sealed_private=key.sealed_private,
        created_at=key.created_at,
    )


async def take_active(work: Work, kid: str) -> bool:
    """Retire a key and erase its private half; false when it was retired already."""
    return (await work.execute(_RETIRE, kid=kid)).first() is not None


def _made(row: Any) -> StoredKey:
    private = None if row.sealed_private is None else as_bytes(row.sealed_private)
    return StoredKey(row.id, row.public_jwk, as_bytes(row.mac), private, row.created_at)
