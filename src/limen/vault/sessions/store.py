"""The SQL of connect sessions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.work import Work
from limen.vault.sessions.model import ConnectSession
from limen.vault.sessions.tables import connect_sessions

_s = connect_sessions.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")
_IN_TIME: sa.ColumnElement[bool] = _s.expires_at > bindparam("now", type_=_s.expires_at.type)
_THIS = (_s.tenant_id == _TENANT, _s.id == bindparam("session_id"))
# Whose it is stands in every statement: another's session, or another tenant's, is no row.
_MINE = (*_THIS, _s.user_id == bindparam("user_id"))
_HERE = (*_MINE, _s.browser_session == bindparam("browser_session"))
_COLUMNS = (
    _s.id,
    _s.user_id,
    _s.client_id,
    _s.provider,
    _s.wanted,
    _s.app_state,
    _s.challenge,
    _s.state,
    _s.reason,
    _s.connection_id,
    _s.expires_at,
    _s.sealed_answer,
)

_ADD = sa.insert(connect_sessions)
_COUNT_PENDING = sa.select(sa.func.count()).where(
    _s.tenant_id == _TENANT, _s.user_id == bindparam("user_id"), _s.state == "pending", _IN_TIME
)
_FIND = sa.select(*_COLUMNS).where(*_MINE, _s.client_id == bindparam("client_id"))
_FIND_HELD = sa.select(*_COLUMNS).where(*_HERE, _s.state == "held", _IN_TIME)
_FIND_STALE = sa.select(*_COLUMNS).where(*_THIS, _s.state == "held", sa.not_(_IN_TIME))
_LEAVE = (
    sa.update(connect_sessions)
    .where(*_MINE, _s.state == "pending", _IN_TIME)
    .values(
        state="left",
        browser_session=bindparam("new_browser_session"),
        state_hash=bindparam("new_state_hash"),
    )
    .returning(_s.id)
)
_HOLD = (
    sa.update(connect_sessions)
    .where(*_HERE, _s.state == "left")
    .values(
        state="held",
        sealed_answer=bindparam("new_sealed_answer"),
        expires_at=bindparam("new_expires_at"),
    )
    .returning(_s.id)
)
_COMPLETE = (
    sa.update(connect_sessions)
    .where(*_HERE, _s.state == "held", _IN_TIME)
    .values(
        state="completed",
        sealed_answer=None,
        connection_id=bindparam("new_connection_id"),
        code_hash=bindparam("new_code_hash"),
        code_until=bindparam("new_code_until"),
    )
    .returning(_s.id)
)
_REFUSED: dict[str, Any] = {
    "state": "refused",
    "sealed_answer": None,
    "reason": bindparam("new_reason"),
}
_REFUSE_HELD = (
    sa.update(connect_sessions)
    .where(*_THIS, _s.state == "held")
    .values(**_REFUSED)
    .returning(_s.id)
)
_REFUSE_UNOPENED = (
    sa.update(connect_sessions)
    .where(*_MINE, _s.state == "pending", _IN_TIME)
    .values(**_REFUSED)
    .returning(*_COLUMNS)
)
_REFUSE_RETURNED = (
    sa.update(connect_sessions)
    .where(
        _s.tenant_id == _TENANT,
        _s.state_hash == bindparam("left_with"),
        _s.user_id == bindparam("user_id"),
        _s.browser_session == bindparam("browser_session"),
        _s.state == "left",
    )
    .values(**_REFUSED)
    .returning(*_COLUMNS)
)
# One statement judges the code, whose it is, its time and the verifier behind it.
_REDEEM = (
    sa.update(connect_sessions)
    .where(
        *_MINE,
        _s.client_id == bindparam("client_id"),
        _s.state == "completed",
        _s.code_hash == bindparam("presented_hash"),
        _s.challenge == bindparam("proven_challenge"),
        _s.code_until > bindparam("now", type_=_s.code_until.type),
    )
    .values(code_hash=None, code_until=None)
    .returning(*_COLUMNS)
)
_SWEEP = sa.delete(connect_sessions).where(
    _s.tenant_id == _TENANT,
    _s.state != "held",
    _s.expires_at <= bindparam("before", type_=_s.expires_at.type),
)


async def add_session(work: Work, **columns: Any) -> None:
    """Insert a session; ``columns`` are the table's."""
    await work.execute(_ADD, created_at=work.now, state="pending", **columns)


