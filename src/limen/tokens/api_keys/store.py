"""The SQL of API keys."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.tokens.api_keys.model import ApiKey
from limen.tokens.tables import api_keys, principals

_k, _p = api_keys.c, principals.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")
_NOW = bindparam("now", type_=_k.expires_at.type)
_THIS = (_k.tenant_id == _TENANT, _k.id == bindparam("id"))
_LIVES = (_k.revoked_at.is_(None), _k.expires_at > _NOW)
_OF_SOMEBODY = api_keys.join(principals, sa.and_(_p.tenant_id == _TENANT, _p.id == _k.principal_id))
_SHOWN = (
    _k.id,
    _k.principal_id,
    _p.kind,
    _k.name,
    _k.scope,
    _k.audience,
    _k.generation,
    _k.created_at,
    _k.issued_at,
    _k.expires_at,
    _k.last_used_at,
    _k.previous_until,
)
_HASH = bindparam("key_hash", type_=_k.key_hash.type)
_now_shown, _once_shown = api_keys.alias("now_shown"), api_keys.alias("once_shown")
_n, _o = _now_shown.c, _once_shown.c
_PRESENT = sa.select(_n.id).where(_n.tenant_id == _TENANT, _n.key_hash == _HASH)
_PREVIOUS = sa.select(_o.id).where(_o.tenant_id == _TENANT, _o.previous_hash == _HASH)
_OWNER_MAY = (
    _p.disabled_at.is_(None),
    sa.or_(_p.expires_at.is_(None), _p.expires_at > _NOW),
    sa.or_(_p.not_before.is_(None), _p.not_before <= _k.issued_at),
)

_ADD: Final = insert_or_nothing(api_keys, conflict=("tenant_id", "id"), returning=(_k.id,))
_LOOK_UP: Final = (
    sa.select(
        *_SHOWN,
        (_k.key_hash != _HASH).label("is_previous"),
        _p.expires_at.label("owner_until"),
    )
    .select_from(_OF_SOMEBODY)
    .where(
        _k.tenant_id == _TENANT,
        _k.id.in_(sa.union_all(_PRESENT, _PREVIOUS.where(_o.previous_until > _NOW))),
        *_LIVES,
        *_OWNER_MAY,
        _k.suspended_at.is_(None),
    )
)
_FIND: Final = sa.select(*_SHOWN).select_from(_OF_SOMEBODY).where(*_THIS, *_LIVES)
_FIND_BY_HASH: Final = (
    sa.select(*_SHOWN)
    .select_from(_OF_SOMEBODY)
    .where(_k.tenant_id == _TENANT, _k.id.in_(sa.union_all(_PRESENT, _PREVIOUS)), *_LIVES)
)
_PAGE = (
    sa.select(*_SHOWN)
    .select_from(_OF_SOMEBODY)
    .where(_k.tenant_id == _TENANT, _k.id > bindparam("after"), *_LIVES)
    .order_by(_k.id)
    .limit(bindparam("most", type_=sa.Integer))
)
_LIST: Final = _PAGE
_LIST_OF: Final = _PAGE.where(_k.principal_id == bindparam("principal_id"))
_LIST_FOR: Final = _PAGE.where(_k.audience == bindparam("audience"))
_COUNT: Final = sa.select(sa.func.count()).where(
    _k.tenant_id == _TENANT, _k.principal_id == bindparam("principal_id"), *_LIVES
)
_ROTATE: Final = (
    sa.update(api_keys)
    .where(*_THIS, *_LIVES, _k.generation == bindparam("seen_generation"))
    .values(
        previous_hash=_k.key_hash,
        previous_until=bindparam("new_previous_until"),
        key_hash=bindparam("new_key_hash"),
        generation=_k.generation + 1,
        issued_at=_NOW,
        expires_at=bindparam("new_expires_at"),
    )
    .returning(_k.id)
)
_SET_SCOPE: Final = sa.update(api_keys).where(*_THIS).values(scope=bindparam("new_scope"))
_SUSPEND: Final = (  # scans: an API is seldom disabled
    sa.update(api_keys)
    .where(_k.tenant_id == _TENANT, _k.audience == bindparam("of_audience"), *_LIVES)
    .values(suspended_at=bindparam("new_suspended_at"))
)
_REVOKE: Final = sa.update(api_keys).where(*_THIS, *_LIVES).values(revoked_at=_NOW).returning(_k.id)
_REVOKE_ALL: Final = (
    sa.update(api_keys)
    .where(_k.tenant_id == _TENANT, _k.principal_id == bindparam("of_principal_id"), *_LIVES)
    .values(revoked_at=_NOW)
)
_USED: Final = (
    sa.update(api_keys)
    .where(
        *_THIS,
        sa.or_(_k.last_used_at.is_(None), _k.last_used_at < bindparam("used_at", type_=_NOW.type)),
    )
    .values(last_used_at=bindparam("used_at", type_=_NOW.type))
)
_SWEEP: Final = sa.delete(api_keys).where(  # tenant: all, what ended long ago
    _k.expires_at <= bindparam("long_ago", type_=_NOW.type)
)


async def add_key(work: Work, values: Mapping[str, Any]) -> None:
    """Insert a key."""
    await work.execute(_ADD, **values)


async def look_up_key(work: Work, key_hash: bytes) -> ApiKey | None:
    """Return a key that is good now, with the end that comes first as its end.

    That is its own, its owner's, or, of the one before the last rotation, the overlap's.
    """
    row = (await work.execute(_LOOK_UP, key_hash=key_hash, now=work.now)).first()
    if row is None:
        return None
    ends = [row.expires_at, row.owner_until, row.previous_until if row.is_previous else None]
    until = min(each for each in ends if each is not None)
    return dataclasses.replace(_key(row), expires_at=until)


async def find_key(work: Work, key_id: str) -> ApiKey | None:
    """Return a key that has not ended."""
    row = (await work.execute(_FIND, id=key_id, now=work.now)).first()
    return None if row is None else _key(row)


async def find_key_by_hash(work: Work, key_hash: bytes) -> ApiKey | None:
    """Return a key that has not ended, whoever its owner is by now."""
    row = (await work.execute(_FIND_BY_HASH, key_hash=key_hash, now=work.now)).first()
    return None if row is None else _key(row)


async def list_keys(work: Work, *, principal_id: str, after: str, most: int) -> list[ApiKey]:
    """Return keys that have not ended, oldest first; of everybody where nobody is named."""
    if principal_id:
        rows = await work.execute(
            _LIST_OF, principal_id=principal_id, after=after, most=most, now=work.now
        )
    else:
        rows = await work.execute(_LIST, after=after, most=most, now=work.now)
    return [_key(row) for row in rows.all()]


async def list_keys_for(work: Work, audience: str, *, after: str, most: int) -> list[ApiKey]:
    """Return keys for an API that have not ended."""
    rows = await work.execute(_LIST_FOR, audience=audience, after=after, most=most, now=work.now)
    return [_key(row) for row in rows.all()]


async def count_keys(work: Work, principal_id: str) -> int:
    """Say how many keys of somebody's have not ended."""
    found = (await work.execute(_COUNT, principal_id=principal_id, now=work.now)).scalar()
    return int(found or 0)


