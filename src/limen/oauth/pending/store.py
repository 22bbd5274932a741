"""Requests that are approved elsewhere, in SQL."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.types import Moment, insert_or_nothing
from limen.db.work import Work
from limen.oauth.pending.model import MAX_MISMATCHES, Approval, DecoupledRequest
from limen.oauth.pending.tables import decoupled_requests
from limen.sessions.listing import end_of_live, hold_live

KEPT: Final = dt.timedelta(hours=1)
"""Beyond its time, so that who polls late hears ``expired_token``."""

SLOW_DOWN_SECONDS: Final = 5


class Fetched(NamedTuple):
    """An approval that a client came for, when it was given."""

    user_id: str
    client_id: str
    decided_at: dt.datetime


_t = decoupled_requests.c
_NOW: Final = bindparam("now", type_=Moment())
_MINE: Final = _t.tenant_id == bindparam("tenant_id")
_THIS: Final = (_MINE, _t.id == bindparam("request"))
_WAITING: Final = (
    _t.status == "pending",
    _t.expires_at > _NOW,
    _t.mismatches < MAX_MISMATCHES,
)
_COLUMNS: Final = (*_t, end_of_live(_t.session_id).label("session_ends_at"))

_ADD: Final = insert_or_nothing(
    decoupled_requests, conflict=("tenant_id", "user_code_hash"), returning=(_t.id,)
)
_BY_HASH: Final = sa.select(*_COLUMNS).where(_MINE, _t.request_hash == bindparam("hash"))
_BY_ID: Final = sa.select(*_COLUMNS).where(*_THIS)
_BY_CODE: Final = sa.select(*_COLUMNS).where(_MINE, _t.user_code_hash == bindparam("code"))
_WAITING_FOR: Final = (
    sa.select(*_COLUMNS)
    .where(_MINE, _t.user_id == bindparam("user"), _t.kind == "ciba", *_WAITING)
    .order_by(_t.created_at, _t.id)
)
_COUNT_WAITING: Final = sa.select(sa.func.count()).where(
    _MINE,
    _t.user_id == bindparam("user"),
    _t.client_id == bindparam("client"),
    _t.kind == "ciba",
    *_WAITING,
)
_OPEN: Final = (
    sa.update(decoupled_requests)
    .where(*_THIS, *_WAITING, _t.kind == "device")
    .values(opened_by=bindparam("new_opened_by"))
)
_MISMATCH: Final = (
    sa.update(decoupled_requests)
    .where(*_THIS, *_WAITING)
    .values(mismatches=_t.mismatches + 1)
    .returning(_t.id)
)
# Who may answer is asked once more where the answer is written: a device's request is answered
# by the session that typed its code, a server's by the person it is for.
_ANSWERABLE: Final = (
    *_THIS,
    *_WAITING,
    sa.or_(
        sa.and_(_t.kind == "ciba", _t.user_id == bindparam("user")),
        sa.and_(_t.kind == "device", _t.opened_by == bindparam("session")),
    ),
)
_APPROVE: Final = (
    sa.update(decoupled_requests)
    .where(*_ANSWERABLE)
    .values(
        status="approved",
        user_id=bindparam("new_user_id"),
        session_id=bindparam("new_session_id"),
        scope=bindparam("new_scope"),
        authenticated_at=bindparam("new_authenticated_at"),
        acr=bindparam("new_acr"),
        amr=bindparam("new_amr"),
        decided_at=_NOW,
    )
    .returning(_t.id)
)
_DENY: Final = (
    sa.update(decoupled_requests)
    .where(*_ANSWERABLE)
    .values(status="denied", decided_at=_NOW)
    .returning(_t.id)
)
# What was approved and not fetched is a grant to come; it ends as grants do.
_UNFETCHED: Final = (_MINE, _t.status == "approved", _t.used_at.is_(None))
_OF_USER: Final = _t.user_id == bindparam("user")
_OF_CLIENT: Final = _t.client_id == bindparam("client")
_TAKE_BACK: Final = {
    (True, False): sa.update(decoupled_requests)
    .where(*_UNFETCHED, _OF_USER)
    .values(status="denied"),
    (False, True): sa.update(decoupled_requests)
    .where(*_UNFETCHED, _OF_CLIENT)
    .values(status="denied"),
    (True, True): sa.update(decoupled_requests)
    .where(*_UNFETCHED, _OF_USER, _OF_CLIENT)
    .values(status="denied"),
}
_OF_SESSION: Final = _t.session_id == bindparam("session")
_TAKE_BACK_OF_SESSION: Final = (
    sa.update(decoupled_requests).where(*_UNFETCHED, _OF_SESSION).values(status="denied")
)
_FETCHED_OF_SESSION: Final = sa.select(_t.user_id, _t.client_id, _t.decided_at).where(
    _MINE, _t.status == "approved", _t.used_at.is_not(None), _OF_SESSION
)
_POLLED: Final = (
    sa.update(decoupled_requests)
    .where(*_THIS)
    .values(polled_at=_NOW, interval_seconds=_t.interval_seconds + bindparam("more"))
)
_REDEEM: Final = (
    sa.update(decoupled_requests)
    .where(
        *_THIS,
        _t.client_id == bindparam("client"),
        _t.status == "approved",
        _t.used_at.is_(None),
        _t.expires_at > _NOW,
        # Who signed out meanwhile gets nothing more, unless they agreed to that (N038).
        sa.or_(
            _t.session_id.is_(None),
            bindparam("offline", type_=sa.Integer) == 1,
            hold_live(_t.session_id).is_not(None),
        ),
    )
    .values(used_at=_NOW)
    .returning(_t.id)
)
_SWEEP: Final = sa.delete(decoupled_requests).where(
    _MINE, _t.expires_at <= bindparam("at", type_=Moment())
)

_LISTS: Final = ("scope", "authorization_details", "acr_values", "amr")
_READ: Final = tuple(
    field.name for field in dataclasses.fields(DecoupledRequest) if field.name not in _LISTS
)


async def add_request(work: Work, request: DecoupledRequest) -> bool:
    """Insert a request; ``False`` if its user code is another's."""
    members: dict[str, Any] = {name: getattr(request, name) for name in _READ}
    del members["session_ends_at"]
    members |= {name: list(getattr(request, name)) for name in _LISTS}
    return (await work.execute(_ADD, **members)).first() is not None


