"""SQL of grants. Starting, using and ending one is a single statement each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.work import Work
from limen.tokens.grant import Grant, NewGrant
from limen.tokens.tables import grants, principals

_g = grants.c
_NOW = bindparam("now", type_=_g.started_at.type)
_OF_TENANT = _g.tenant_id == bindparam("tenant_id")

GRANT_COLUMNS: Final = (
    _g.id,
    _g.client_id,
    _g.user_id,
    _g.subject,
    _g.scope,
    _g.resources,
    _g.authenticated_at,
    _g.acr,
    _g.amr,
    _g.session_id,
    _g.bound_to,
    _g.requested_claims,
    _g.authorization_details,
    _g.started_at,
    _g.expires_at,
    _g.ended_at,
    _g.generation,
    _g.last_used_at,
)

_client = principals.alias("client")
_user = principals.alias("holder")


def _enabled(who: sa.FromClause, kind: str, *, id_: Any, since: Any) -> sa.ColumnElement[bool]:
    """Say in SQL that a principal may have tokens of something begun at ``since``."""
    return sa.exists().where(
        who.c.tenant_id == bindparam("tenant_id"),
        who.c.id == id_,
        who.c.kind == kind,
        who.c.disabled_at.is_(None),
        sa.or_(who.c.not_before.is_(None), who.c.not_before <= since),
    )


_ABSENT_AT_FIRST: Final = frozenset(
    {
        "ended_at",
        "end_reason",
        "previous_hash",
        "grace_until",
        "sealed_successor",
        "last_used_at",
    }
)
_INSERTED: Final = tuple(each for each in grants.columns if each.name not in _ABSENT_AT_FIRST)
_PROVEN_AT = bindparam("authenticated_at", type_=_g.authenticated_at.type)
_ADD = (
    sa.insert(grants)
    .from_select(
        [column.name for column in _INSERTED],
        sa.select(
            *[sa.cast(bindparam(c.name, type_=c.type), c.type).label(c.name) for c in _INSERTED]
        ).where(
            _enabled(_client, "client", id_=bindparam("client_id"), since=_NOW),
            _enabled(_user, "user", id_=bindparam("user_id"), since=_PROVEN_AT),
        ),
    )
    .returning(_g.id)
)

_USABLE = (
    _OF_TENANT,
    _g.id == bindparam("grant_id"),
    _g.client_id == bindparam("by_client_id"),
    _g.bound_to == bindparam("by_bound_to"),
    _g.ended_at.is_(None),
    _g.expires_at > _NOW,
    _g.idle_until > _NOW,
    _enabled(_client, "client", id_=_g.client_id, since=_g.started_at),
    _enabled(_user, "user", id_=_g.user_id, since=_g.started_at),
)
_NEW_IDLE = sa.cast(bindparam("new_idle_until", type_=_g.idle_until.type), _g.idle_until.type)
# A grant bound to a session lives as long as the session; only offline ones can idle.
_IDLE = sa.case((_g.session_id.is_(None), _NEW_IDLE), else_=_g.idle_until)
_USED_AT = sa.cast(_NOW, _g.last_used_at.type)
_CURRENT = _g.refresh_hash == bindparam("presented_hash")
_ROTATE = (
    sa.update(grants)
    .where(*_USABLE, _CURRENT)
    .values(
        refresh_hash=bindparam("new_hash"),
        previous_hash=_g.refresh_hash,
        generation=_g.generation + 1,
        idle_until=_IDLE,
        grace_until=bindparam("new_grace_until"),
        sealed_successor=bindparam("new_successor"),
        openings=0,
        last_used_at=_USED_AT,
    )
    .returning(*GRANT_COLUMNS)
)
_KEEP = (
    sa.update(grants)
    .where(*_USABLE, _CURRENT)
    .values(
        idle_until=_IDLE,
        previous_hash=None,
        grace_until=None,
        sealed_successor=None,
        last_used_at=_USED_AT,
    )
    .returning(*GRANT_COLUMNS)
)
_OPEN_AGAIN = (
    sa.update(grants)
    .where(
        *_USABLE,
        _g.previous_hash == bindparam("presented_hash"),
        _g.grace_until > _NOW,
        _g.openings < bindparam("most_openings"),
    )
    .values(openings=_g.openings + 1, last_used_at=_USED_AT)
    .returning(*GRANT_COLUMNS, _g.sealed_successor, _g.openings)
)
_FIND = sa.select(*GRANT_COLUMNS).where(_OF_TENANT, _g.id == bindparam("grant_id"))
_FIND_FAMILY = sa.select(
    _g.client_id, _g.user_id, _g.generation, _g.previous_hash, _g.grace_until
).where(_OF_TENANT, _g.id == bindparam("grant_id"), _g.ended_at.is_(None))
_LIVE_OF_USER = (
    sa.select(*GRANT_COLUMNS)
    .where(
        _OF_TENANT,
        _g.user_id == bindparam("of_user_id"),
        _g.ended_at.is_(None),
        _g.expires_at > _NOW,
    )
    .order_by(_g.started_at, _g.id)
)

_USER_OF_SUBJECT = (
    sa.select(_g.user_id)
    .where(
        _OF_TENANT,
        _g.client_id == bindparam("of_client"),
        _g.subject == bindparam("of_subject"),
    )
    .limit(1)
)
_GOES_ON = sa.select(_g.id).where(
    _OF_TENANT,
    _g.user_id == bindparam("of_user_id"),
    _g.client_id == bindparam("of_client_id"),
    sa.or_(_g.session_id.is_(None), _g.session_id == bindparam("of_session_id")),
    _g.started_at < bindparam("begun_before", type_=_g.started_at.type),
    _g.ended_at.is_(None),
    _g.expires_at > _NOW,
)
_OF_WHOM = bindparam("of_user_id", type_=sa.Text)
_OF_WHICH = bindparam("of_client_id", type_=sa.Text)
_LIST = (
    sa.select(*GRANT_COLUMNS)
    .where(
        _OF_TENANT,
        _g.id > bindparam("after", type_=sa.Text),
        sa.or_(_OF_WHOM == "", _g.user_id == _OF_WHOM),
        sa.or_(_OF_WHICH == "", _g.client_id == _OF_WHICH),
        _g.ended_at.is_(None),
        _g.expires_at > _NOW,
    )
    .order_by(_g.id)
    .limit(bindparam("most", type_=sa.Integer))
)


def _ending(*where: sa.ColumnElement[bool]) -> sa.Update:
    return (
        sa.update(grants)  # built per call: at import alone, one for each kind of ending
        .where(_OF_TENANT, _g.ended_at.is_(None), *where)
        .values(
            ended_at=bindparam("new_ended_at"),
            end_reason=bindparam("new_end_reason"),
            grace_until=None,
            sealed_successor=None,
        )
    )


_END = _ending(_g.id == bindparam("grant_id")).returning(_g.client_id, _g.user_id)
_OF_USER = _g.user_id == bindparam("of_user_id")
_OF_CLIENT = _g.client_id == bindparam("of_client_id")
_END_OF = {
    "user": _ending(
        _OF_USER,
        sa.or_(
            sa.and_(_g.session_id.is_(None), bindparam("offline", type_=sa.Integer) == 1),
            _g.session_id != bindparam("keep_session"),
        ),
    ),
    "session": _ending(_g.session_id == bindparam("of_session_id")),
    "client": _ending(_OF_CLIENT),
    "consent": _ending(_OF_USER, _OF_CLIENT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Who presents which refresh token, and until when it may idle from now on."""

    grant_id: str
    presented_hash: bytes
    by_client_id: str
    by_bound_to: str
    now: dt.datetime
    new_idle_until: dt.datetime

    def params(self) -> dict[str, Any]:
        """Return the parameters the three statements share."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Family:
    """A live grant's refresh state, to tell a repetition from a theft."""

    client_id: str
    user_id: str
    generation: int
    previous_hash: bytes | None
    grace_until: dt.datetime | None


