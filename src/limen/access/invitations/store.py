"""The SQL of invitations. Accepting and revoking are one statement each: there is one winner."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.access.invitations.model import Invitation
from limen.access.invitations.tables import invitations
from limen.access.permissions import Role
from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.types import upsert
from limen.db.work import Work

_i = invitations.c
_TENANT = _i.tenant_id == bindparam("tenant_id")
_THIS = (_TENANT, _i.id == bindparam("invitation_id"))
_PENDING: sa.ColumnElement[bool] = _i.state == sa.literal_column("'pending'")
_IN_TIME: sa.ColumnElement[bool] = _i.expires_at > bindparam("now", type_=_i.expires_at.type)
_BY_LINK = (_TENANT, _i.token_hash == bindparam("presented_hash"), _PENDING, _IN_TIME)
_BY_ADDRESS = (_TENANT, _i.live_email == bindparam("address"), _IN_TIME)
_COLUMNS = (
    _i.id,
    _i.email,
    _i.role,
    _i.state,
    _i.invited_by,
    _i.accepted_by,
    _i.created_at,
    _i.sent_at,
    _i.expires_at,
)
_ACCEPTED: dict[str, Any] = {
    "state": "accepted",
    "live_email": None,
    "accepted_by": bindparam("new_accepted_by"),
    "settled_at": bindparam("new_settled_at"),
}

# One that ran out makes room for another; one that is good does not.
_PUT = upsert(
    invitations,
    conflict=("tenant_id", "live_email"),
    changes={
        "role": bindparam("role"),
        "token_hash": bindparam("token_hash"),
        "invited_by": bindparam("invited_by"),
        "created_at": bindparam("created_at", type_=_i.created_at.type),
        "sent_at": bindparam("sent_at", type_=_i.sent_at.type),
        "expires_at": bindparam("expires_at", type_=_i.expires_at.type),
    },
    where=_i.expires_at <= bindparam("now", type_=_i.expires_at.type),
    returning=(_i.id,),
)
_FIND = sa.select(*_COLUMNS).where(*_BY_LINK)
_FIND_FOR = sa.select(*_COLUMNS).where(*_BY_ADDRESS)
_LIST = (
    sa.select(*_COLUMNS)
    .where(_TENANT, _i.id > bindparam("after"))
    .order_by(_i.id)
    .limit(bindparam("most", type_=sa.Integer))
)
_TAKE = sa.update(invitations).where(*_BY_LINK).values(**_ACCEPTED).returning(*_COLUMNS)
_TAKE_MEMBERS = (
    sa.update(invitations)
    .where(*_BY_ADDRESS, _i.role == sa.literal_column("'member'"))
    .values(**_ACCEPTED)
    .returning(*_COLUMNS)
)
_REVOKE = (
    sa.update(invitations)
    .where(*_THIS, _PENDING)
    .values(state="revoked", live_email=None, settled_at=bindparam("new_settled_at"))
    .returning(_i.id)
)
_RENEW = (
    sa.update(invitations)
    .where(*_THIS, _PENDING)
    .values(
        token_hash=bindparam("new_token_hash"),
        invited_by=bindparam("new_invited_by"),
        sent_at=bindparam("new_sent_at"),
        expires_at=bindparam("new_expires_at"),
    )
    .returning(*_COLUMNS)
)
_SWEEP = sa.delete(invitations).where(
    _TENANT, _i.expires_at <= bindparam("before", type_=_i.expires_at.type)
)


async def put_invitation(work: Work, **columns: Any) -> str | None:
    """Insert one; ``None`` if its address has one that is good. Returns its id."""
    rows = await work.execute(
        _PUT,
        state="pending",
        created_at=work.now,
        sent_at=work.now,
        now=work.now,
        accepted_by=None,
        settled_at=None,
        **columns,
    )
    row = rows.first()
    return None if row is None else str(row.id)


async def find_by_link(work: Work, token_hash: bytes) -> Invitation | None:
    """Return the one that a link opens, as it is."""
    return _read((await work.execute(_FIND, presented_hash=token_hash, now=work.now)).first())


async def find_for(work: Work, address: str) -> Invitation | None:
    """Return the one that an address has, as it is."""
    return _read((await work.execute(_FIND_FOR, address=address, now=work.now)).first())


async def page_of(work: Work, *, after: str, most: int) -> list[Invitation]:
    """Return invitations by id, whatever became of them."""
    rows = (await work.execute(_LIST, after=after, most=most)).all()
    return [found for row in rows if (found := _read(row)) is not None]


async def take_by_link(work: Work, token_hash: bytes, *, user_id: str) -> Invitation | None:
    """Accept the one that a link opens; of any number of callers one does."""
    return _read(
        await take(
            work,
            _TAKE,
            presented_hash=token_hash,
            now=work.now,
            new_accepted_by=user_id,
            new_settled_at=work.now,
        )
    )


async def take_members(work: Work, address: str, *, user_id: str) -> Invitation | None:
    """Accept the one that an address has, if it gives no role."""
    return _read(
        await take(
            work,
            _TAKE_MEMBERS,
            address=address,
            now=work.now,
            new_accepted_by=user_id,
            new_settled_at=work.now,
        )
    )


async def revoke(work: Work, invitation_id: str) -> bool:
    """Take a pending one back."""
    row = await take(work, _REVOKE, invitation_id=invitation_id, new_settled_at=work.now)
    return row is not None


async def renew(
    work: Work, invitation_id: str, *, token_hash: bytes, expires_at: dt.datetime
) -> Invitation | None:
    """Give a pending one another link; the older one opens nothing any more."""
    row = await take(
        work,
        _RENEW,
        invitation_id=invitation_id,
        new_token_hash=token_hash,
        new_invited_by=work.actor.id,
        new_sent_at=work.now,
        new_expires_at=expires_at,
    )
    return _read(row)


async def sweep_invitations(work: Work, *, before: dt.datetime) -> int:
    """Forget those that ended before."""
    return (await work.execute(_SWEEP, before=before)).count


def _read(row: Row | None) -> Invitation | None:
    if row is None:
        return None
    return Invitation(
        id=row.id,
        email=row.email,
        role=cast("Role", row.role),
        state=row.state,
        invited_by=row.invited_by,
        accepted_by=row.accepted_by or "",
        created_at=row.created_at,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
    )
