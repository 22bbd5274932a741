"""The SQL of requests to share."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.work import Work
from limen.vault.asking.model import SharingRequest
from limen.vault.asking.tables import sharing_requests

_r = sharing_requests.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")
_IN_TIME: sa.ColumnElement[bool] = _r.expires_at > bindparam("now", type_=_r.expires_at.type)
_PENDING: sa.ColumnElement[bool] = _r.state == sa.literal_column("'pending'")
_ASKER = (
    _r.tenant_id == _TENANT,
    _r.client_id == bindparam("asking_client"),
    _r.asked_by == bindparam("asker"),
)
# Whose it is and that it is open stands in every statement of its person's: they hold the link,
# or are in the session that left from its page.
_OPEN = (
    _r.tenant_id == _TENANT,
    _r.id == bindparam("request_id"),
    sa.or_(_r.user_id.is_(None), _r.user_id == bindparam("person")),
    sa.or_(
        _r.link_hash == bindparam("presented_hash"), _r.browser_session == bindparam("session_id")
    ),
    _PENDING,
    _IN_TIME,
)
_COLUMNS = (
    _r.id,
    _r.client_id,
    _r.user_id,
    _r.provider,
    _r.features,
    _r.wanted_connection,
    _r.redirect_uri,
    _r.app_state,
    _r.state,
    _r.reason,
    _r.connection_id,
    _r.expires_at,
)

_ADD = sa.insert(sharing_requests)
_COUNT: Final = sa.select(sa.func.count()).where(*_ASKER, _PENDING, _IN_TIME)
_FIND = sa.select(*_COLUMNS).where(*_ASKER, _r.id == bindparam("request_id"))
_FIND_OPEN = sa.select(*_COLUMNS).where(*_OPEN)
_CLAIM = (
    sa.update(sharing_requests)
    .where(*_OPEN)
    .values(
        user_id=bindparam("new_user"),
        browser_session=bindparam("new_session"),
        expires_at=bindparam("new_expires_at"),
    )
    .returning(_r.id)
)
_COMPLETE = (
    sa.update(sharing_requests)
    .where(*_OPEN)
    .values(
        state="completed",
        user_id=bindparam("new_user"),
        connection_id=bindparam("new_connection"),
    )
    .returning(_r.id)
)
_REFUSE = (
    sa.update(sharing_requests)
    .where(*_OPEN)
    .values(state="refused", user_id=bindparam("new_user"), reason=bindparam("new_reason"))
    .returning(_r.id)
)
_SWEEP = sa.delete(sharing_requests).where(
    _r.tenant_id == _TENANT, _r.expires_at <= bindparam("before", type_=_r.expires_at.type)
)


async def add_request(work: Work, **columns: Any) -> None:
    """Insert a request; ``columns`` are the table's."""
    await work.execute(_ADD, created_at=work.now, state="pending", **columns)


async def count_pending(work: Work) -> int:
    """Return how many requests of the actor's nobody has answered yet."""
    rows = await work.execute(_COUNT, now=work.now, **_asker(work))
    return int(rows.scalar())


async def find_request(work: Work, request_id: str) -> SharingRequest | None:
    """Return a request, to whoever made it: the same principal through the same client."""
    rows = await work.execute(_FIND, request_id=request_id, **_asker(work))
    return _read(rows.first())


async def find_open(work: Work, request_id: str, *, link_hash: bytes) -> SharingRequest | None:
    """Return a request that the actor may answer now.

    Args:
        work: The person's.
        request_id: Which.
        link_hash: Of the link they came by; empty in the session that left from its page.
    """
    rows = await work.execute(_FIND_OPEN, **_open(work, request_id, link_hash))
    return _read(rows.first())


async def claim(work: Work, request_id: str, *, link_hash: bytes, expires_at: dt.datetime) -> bool:
    """Bind a request to the actor and their session, so that they come back to it there."""
    row = await take(
        work,
        _CLAIM,
        new_user=work.actor.id,
        new_session=work.actor.session_id,
        new_expires_at=expires_at,
        **_open(work, request_id, link_hash),
    )
    return row is not None


async def complete(work: Work, request_id: str, *, link_hash: bytes, connection_id: str) -> bool:
    """Take a request: its person said yes; once."""
    row = await take(
        work,
        _COMPLETE,
        new_user=work.actor.id,
        new_connection=connection_id,
        **_open(work, request_id, link_hash),
    )
    return row is not None


async def refuse(work: Work, request_id: str, *, link_hash: bytes, reason: str) -> bool:
    """Take a request: its person said no; once."""
    row = await take(
        work,
        _REFUSE,
        new_user=work.actor.id,
        new_reason=reason,
        **_open(work, request_id, link_hash),
    )
    return row is not None


async def sweep_requests(work: Work, *, before: dt.datetime) -> int:
    """Forget requests that are over."""
    return (await work.execute(_SWEEP, before=before)).count


def _asker(work: Work) -> dict[str, Any]:
    return {"asking_client": work.actor.client_id, "asker": work.actor.id}


def _open(work: Work, request_id: str, link_hash: bytes) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "person": work.actor.id,
        "presented_hash": link_hash,
        "session_id": work.actor.session_id,
        "now": work.now,
    }


def _read(row: Row | None) -> SharingRequest | None:
    if row is None:
        return None
    return SharingRequest(
        id=row.id,
        client_id=row.client_id,
        user_id=row.user_id or "",
        provider=row.provider,
        features=tuple(row.features),
        wanted_connection=row.wanted_connection,
        redirect_uri=row.redirect_uri,
        app_state=row.app_state,
        state=row.state,
        reason=row.reason or "",
        connection_id=row.connection_id or "",
        expires_at=row.expires_at,
    )
