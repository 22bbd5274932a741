"""The sessions' SQL."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.kernel.tokens import random_secret, token_hash
from limen.sessions.session import Session, SessionKind
from limen.sessions.tables import sessions

_COLUMNS: Final = (
    sessions.c.id,
    sessions.c.user_id,
    sessions.c.kind,
    sessions.c.amr,
    sessions.c.user_agent,
    sessions.c.started_at,
    sessions.c.authenticated_at,
    sessions.c.last_seen_at,
    sessions.c.idle_until,
    sessions.c.expires_at,
    sessions.c.ended_at,
)
_LIVE: Final = (
    sessions.c.tenant_id == bindparam("tenant_id"),
    sessions.c.ended_at.is_(None),
    sessions.c.idle_until > bindparam("now"),
    sessions.c.expires_at > bindparam("now"),
)
_THIS: Final = sessions.c.id == bindparam("session_id")


def end_of_live(session_id: sa.ColumnElement[str]) -> sa.ScalarSelect[dt.datetime]:
    """Say in SQL when a session ends at the latest; NULL for one that is over at ``now``."""
    return (
        sa.select(sessions.c.expires_at)  # built per call: at import alone
        .where(*_LIVE, sessions.c.id == session_id)
        .scalar_subquery()
    )


def hold_live(session_id: sa.ColumnElement[str]) -> sa.ScalarSelect[dt.datetime]:
    """As ``end_of_live``, and let nobody end the session before this transaction is over.

    For the statement that gives tokens for what a session agreed to: whoever ends the session
    meanwhile waits, sees what was given, and ends that too (N038).
    """
    return (
        sa.select(sessions.c.expires_at)  # built per call: at import alone
        .where(*_LIVE, sessions.c.id == session_id)
        .with_for_update(read=True)
        .scalar_subquery()
    )


_ADD = insert_or_nothing(sessions, conflict=("tenant_id", "token_hash"), returning=(sessions.c.id,))
_ADD_LAST = sa.insert(sessions)  # tenant: given as a value, by the Work
# A dead session gives up what it was found by, for the one that takes its place.
_FORGET_HASH = (
    sa.update(sessions)
    .where(sessions.c.tenant_id == bindparam("tenant_id"), _THIS)
    .values(token_hash=bindparam("new_token_hash"))
)
_BY_HASH = sa.select(*_COLUMNS).where(
    sessions.c.tenant_id == bindparam("tenant_id"),
    sessions.c.token_hash == bindparam("token_hash"),
)
_LIVE_BY_ID = sa.select(*_COLUMNS).where(*_LIVE, _THIS)
_LIVE_OF_USER = (
    sa.select(*_COLUMNS)
    .where(*_LIVE, sessions.c.user_id == bindparam("user_id"))
    .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
)
# Conditional: a touch must not bring back what ended meanwhile (N179), nor set time back.
_TOUCH = (
    sa.update(sessions)
    .where(*_LIVE, _THIS, sessions.c.last_seen_at < bindparam("now"))
    .values(last_seen_at=bindparam("now"), idle_until=bindparam("new_idle_until"))
)
_ELEVATE = (
    sa.update(sessions)
    .where(*_LIVE, _THIS)
    .values(
        authenticated_at=bindparam("new_authenticated_at"),
        last_seen_at=bindparam("now"),
        idle_until=bindparam("new_idle_until"),
        amr=bindparam("new_amr"),
        # A host's session is found by what the host says, which nothing replaces.
        token_hash=sa.func.coalesce(bindparam("new_token_hash"), sessions.c.token_hash),
    )
    .returning(*_COLUMNS)
)
_END = (
    sa.update(sessions)
    .where(
        sessions.c.tenant_id == bindparam("tenant_id"),
        _THIS,
        sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
    .returning(sessions.c.user_id)
)
_END_OF_USER = (
    sa.update(sessions)
    .where(
        sessions.c.tenant_id == bindparam("tenant_id"),
        sessions.c.user_id == bindparam("user_id"),
        sessions.c.id != bindparam("except_id"),
        sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
    .returning(sessions.c.id)
)
_SWEEP = sa.delete(sessions).where(
    sessions.c.tenant_id == bindparam("tenant_id"), sessions.c.expires_at < bindparam("before")
)


async def add_session(work: Work, session: Session, *, token_hash: bytes | None) -> bool:
    """Insert a session; ``False`` if one with that hash exists."""
    rows = await work.execute(_ADD, **_row(session, token_hash=token_hash))
    return rows.first() is not None


def add_session_last(work: Work, session: Session) -> None:
    """Insert a session without a cookie at the end of the Work, in which nothing looks for it."""
    work.add_last(_ADD_LAST, **_row(session, token_hash=None))


def _row(session: Session, *, token_hash: bytes | None) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "kind": session.kind,
        "token_hash": token_hash,
        "amr": list(session.amr),
        "user_agent": session.user_agent,
        "started_at": session.started_at,
        "authenticated_at": session.authenticated_at,
        "last_seen_at": session.last_seen_at,
        "idle_until": session.idle_until,
        "expires_at": session.expires_at,
        "ended_at": None,
    }


async def forget_hash(work: Work, session_id: str) -> None:
    """Let a dead session be found by its hash no more."""
    await work.execute(
        _FORGET_HASH, session_id=session_id, new_token_hash=token_hash(random_secret())
    )


async def find_by_hash(work: Work, token_hash: bytes) -> Session | None:
    """Return the session of a cookie, live or not."""
    return _session((await work.execute(_BY_HASH, token_hash=token_hash)).first())


async def find_live(work: Work, session_id: str) -> Session | None:
    """Return a live session."""
    rows = await work.execute(_LIVE_BY_ID, session_id=session_id, now=work.now)
    return _session(rows.first())


async def list_live(work: Work, user_id: str) -> list[Session]:
    """Return a person's live sessions, the last used first."""
    rows = await work.execute(_LIVE_OF_USER, user_id=user_id, now=work.now)
    return [_to_session(row) for row in rows.all()]


