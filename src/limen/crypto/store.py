"""SQL of sealing keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.crypto.tables import sealing_canaries, sealing_keys
from limen.db.types import insert_or_nothing
from limen.db.work import Work

_keys = sealing_keys.c
_columns = (_keys.id, _keys.name, _keys.wrapped, _keys.wrapped_by)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it lies in the table."""

    tenant_id: str
    id: str
    name: str
    wrapped: bytes
    wrapped_by: str

    @property
    def context(self) -> bytes:
        """What its wrapping is bound to: a wrapped key moved to another tenant is no key."""
        return b"\0".join(
            part.encode("utf-8") for part in ("limen data key", self.tenant_id, self.id, self.name)
        )


_ACTIVE = sa.select(*_columns).where(
    _keys.tenant_id == bindparam("tenant_id"),
    _keys.name == bindparam("key_name"),
    _keys.state == "active",
)
_BY_ID = sa.select(*_columns).where(
    _keys.tenant_id == bindparam("tenant_id"), _keys.id == bindparam("key_id")
)
# The unique index is partial, so the conflict has no column list to name it by.
_ADD = insert_or_nothing(sealing_keys, conflict=None)
_SHRED = sa.delete(sealing_keys).where(
    _keys.tenant_id == bindparam("tenant_id"), _keys.name == bindparam("key_name")
)
# tenant: all, one key-encryption key serves the whole installation
# scans: the index alone, once at start
_WRAPPED_BY = sa.select(_keys.wrapped_by).distinct()
# tenant: all, one key-encryption key serves the whole installation
# scans: the primary key from where the last batch ended, so each row is read once
_WRAPPED_BY_OTHERS = (
    sa.select(_keys.tenant_id, *_columns)
    .where(
        sa.tuple_(_keys.tenant_id, _keys.id)
        > sa.tuple_(bindparam("after_tenant_id"), bindparam("after_id")),
        _keys.wrapped_by != bindparam("current"),
    )
    .order_by(_keys.tenant_id, _keys.id)
    .limit(bindparam("batch", type_=sa.Integer))
)
_REWRAP = (
    sa.update(sealing_keys)
    .where(
        _keys.tenant_id == bindparam("row_tenant_id"),
        _keys.id == bindparam("key_id"),
        _keys.wrapped_by == bindparam("old_wrapped_by"),
    )
    .values(wrapped=bindparam("new_wrapped"), wrapped_by=bindparam("new_wrapped_by"))
)
_canaries = sealing_canaries.c
_CANARY = sa.select(_canaries.wrapped).where(
    _canaries.tenant_id == bindparam("tenant_id"), _canaries.id == bindparam("key_id")
)
_ADD_CANARY = insert_or_nothing(sealing_canaries, conflict=("tenant_id", "id"))
# scans: there is one canary for each key-encryption key
_FORGET_CANARIES = sa.delete(sealing_canaries).where(
    _canaries.tenant_id == bindparam("tenant_id"), _canaries.id != bindparam("current")
)


async def find_active(work: Work, name: str) -> WrappedKey | None:
    """Return the data key in use under that name."""
    row = (await work.execute(_ACTIVE, key_name=name)).first()
    if row is None:
        return None
    return WrappedKey(work.tenant_id, row.id, row.name, row.wrapped, row.wrapped_by)


async def find_all_active(work: Work, names: Iterable[str]) -> list[WrappedKey]:
    """Return the data keys in use under these names, those that there are."""
    rows = await work.fetch_each(_ACTIVE, [{"key_name": name} for name in names])
    return [WrappedKey(work.tenant_id, r.id, r.name, r.wrapped, r.wrapped_by) for r in rows]


async def find_key(work: Work, key_id: str) -> WrappedKey | None:
    """Return a data key, in use or retired."""
    row = (await work.execute(_BY_ID, key_id=key_id)).first()
    if row is None:
        return None
    return WrappedKey(work.tenant_id, row.id, row.name, row.wrapped, row.wrapped_by)


async def add_key(work: Work, key: WrappedKey) -> None:
    """Add an active key; nothing happens when its name has one already."""
    await work.execute(
        _ADD,
        id=key.id,
        name=key.name,
        state="active",
        wrapped=key.wrapped,
        wrapped_by=key.wrapped_by,
        created_at=work.now,
    )


async def shred_keys(work: Work, name: str) -> None:
    """Delete every data key of that name; what they sealed is noise from then on."""
    await work.execute(_SHRED, key_name=name)


async def wrapped_by(work: Work) -> frozenset[str]:
    """Return the ids of all key-encryption keys that wrap anything."""
    return frozenset(row[0] for row in (await work.execute(_WRAPPED_BY)).all())


async def wrapped_by_others(
    work: Work, *, current: str, batch: int, after: tuple[str, str] = ("", "")
) -> list[WrappedKey]:
    """Return the next data keys, by tenant and id, that another key-encryption key wraps."""
    rows = await work.execute(
        _WRAPPED_BY_OTHERS,
        current=current,
        batch=batch,
        after_tenant_id=after[0],
        after_id=after[1],
    )
    return [WrappedKey(r.tenant_id, r.id, r.name, r.wrapped, r.wrapped_by) for r in rows.all()]


async def rewrap_key(work: Work, old: WrappedKey, *, wrapped: bytes, by: str) -> None:
    """Replace the wrapping, if it is still the one that was read."""
    await work.execute(
        _REWRAP,
        row_tenant_id=old.tenant_id,
        key_id=old.id,
        old_wrapped_by=old.wrapped_by,
        new_wrapped=wrapped,
        new_wrapped_by=by,
    )


async def find_canary(work: Work, key_id: str) -> bytes | None:
    """Return the canary of a key-encryption key."""
    found: bytes | None = (await work.execute(_CANARY, key_id=key_id)).scalar()
    return found


async def add_canary(work: Work, key_id: str, wrapped: bytes) -> None:
    """Keep a canary, unless there is one."""
    await work.execute(_ADD_CANARY, id=key_id, wrapped=wrapped)


async def forget_canaries(work: Work, *, current: str) -> None:
    """Delete the canaries of all key-encryption keys but the current one."""
    await work.execute(_FORGET_CANARIES, current=current)
