"""SQL of principals, opaque access tokens and single revocations, and the look-ups.

A look-up is one statement and answers only for what is active: every condition stands in its
WHERE, so that none can be forgotten by a caller.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.tokens.grant import OwnToken
from limen.tokens.tables import access_tokens, grants, principals, revoked_tokens

EXCHANGED: Final = ".x."
"""In the ``jti`` of a token that another client exchanged for one of the grant."""

_TENANT: sa.BindParameter[str] = bindparam("tenant_id")
_p, _o, _g, _r = principals.c, access_tokens.c, grants.c, revoked_tokens.c
_THIS = (_p.tenant_id == _TENANT, _p.id == bindparam("principal_id"))
_PUT = insert_or_nothing(principals, conflict=("tenant_id", "id"), returning=(_p.id,))
_FIND = sa.select(_p.kind, _p.disabled_at, _p.expires_at).where(_p.tenant_id == _TENANT, _THIS[1])
_DISABLE = (
    sa.update(principals)
    .where(_p.tenant_id == _TENANT, _THIS[1])
    .values(disabled_at=bindparam("new_disabled_at"), not_before=bindparam("new_disabled_at"))
)
_SET_EXPIRY = (
    sa.update(principals)
    .where(_p.tenant_id == _TENANT, _THIS[1])
    .values(expires_at=bindparam("new_expires_at"))
)
_ENABLE = sa.update(principals).where(_p.tenant_id == _TENANT, _THIS[1]).values(disabled_at=None)
_SET_NOT_BEFORE = (
    sa.update(principals)
    .where(_p.tenant_id == _TENANT, _THIS[1])
    .values(not_before=bindparam("new_not_before"))
)
_MAY_BE_SPOKEN_FOR = sa.select(_p.id).where(
    _p.tenant_id == _TENANT,
    _p.id == bindparam("client_id"),
    _p.kind == "client",
    _p.disabled_at.is_(None),
    sa.or_(_p.not_before.is_(None), _p.not_before <= bindparam("since", type_=_p.not_before.type)),
    sa.or_(_p.expires_at.is_(None), _p.expires_at > bindparam("now", type_=_p.expires_at.type)),
)
_ADD_OPAQUE = sa.insert(access_tokens)  # tenant: given as a value, by the Work
_REVOKE = insert_or_nothing(revoked_tokens, conflict=("tenant_id", "jti"), returning=(_r.jti,))

_client, _user = principals.alias("client"), principals.alias("holder")
_grantee = principals.alias("grantee")
_c, _u = _client.c, _user.c
_NOW = bindparam("now", type_=_g.started_at.type)


def _untouched(jti: Any) -> sa.ColumnElement[bool]:
    return ~sa.exists().where(_r.tenant_id == _TENANT, _r.jti == jti)


def _client_may(since: Any) -> sa.ColumnElement[bool]:
    """The client is enabled and not past its end; nothing of before its last disabling counts."""
    begun = sa.or_(_c.not_before.is_(None), _c.not_before <= since)
    goes_on = sa.or_(_c.expires_at.is_(None), _c.expires_at > _NOW)
    return sa.and_(_c.kind == "client", _c.disabled_at.is_(None), goes_on, begun)


def _of_grantee(exchanged: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The grant is the token's client's; an exchanged one's is another's, who is enabled too."""
    theirs = sa.exists().where(
        _grantee.c.tenant_id == _TENANT,
        _grantee.c.id == _g.client_id,
        _grantee.c.kind == "client",
        _grantee.c.disabled_at.is_(None),
        sa.or_(_grantee.c.expires_at.is_(None), _grantee.c.expires_at > _NOW),
        sa.or_(_grantee.c.not_before.is_(None), _grantee.c.not_before <= _g.started_at),
    )
    return sa.or_(_g.client_id == _c.id, sa.and_(exchanged, theirs))


_GRANT_LIVES = sa.and_(
    _g.ended_at.is_(None),
    _g.expires_at > _NOW,
    _u.kind == "user",
    _u.disabled_at.is_(None),
    sa.or_(_u.not_before.is_(None), _u.not_before <= _g.started_at),
)
_HELD = sa.and_(_u.tenant_id == _TENANT, _u.id == _g.user_id)
_FROM_GRANT = (_g.id.label("grant_id"), _g.user_id, _g.session_id, _g.requested_claims)