async def touch(work: Work, session_id: str, *, idle_until: dt.datetime) -> None:
    """Note that a session is in use, if it still is live."""
    await work.execute(_TOUCH, session_id=session_id, now=work.now, new_idle_until=idle_until)


async def rotate_session(
    work: Work,
    session_id: str,
    *,
    amr: tuple[str, ...],
    authenticated_at: dt.datetime,
    token_hash: bytes | None,
    idle_until: dt.datetime,
) -> Session | None:
    """Give a live session a new cookie and what it proved by now."""
    rows = await work.execute(
        _ELEVATE,
        session_id=session_id,
        now=work.now,
        new_authenticated_at=authenticated_at,
        new_idle_until=idle_until,
        new_amr=list(amr),
        new_token_hash=token_hash,
    )
    return _session(rows.first())


async def end_session(work: Work, session_id: str) -> str | None:
    """End a session once; return whose it was, or ``None`` if it had ended or never was."""
    row = (await work.execute(_END, session_id=session_id, now=work.now)).first()
    return None if row is None else str(row.user_id)


async def end_sessions_of(work: Work, user_id: str, *, except_id: str) -> list[str]:
    """End a person's sessions but one; return their ids."""
    rows = await work.execute(_END_OF_USER, user_id=user_id, except_id=except_id, now=work.now)
    return [str(row.id) for row in rows.all()]


async def sweep_sessions(work: Work, *, before: dt.datetime) -> int:
    """Delete sessions whose absolute end lies before a moment."""
    return (await work.execute(_SWEEP, before=before)).count


def _session(row: Row | None) -> Session | None:
    return None if row is None else _to_session(row)


def _to_session(row: Row) -> Session:
    members = row._asdict()
    members["amr"] = tuple(row.amr)
    members["kind"] = cast("SessionKind", row.kind)
    return Session(**members)
