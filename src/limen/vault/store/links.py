"""The vault's SQL for links: connections begun without a browser."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.work import Work
from limen.vault.tables import connect_links

_l = connect_links.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_ADD_LINK = sa.insert(connect_links)
_FIND_LINK = sa.select(_l.provider, _l.wanted).where(
    _l.tenant_id == _TENANT,
    _l.token_hash == bindparam("token_hash"),
    _l.user_id == bindparam("user_id"),
    _l.provider == bindparam("provider"),
    _l.expires_at > bindparam("now", type_=_l.expires_at.type),
)
_TAKE_LINK = (
    sa.delete(connect_links)
    .where(
        _l.tenant_id == _TENANT,
        _l.token_hash == bindparam("token_hash"),
        _l.user_id == bindparam("user_id"),
        _l.provider == bindparam("provider"),
        _l.expires_at > bindparam("now", type_=_l.expires_at.type),
    )
    .returning(_l.provider, _l.wanted)
)
_SWEEP_LINKS = sa.delete(connect_links).where(
    _l.tenant_id == _TENANT, _l.expires_at <= bindparam("now", type_=_l.expires_at.type)
)


async def add_link(work: Work, **columns: Any) -> None:
    """Remember a connection begun without a browser."""
    await work.execute(_ADD_LINK, **columns)


async def find_link(
    work: Work, *, token_hash: bytes, user_id: str, provider: str
) -> dict[str, Any] | None:
    """Return what a link asks for, if it is this user's."""
    row = (
        await work.execute(
            _FIND_LINK, token_hash=token_hash, user_id=user_id, provider=provider, now=work.now
        )
    ).first()
    return None if row is None else dict(row.wanted)


async def take_link(
    work: Work, *, token_hash: bytes, user_id: str, provider: str
) -> dict[str, Any] | None:
    """Consume a link, once, for the user it was made for."""
    row = await take(
        work,
        _TAKE_LINK,
        token_hash=token_hash,
        user_id=user_id,
        provider=provider,
        now=work.now,
    )
    return None if row is None else dict(row.wanted)


async def sweep_links(work: Work) -> int:
    """Forget links nobody followed."""
    return (await work.execute(_SWEEP_LINKS, now=work.now)).count