async def add_grant(
    work: Work,
    new: NewGrant,
    *,
    expires_at: dt.datetime,
    idle_until: dt.datetime,
    refresh_hash: bytes | None,
) -> bool:
    """Add a grant, unless its client or its user may not have one at this moment."""
    row = await take(
        work,
        _ADD,
        id=new.id,
        client_id=new.client_id,
        user_id=new.user_id,
        subject=new.subject,
        scope=list(new.scope),
        resources=list(new.resources),
        authenticated_at=new.authenticated_at,
        acr=new.acr,
        amr=list(new.amr),
        session_id=new.session_id,
        bound_to=new.bound_to,
        requested_claims=dict(new.requested_claims),
        authorization_details=list(new.authorization_details),
        started_at=work.now,
        now=work.now,
        expires_at=expires_at,
        idle_until=idle_until,
        refresh_hash=refresh_hash,
        generation=0,
        openings=0,
    )
    return row is not None


async def rotate_refresh(
    work: Work, use: Use, *, new_hash: bytes, grace_until: dt.datetime, successor: bytes
) -> Grant | None:
    """Replace the current refresh token; of any number who present it, one does."""
    row = await take(
        work,
        _ROTATE,
        **use.params(),
        new_hash=new_hash,
        new_grace_until=grace_until,
        new_successor=successor,
    )
    return None if row is None else as_grant(row)