_grant_of_jwt = bindparam("grant_id", type_=sa.Text)
_was_exchanged = bindparam("exchanged", type_=sa.Integer)
_LOOK_UP_JWT = (
    sa.select(*_FROM_GRANT)
    .select_from(
        _client.outerjoin(
            grants, sa.and_(_g.tenant_id == _TENANT, _g.id == _grant_of_jwt)
        ).outerjoin(_user, _HELD)
    )
    .where(
        _c.tenant_id == _TENANT,
        _c.id == bindparam("client_id"),
        _client_may(bindparam("issued_at", type_=_g.started_at.type)),
        _untouched(bindparam("jti")),
        sa.or_(_grant_of_jwt == "", sa.and_(_GRANT_LIVES, _of_grantee(_was_exchanged == 1))),
    )
)
_LOOK_UP_OPAQUE = (
    sa.select(*_FROM_GRANT, _o.jti, _o.client_id, _o.claims, _o.issued_at, _o.expires_at)
    .select_from(
        access_tokens.join(_client, sa.and_(_c.tenant_id == _TENANT, _c.id == _o.client_id))
        .outerjoin(grants, sa.and_(_g.tenant_id == _TENANT, _g.id == _o.grant_id))
        .outerjoin(_user, _HELD)
    )
    .where(
        _o.tenant_id == _TENANT,
        _o.token_hash == bindparam("token_hash"),
        _o.expires_at > _NOW,
        _client_may(_o.issued_at),
        _untouched(_o.jti),
        sa.or_(
            _o.grant_id.is_(None),
            sa.and_(_GRANT_LIVES, _of_grantee(_o.jti.like(f"%{EXCHANGED}%"))),
        ),
    )
)
_LOOK_UP_REFRESH = (
    sa.select(grants)
    .select_from(
        grants.join(_client, sa.and_(_c.tenant_id == _TENANT, _c.id == _g.client_id)).join(
            _user, _HELD
        )
    )
    .where(
        _g.tenant_id == _TENANT,
        _g.id == bindparam("grant_id"),
        _g.refresh_hash == bindparam("token_hash"),
        _g.idle_until > _NOW,
        _client_may(_g.started_at),
        _GRANT_LIVES,
    )
)
_subject, _s = principals.alias("subject"), _o.claims.op("->>", return_type=sa.Text())
# What one client exchanged for another's own token lives as long as that one may be spoken for.
_SPOKEN_FOR = sa.or_(
    _s(sa.literal_column("'sub'")) == _o.client_id,
    sa.exists().where(
        _subject.c.tenant_id == _TENANT,
        _subject.c.id == _s(sa.literal_column("'sub'")),
        _subject.c.kind == "client",
        _subject.c.disabled_at.is_(None),
        sa.or_(_subject.c.not_before.is_(None), _subject.c.not_before <= _o.issued_at),
        sa.or_(_subject.c.expires_at.is_(None), _subject.c.expires_at > _NOW),
    ),
)
# scans: a client's own live opaque tokens, of one tenant, for operators alone
_OWN = (
    sa.select(_o.jti, _o.client_id, _o.claims, _o.issued_at, _o.expires_at)
    .select_from(
        access_tokens.join(_client, sa.and_(_c.tenant_id == _TENANT, _c.id == _o.client_id))
    )
    .where(
        _o.tenant_id == _TENANT,
        _o.grant_id.is_(None),
        _o.expires_at > _NOW,
        _client_may(_o.issued_at),
        _untouched(_o.jti),
        _SPOKEN_FOR,
    )
)
_OF_WHICH = bindparam("of_client_id", type_=sa.Text)
_LIST_OWN = (
    _OWN.where(
        _o.jti > bindparam("after", type_=sa.Text),
        sa.or_(_OF_WHICH == "", _o.client_id == _OF_WHICH),
    )
    .order_by(_o.jti)
    .limit(bindparam("most", type_=sa.Integer))
)
_FIND_OWN = _OWN.where(_o.jti == bindparam("jti"))
_COUNT_OWN = (
    _OWN.where(_o.client_id == bindparam("of_client_id"))
    .with_only_columns(sa.func.count())
    .order_by(None)
)
_NOT_BEFORE = sa.select(_p.not_before).where(_p.tenant_id == _TENANT, _THIS[1])
_OWNER_OF_OPAQUE = sa.select(_o.jti, _o.client_id, _o.expires_at).where(
    _o.tenant_id == _TENANT, _o.token_hash == bindparam("token_hash")
)

# tenant: all in the following, what has expired is of no use to anybody
_SWEEP = (
    sa.update(grants).where(_g.grace_until <= _NOW).values(grace_until=None, sealed_successor=None),
    sa.delete(revoked_tokens).where(_r.expires_at <= bindparam("surely")),  # tenant: all
    sa.delete(access_tokens).where(_o.expires_at <= _NOW),  # tenant: all
    sa.delete(grants).where(  # tenant: all
        sa.or_(_g.expires_at <= bindparam("long_ago"), _g.ended_at <= bindparam("long_ago"))
    ),
)


async def put_principal(work: Work, *, kind: str, principal_id: str) -> str:
    """Add a principal, unless it is there; return the kind it is of."""
    row = (
        await work.execute(
            _PUT, id=principal_id, kind=kind, disabled_at=None, not_before=None, expires_at=None
        )
    ).first()
    if row is not None:
        return kind
    return str((await work.execute(_FIND, principal_id=principal_id)).one().kind)


async def is_enabled(work: Work, principal_id: str) -> bool:
    """Say whether it is known, not disabled, and not past its end."""
    row = (await work.execute(_FIND, principal_id=principal_id)).first()
    if row is None or row.disabled_at is not None:
        return False
    return row.expires_at is None or work.now < row.expires_at