async def count_pending(work: Work) -> int:
    """Return how many sessions of the actor's nobody has followed yet."""
    rows = await work.execute(_COUNT_PENDING, user_id=work.actor.id, now=work.now)
    return int(rows.scalar())


async def find_session(work: Work, session_id: str) -> ConnectSession | None:
    """Return a session, to whoever asked for it: the same person through the same client."""
    rows = await work.execute(
        _FIND, session_id=session_id, user_id=work.actor.id, client_id=work.actor.client_id
    )
    return _read(rows.first())


async def find_held(work: Work, session_id: str) -> ConnectSession | None:
    """Return what waits for the actor to confirm it, in the session that left for it."""
    rows = await work.execute(
        _FIND_HELD,
        session_id=session_id,
        user_id=work.actor.id,
        browser_session=work.actor.session_id,
        now=work.now,
    )
    return _read(rows.first())


async def find_stale(work: Work, session_id: str) -> ConnectSession | None:
    """Return what waited for too long."""
    rows = await work.execute(_FIND_STALE, session_id=session_id, now=work.now)
    return _read(rows.first())


async def leave(work: Work, session_id: str, *, state_hash: bytes) -> bool:
    """Note that the actor left for the provider, in this session of theirs; once."""
    row = await take(
        work,
        _LEAVE,
        session_id=session_id,
        user_id=work.actor.id,
        new_browser_session=work.actor.session_id,
        new_state_hash=state_hash,
        now=work.now,
    )
    return row is not None


async def hold(
    work: Work, session_id: str, *, sealed_answer: bytes, expires_at: dt.datetime
) -> bool:
    """Keep what came back to the browser that left, until it is confirmed."""
    row = await take(
        work,
        _HOLD,
        session_id=session_id,
        user_id=work.actor.id,
        browser_session=work.actor.session_id,
        new_sealed_answer=sealed_answer,
        new_expires_at=expires_at,
    )
    return row is not None


async def complete(
    work: Work,
    session_id: str,
    *,
    connection_id: str,
    code_hash: bytes | None,
    code_until: dt.datetime | None,
) -> bool:
    """Take what waited: it is confirmed; once."""
    row = await take(
        work,
        _COMPLETE,
        session_id=session_id,
        user_id=work.actor.id,
        browser_session=work.actor.session_id,
        new_connection_id=connection_id,
        new_code_hash=code_hash,
        new_code_until=code_until,
        now=work.now,
    )
    return row is not None


async def refuse_held(work: Work, session_id: str, *, reason: str) -> bool:
    """Take what waited: it is not to be; once."""
    row = await take(work, _REFUSE_HELD, session_id=session_id, new_reason=reason)
    return row is not None


async def refuse_unopened(work: Work, session_id: str, *, reason: str) -> ConnectSession | None:
    """End a session of the actor's before they left."""
    row = await take(
        work,
        _REFUSE_UNOPENED,
        session_id=session_id,
        user_id=work.actor.id,
        new_reason=reason,
        now=work.now,
    )
    return _read(row)


async def refuse_returned(work: Work, state_hash: bytes, *, reason: str) -> ConnectSession | None:
    """End the session whose journey ended badly, if it was the actor's."""
    row = await take(
        work,
        _REFUSE_RETURNED,
        left_with=state_hash,
        user_id=work.actor.id,
        browser_session=work.actor.session_id,
        new_reason=reason,
    )
    return _read(row)


async def redeem(
    work: Work, session_id: str, *, code_hash: bytes, challenge: str
) -> ConnectSession | None:
    """Take a completed session's code, once, for whoever asked for the session."""
    row = await take(
        work,
        _REDEEM,
        session_id=session_id,
        user_id=work.actor.id,
        client_id=work.actor.client_id,
        presented_hash=code_hash,
        proven_challenge=challenge,
        now=work.now,
    )
    return _read(row)


async def sweep_sessions(work: Work, *, before: dt.datetime) -> int:
    """Forget sessions that ended, or were never followed."""
    return (await work.execute(_SWEEP, before=before)).count


def _read(row: Row | None) -> ConnectSession | None:
    if row is None:
        return None
    return ConnectSession(
        id=row.id,
        user_id=row.user_id,
        client_id=row.client_id,
        provider=row.provider,
        wanted=row.wanted,
        app_state=row.app_state,
        challenge=row.challenge,
        state=row.state,
        reason=row.reason or "",
        connection_id=row.connection_id or "",
        expires_at=row.expires_at,
        sealed_answer=row.sealed_answer,
    )