async def redeem_kept(work: Work, use: Use) -> Grant | None:
    """Use the current refresh token and keep it; a successor's first use erases its copy."""
    row = await take(work, _KEEP, **use.params())
    return None if row is None else as_grant(row)


async def take_opening(work: Work, use: Use, *, most: int) -> tuple[Grant, bytes, int] | None:
    """Take one of the few openings that a rotated token has in its grace."""
    row = await take(work, _OPEN_AGAIN, **use.params(), most_openings=most)
    return None if row is None else (as_grant(row), row.sealed_successor, row.openings)


async def find_family(work: Work, grant_id: str) -> Family | None:
    """Return the refresh state of a live grant."""
    row = (await work.execute(_FIND_FAMILY, grant_id=grant_id)).first()
    if row is None:
        return None
    return Family(row.client_id, row.user_id, row.generation, row.previous_hash, row.grace_until)


async def find_grant(work: Work, grant_id: str) -> Grant | None:
    """Return a grant, live or ended."""
    row = (await work.execute(_FIND, grant_id=grant_id)).first()
    return None if row is None else as_grant(row)


async def live_grants_of(work: Work, user_id: str) -> list[Grant]:
    """Return a user's live grants, oldest first."""
    rows = await work.execute(_LIVE_OF_USER, of_user_id=user_id, now=work.now)
    return [as_grant(row) for row in rows.all()]


async def find_user_of_subject(work: Work, *, client_id: str, subject: str) -> str | None:
    """Return the user of any grant of a client that names this subject."""
    rows = await work.execute(_USER_OF_SUBJECT, of_client=client_id, of_subject=subject)
    found: str | None = rows.scalar()
    return found


async def goes_on(
    work: Work, *, user_id: str, client_id: str, session_id: str, begun_before: dt.datetime
) -> bool:
    """Say whether a grant of then is live: an offline one, or one of the session."""
    rows = await work.execute(
        _GOES_ON,
        of_user_id=user_id,
        of_client_id=client_id,
        of_session_id=session_id,
        begun_before=begun_before,
        now=work.now,
    )
    return rows.first() is not None


async def list_grants(
    work: Work, *, user_id: str, client_id: str, after: str, most: int
) -> list[Grant]:
    """Return live grants by id; those of a user and of a client where these are named."""
    rows = await work.execute(
        _LIST, of_user_id=user_id, of_client_id=client_id, after=after, most=most, now=work.now
    )
    return [as_grant(row) for row in rows.all()]


async def end_grant(work: Work, grant_id: str, *, reason: str) -> tuple[str, str] | None:
    """End a live grant; return its client and its user."""
    row = await take(work, _END, grant_id=grant_id, new_ended_at=work.now, new_end_reason=reason)
    return None if row is None else (row.client_id, row.user_id)


async def end_grants(work: Work, of: str, *, reason: str, **which: Any) -> int:
    """End all live grants of a user, a session, a client or a consent; return how many."""
    statement = _END_OF[of]
    rows = await work.execute(statement, new_ended_at=work.now, new_end_reason=reason, **which)
    return rows.count


def as_grant(row: Row) -> Grant:
    """Turn ``GRANT_COLUMNS`` into a grant."""
    return Grant(
        id=row.id,
        client_id=row.client_id,
        user_id=row.user_id,
        subject=row.subject,
        scope=tuple(row.scope),
        resources=tuple(row.resources),
        authenticated_at=row.authenticated_at,
        acr=row.acr,
        amr=tuple(row.amr),
        session_id=row.session_id,
        bound_to=row.bound_to,
        requested_claims=row.requested_claims,
        authorization_details=tuple(row.authorization_details),
        started_at=row.started_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        generation=row.generation,
        last_used_at=row.last_used_at,
    )