async def set_disabled(work: Work, principal_id: str) -> None:
    """Disable, and let nothing of before count again."""
    await work.execute(_DISABLE, principal_id=principal_id, new_disabled_at=work.now)


async def set_enabled(work: Work, principal_id: str) -> None:
    """Enable."""
    await work.execute(_ENABLE, principal_id=principal_id)


async def set_expiry(work: Work, principal_id: str, *, at: dt.datetime | None) -> None:
    """Let it end then, or never."""
    await work.execute(_SET_EXPIRY, principal_id=principal_id, new_expires_at=at)


async def set_not_before(work: Work, principal_id: str) -> None:
    """Let nothing count that began before this moment."""
    await work.execute(_SET_NOT_BEFORE, principal_id=principal_id, new_not_before=work.now)


async def may_be_spoken_for(work: Work, client_id: str, *, since: dt.datetime) -> bool:
    """Say whether tokens of that time may speak for a client that exchanged none of them."""
    rows = await work.execute(_MAY_BE_SPOKEN_FOR, client_id=client_id, since=since, now=work.now)
    return rows.first() is not None


async def add_opaque(
    work: Work,
    *,
    token_hash: bytes,
    grant_id: str | None,
    claims: dict[str, Any],
    expires_at: dt.datetime,
) -> None:
    """Keep what an opaque access token stands for."""
    await work.execute(
        _ADD_OPAQUE,
        token_hash=token_hash,
        jti=claims["jti"],
        grant_id=grant_id,
        client_id=claims["client_id"],
        claims=claims,
        issued_at=work.now,
        expires_at=expires_at,
    )


async def look_up_jwt(
    work: Work, *, jti: str, grant_id: str, client_id: str, issued_at: dt.datetime
) -> Row | None:
    """Return the grant's part of an active JWT; of a client's own token it is empty."""
    return await work.find(
        _LOOK_UP_JWT,
        jti=jti,
        grant_id=grant_id,
        exchanged=int(EXCHANGED in jti),
        client_id=client_id,
        issued_at=issued_at,
        now=work.now,
    )


async def look_up_opaque(work: Work, token_hash: bytes) -> Row | None:
    """Return an active opaque access token."""
    return (await work.execute(_LOOK_UP_OPAQUE, token_hash=token_hash, now=work.now)).first()


async def look_up_refresh(work: Work, *, grant_id: str, token_hash: bytes) -> Row | None:
    """Return the grant of a refresh token that could be used now."""
    rows = await work.execute(
        _LOOK_UP_REFRESH, grant_id=grant_id, token_hash=token_hash, now=work.now
    )
    return rows.first()


async def owner_of_opaque(work: Work, token_hash: bytes) -> tuple[str, str, dt.datetime] | None:
    """Return jti, client and expiry of an opaque token, active or not."""
    row = (await work.execute(_OWNER_OF_OPAQUE, token_hash=token_hash)).first()
    return None if row is None else (row.jti, row.client_id, row.expires_at)


async def list_own(work: Work, *, after: str, most: int, client_id: str) -> list[OwnToken]:
    """Return live opaque tokens of no grant, by ``jti``; of every client if none is named."""
    rows = await work.execute(
        _LIST_OWN, after=after, most=most, of_client_id=client_id, now=work.now
    )
    return [_own(row) for row in rows.all()]


async def find_own(work: Work, jti: str) -> OwnToken | None:
    """Return one live opaque token of no grant."""
    row = (await work.execute(_FIND_OWN, jti=jti, now=work.now)).first()
    return None if row is None else _own(row)


async def count_own(work: Work, client_id: str) -> int:
    """Return how many of them a client holds."""
    counted = await work.execute(_COUNT_OWN, of_client_id=client_id, now=work.now)
    return int(counted.scalar())


async def find_not_before(work: Work, principal_id: str) -> dt.datetime | None:
    """Return the moment nothing of before counts any more, if there is one."""
    row = (await work.execute(_NOT_BEFORE, principal_id=principal_id)).first()
    return None if row is None else row.not_before


def _own(row: Row) -> OwnToken:
    return OwnToken(
        id=row.jti,
        client_id=row.client_id,
        scope=tuple(row.claims.get("scope", "").split()),
        resources=(row.claims["aud"],),
        started_at=row.issued_at,
        expires_at=row.expires_at,
    )


async def add_revoked(work: Work, *, jti: str, expires_at: dt.datetime) -> bool:
    """Keep a revocation until the token would have expired; false when it was known."""
    return (await work.execute(_REVOKE, jti=jti, expires_at=expires_at)).first() is not None


async def sweep(work: Work, *, long_ago: dt.datetime, surely: dt.datetime) -> int:
    """Delete what is of no use any more, of all tenants; return how many rows changed.

    Args:
        work: Of the server.
        long_ago: When what ended before is of no interest any more.
        surely: A moment that is past on every node: what refuses something stays until then.
    """
    done = 0
    for statement in _SWEEP:
        done += (
            await work.execute(statement, now=work.now, long_ago=long_ago, surely=surely)
        ).count
    return done