async def rotate_key(
    work: Work,
    key_id: str,
    *,
    generation: int,
    key_hash: bytes,
    previous_until: dt.datetime,
    expires_at: dt.datetime,
) -> bool:
    """Replace a key of this generation; of any number of callers one does."""
    rows = await work.execute(
        _ROTATE,
        id=key_id,
        seen_generation=generation,
        new_key_hash=key_hash,
        new_previous_until=previous_until,
        new_expires_at=expires_at,
        now=work.now,
    )
    return rows.first() is not None


async def set_scope(work: Work, key_id: str, scope: tuple[str, ...]) -> None:
    """Replace what a key allows."""
    await work.execute(_SET_SCOPE, id=key_id, new_scope=list(scope))


async def suspend_keys_for(work: Work, audience: str, *, at: dt.datetime | None) -> None:
    """Have the keys for an API open nothing, or with ``None`` be good again."""
    await work.execute(_SUSPEND, of_audience=audience, new_suspended_at=at, now=work.now)


async def revoke_key(work: Work, key_id: str) -> bool:
    """End a key; false when it had ended."""
    return (await work.execute(_REVOKE, id=key_id, now=work.now)).first() is not None


async def revoke_keys_of(work: Work, principal_id: str) -> int:
    """End all keys of somebody's; return how many that were."""
    return (await work.execute(_REVOKE_ALL, of_principal_id=principal_id, now=work.now)).count


async def note_uses(work: Work, uses: Mapping[str, dt.datetime]) -> None:
    """Write down when keys were last used; in one order, so that no two processes deadlock."""
    rows = [{"id": key_id, "used_at": uses[key_id]} for key_id in sorted(uses)]
    await work.execute_many(_USED, rows)


async def sweep(work: Work, *, long_ago: dt.datetime) -> int:
    """Delete what ended long ago, of all tenants; return how many."""
    return (await work.execute(_SWEEP, long_ago=long_ago)).count


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row.id,
        principal_id=row.principal_id,
        kind=row.kind,
        name=row.name,
        scope=tuple(row.scope),
        audience=row.audience,
        generation=row.generation,
        created_at=row.created_at,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        previous_until=row.previous_until,
    )