async def find_by_hash(work: Work, request_hash: bytes) -> DecoupledRequest | None:
    """Return a request in whatever state it is."""
    return _request((await work.execute(_BY_HASH, hash=request_hash, now=work.now)).first())


async def find_by_id(work: Work, request_id: str) -> DecoupledRequest | None:
    """Return a request in whatever state it is."""
    return _request((await work.execute(_BY_ID, request=request_id, now=work.now)).first())


async def find_by_code(work: Work, user_code_hash: bytes) -> DecoupledRequest | None:
    """Return the request with a user code, in whatever state it is."""
    return _request((await work.execute(_BY_CODE, code=user_code_hash, now=work.now)).first())


async def waiting_for(work: Work, user_id: str) -> list[DecoupledRequest]:
    """Return what servers want this person to approve, oldest first."""
    rows = (await work.execute(_WAITING_FOR, user=user_id, now=work.now)).all()
    return [found for row in rows if (found := _request(row)) is not None]


async def count_waiting(work: Work, *, user_id: str, client_id: str) -> int:
    """Return how many requests of a client wait for a person."""
    rows = await work.execute(_COUNT_WAITING, user=user_id, client=client_id, now=work.now)
    return int(rows.scalar() or 0)


async def note_opened(work: Work, request_id: str, *, session_id: str) -> None:
    """Remember which session typed the code last."""
    await work.execute(_OPEN, request=request_id, new_opened_by=session_id, now=work.now)


async def count_mismatch(work: Work, request_id: str) -> bool:
    """Count a confirmation with another code; ``False`` if the request is over anyway."""
    return (await work.execute(_MISMATCH, request=request_id, now=work.now)).first() is not None


async def take_approval(work: Work, request_id: str, *, by: str, approval: Approval) -> bool:
    """Approve a request; of any number who answer, one does.

    Args:
        work: The transaction.
        request_id: Which.
        by: The session that answers.
        approval: What is written.
    """
    taken = await take(
        work,
        _APPROVE,
        request=request_id,
        user=approval.user_id,
        session=by,
        now=work.now,
        new_user_id=approval.user_id,
        new_session_id=approval.session_id,
        new_scope=list(approval.scope),
        new_authenticated_at=approval.authenticated_at,
        new_acr=approval.acr,
        new_amr=list(approval.amr),
    )
    return taken is not None


async def take_denial(work: Work, request_id: str, *, by: str, user_id: str) -> bool:
    """Deny a request; of any number who answer, one does."""
    taken = await take(work, _DENY, request=request_id, user=user_id, session=by, now=work.now)
    return taken is not None


async def take_back_approved(work: Work, *, user_id: str, client_id: str) -> None:
    """Deny what was approved and not redeemed: of a user, a client, or of one at the other."""
    named = {name: value for name, value in (("user", user_id), ("client", client_id)) if value}
    await work.execute(_TAKE_BACK[bool(user_id), bool(client_id)], **named)


async def take_back_of_session(work: Work, session_id: str) -> list[Fetched]:
    """Deny what a session approved and nobody redeemed; return what somebody did."""
    await work.execute(_TAKE_BACK_OF_SESSION, session=session_id)
    rows = (await work.execute(_FETCHED_OF_SESSION, session=session_id)).all()
    return [Fetched(row.user_id, row.client_id, row.decided_at) for row in rows]


async def note_poll(work: Work, request_id: str, *, too_early: bool) -> None:
    """Remember that a client asked; who came too early waits longer from now on."""
    more = SLOW_DOWN_SECONDS if too_early else 0
    await work.execute(_POLLED, request=request_id, now=work.now, more=more)


async def redeem_request(work: Work, request: DecoupledRequest) -> bool:
    """Mark an approved request used; ``True`` for one caller only."""
    taken = await take(
        work,
        _REDEEM,
        request=request.id,
        client=request.client_id,
        offline=int(request.offline),
        now=work.now,
    )
    return taken is not None


async def sweep_requests(work: Work) -> int:
    """Delete requests that nobody asks about any more."""
    return (await work.execute(_SWEEP, at=work.now - KEPT)).count


def _request(row: Row | None) -> DecoupledRequest | None:
    if row is None:
        return None
    members: dict[str, Any] = {name: getattr(row, name) for name in _READ}
    members |= {name: tuple(getattr(row, name)) for name in _LISTS}
    for name in ("request_hash", "user_code_hash", "sealed_notification"):
        members[name] = None if members[name] is None else bytes(members[name])
    return DecoupledRequest(**members)
