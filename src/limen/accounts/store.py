"""The SQL of people, what names them and their passwords."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.accounts.tables import account_notices, passwords, user_identifiers, users
from limen.accounts.user import User, UserState
from limen.db.statements import Row
from limen.db.types import insert_or_nothing, upsert
from limen.db.work import Work

EMAIL: Final = "email"
HOST: Final = "host"
"""Kinds of what names a person: their address; their id in the host application."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A person and the hash of their password, if they have one."""

    user: User
    password_hash: str | None


_COLUMNS: Final = (
    users.c.id,
    users.c.state,
    users.c.email,
    users.c.email_verified_at,
    users.c.claims,
    users.c.must_change_password,
    users.c.created_at,
    users.c.updated_at,
)
_TENANT: Final = users.c.tenant_id == bindparam("tenant_id")
_THIS: Final = users.c.id == bindparam("user_id")
_NAMED: Final = (
    user_identifiers.c.tenant_id == bindparam("tenant_id"),
    user_identifiers.c.kind == EMAIL,
    user_identifiers.c.value == bindparam("address"),
)
_WITH_IDENTIFIER: Final = users.join(
    user_identifiers,
    sa.and_(
        user_identifiers.c.tenant_id == users.c.tenant_id,
        user_identifiers.c.user_id == users.c.id,
    ),
)
_PASSWORD_OF: Final = sa.and_(
    passwords.c.tenant_id == users.c.tenant_id, passwords.c.user_id == users.c.id
)

_ADD_USER = sa.insert(users)
_ADD_IDENTIFIER = insert_or_nothing(
    user_identifiers,
    conflict=("tenant_id", "kind", "value"),
    returning=(user_identifiers.c.user_id,),
)
_DELETE_USER = sa.delete(users).where(_TENANT, _THIS)
_DELETE_IDENTIFIERS = sa.delete(user_identifiers).where(
    user_identifiers.c.tenant_id == bindparam("tenant_id"),
    user_identifiers.c.user_id == bindparam("user_id"),
)
_FIND = sa.select(*_COLUMNS).where(_TENANT, _THIS)
_FIND_BY_EMAIL = sa.select(*_COLUMNS).select_from(_WITH_IDENTIFIER).where(*_NAMED)
_FIND_BY_HOST_ID = (
    sa.select(*_COLUMNS)
    .select_from(_WITH_IDENTIFIER)
    .where(
        user_identifiers.c.tenant_id == bindparam("tenant_id"),
        user_identifiers.c.kind == HOST,
        user_identifiers.c.value == bindparam("host_id"),
    )
)
_CREDENTIALS = (
    sa.select(*_COLUMNS, passwords.c.hash)
    .select_from(_WITH_IDENTIFIER.outerjoin(passwords, _PASSWORD_OF))
    .where(*_NAMED)
)
_HASH = sa.select(passwords.c.hash).where(
    passwords.c.tenant_id == bindparam("tenant_id"), passwords.c.user_id == bindparam("user_id")
)
_LOCK = sa.select(*_COLUMNS).where(_TENANT, _THIS).with_for_update(of=users)
_LOCK_CHECKED = (
    sa.select(*_COLUMNS)
    .select_from(users.join(passwords, _PASSWORD_OF))
    .where(_TENANT, _THIS, users.c.state == "active", passwords.c.hash == bindparam("hash"))
    .with_for_update(of=(users, passwords), read=True)
)
_PUT_PASSWORD = upsert(
    passwords,
    conflict=("tenant_id", "user_id"),
    changes={"hash": bindparam("new_hash"), "changed_at": bindparam("now")},
)
_REHASH = (
    sa.update(passwords)
    .where(
        passwords.c.tenant_id == bindparam("tenant_id"),
        passwords.c.user_id == bindparam("user_id"),
        passwords.c.hash == bindparam("old_hash"),
    )
    .values(hash=bindparam("new_hash"))
)
_DELETE_PASSWORD = sa.delete(passwords).where(
    passwords.c.tenant_id == bindparam("tenant_id"), passwords.c.user_id == bindparam("user_id")
)
_VERIFY = (
    sa.update(users)
    .where(_TENANT, _THIS)
    .values(email_verified_at=bindparam("now"), updated_at=bindparam("now"))
)
_DELETE_OTHER_EMAILS = sa.delete(user_identifiers).where(
    user_identifiers.c.tenant_id == bindparam("tenant_id"),
    user_identifiers.c.user_id == bindparam("user_id"),
    user_identifiers.c.kind == EMAIL,
    user_identifiers.c.value != bindparam("address"),
)
_SET_EMAIL = (
    sa.update(users)
    .where(_TENANT, _THIS)
    .values(
        email=bindparam("address"),
        email_verified_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
_SET_STATE = (
    sa.update(users)
    .where(_TENANT, _THIS, users.c.state == bindparam("old_state"))
    .values(state=bindparam("new_state"), updated_at=bindparam("now"))
    .returning(users.c.id)
)
_SET_CLAIMS = (
    sa.update(users)
    .where(_TENANT, _THIS)
    .values(claims=bindparam("new_claims"), updated_at=bindparam("now"))
)
_SET_MUST_CHANGE = (
    sa.update(users)
    .where(_TENANT, _THIS)
    .values(must_change_password=bindparam("new_must_change"), updated_at=bindparam("now"))
)
_ERASE = (
    sa.update(users)
    .where(_TENANT, _THIS, users.c.state != "closed")
    .values(
        state="closed",
        email=None,
        email_verified_at=None,
        claims=bindparam("new_claims"),
        updated_at=bindparam("now"),
    )
    .returning(users.c.id)
)
_LIST = (
    sa.select(*_COLUMNS)
    .where(_TENANT, users.c.id > bindparam("after"), users.c.state != "closed")
    .order_by(users.c.id)
    .limit(bindparam("limit", type_=sa.Integer))
)
_ACTIVE_AMONG = sa.select(users.c.id).where(
    _TENANT, users.c.id.in_(bindparam("ids", expanding=True)), users.c.state == "active"
)
_TAKE_NOTICE = upsert(
    account_notices,
    conflict=("tenant_id", "user_id", "kind"),
    changes={"sent_at": bindparam("now")},
    where=account_notices.c.sent_at <= bindparam("not_after"),
    returning=(account_notices.c.user_id,),
)


async def add_user(work: Work, user: User) -> None:
    """Insert a person."""
    await work.execute(
        _ADD_USER,
        id=user.id,
        state=user.state,
        email=user.email,
        email_verified_at=user.email_verified_at,
        claims=user.claims,
        must_change_password=user.must_change_password,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


async def add_email(work: Work, *, user_id: str, address: str) -> bool:
    """Let an address name a person; ``False`` if it names another."""
    rows = await work.execute(_ADD_IDENTIFIER, kind=EMAIL, value=address, user_id=user_id)
    return rows.first() is not None


async def replace_email(work: Work, *, user_id: str, address: str) -> bool:
    """Give a person a proven address in place of the one they have; ``False`` if it is another's.

    Of two people who prove one address at once, one gets it: the identifier's key decides.
    """
    if not await add_email(work, user_id=user_id, address=address):
        return False
    await work.execute(_DELETE_OTHER_EMAILS, user_id=user_id, address=address)
    await work.execute(_SET_EMAIL, user_id=user_id, address=address, now=work.now)
    return True


async def add_host_id(work: Work, *, user_id: str, host_id: str) -> bool:
    """Let a host application's id name a person; ``False`` if it names another."""
    rows = await work.execute(_ADD_IDENTIFIER, kind=HOST, value=host_id, user_id=user_id)
    return rows.first() is not None


async def find_by_host_id(work: Work, host_id: str) -> User | None:
    """Return whom a host application's id names."""
    return _user((await work.execute(_FIND_BY_HOST_ID, host_id=host_id)).first())


async def delete_user(work: Work, user_id: str) -> None:
    """Take back a person inserted in this Work."""
    await work.execute(_DELETE_USER, user_id=user_id)


async def find_user(work: Work, user_id: str) -> User | None:
    """Return a person, in whatever state."""
    return _user((await work.execute(_FIND, user_id=user_id)).first())


async def find_by_email(work: Work, address: str) -> User | None:
    """Return whom a canonical address names."""
    return _user((await work.execute(_FIND_BY_EMAIL, address=address)).first())


async def find_credentials(work: Work, address: str) -> Credentials | None:
    """Return whom a canonical address names, with the hash of their password."""
    row = (await work.execute(_CREDENTIALS, address=address)).first()
    return None if row is None else Credentials(_to_user(row), row.hash)


async def find_hash(work: Work, user_id: str) -> str | None:
    """Return the hash of a person's password."""
    found = (await work.execute(_HASH, user_id=user_id)).scalar()
    return None if found is None else str(found)


async def lock_user(work: Work, user_id: str) -> User | None:
    """Return a person and keep others from changing them until the Work ends."""
    return _user((await work.execute(_LOCK, user_id=user_id)).first())


async def lock_checked(work: Work, user_id: str, *, password_hash: str) -> User | None:
    """Return a person, still active and with that very password, and keep both so."""
    return _user(await work.find(_LOCK_CHECKED, user_id=user_id, hash=password_hash))


async def put_password(work: Work, user_id: str, *, password_hash: str) -> None:
    """Set a person's password."""
    await work.execute(
        _PUT_PASSWORD,
        user_id=user_id,
        hash=password_hash,
        changed_at=work.now,
        new_hash=password_hash,
        now=work.now,
    )


async def delete_password(work: Work, user_id: str) -> None:
    """Take a person's password away."""
    await work.execute(_DELETE_PASSWORD, user_id=user_id)


async def set_must_change(work: Work, user_id: str, *, must_change: bool) -> None:
    """Say whether a person's password opens nothing but its replacement."""
    await work.execute(_SET_MUST_CHANGE, user_id=user_id, new_must_change=must_change, now=work.now)


async def replace_hash(work: Work, user_id: str, *, old_hash: str, new_hash: str) -> None:
    """Keep the same password under newer parameters, unless it changed meanwhile."""
    await work.execute(_REHASH, user_id=user_id, old_hash=old_hash, new_hash=new_hash)


async def mark_verified(work: Work, user_id: str) -> None:
    """Note that a person proved their mailbox."""
    await work.execute(_VERIFY, user_id=user_id, now=work.now)


async def change_state(work: Work, user_id: str, *, old: UserState, new: UserState) -> bool:
    """Move a person from one state to another; ``False`` if they were not in the first."""
    rows = await work.execute(
        _SET_STATE, user_id=user_id, old_state=old, new_state=new, now=work.now
    )
    return rows.first() is not None


async def put_claims(work: Work, user_id: str, claims: Mapping[str, Any]) -> None:
    """Replace a person's claims."""
    await work.execute(_SET_CLAIMS, user_id=user_id, new_claims=dict(claims), now=work.now)


async def erase_user(work: Work, user_id: str) -> bool:
    """Close an account for good: no address, no claims, no password; ``False`` if it was."""
    rows = await work.execute(_ERASE, user_id=user_id, new_claims={}, now=work.now)
    await work.execute(_DELETE_IDENTIFIERS, user_id=user_id)
    await work.execute(_DELETE_PASSWORD, user_id=user_id)
    return rows.first() is not None


async def list_users(work: Work, *, after: str, limit: int) -> list[User]:
    """Return people by id, those after one."""
    rows = await work.execute(_LIST, after=after, limit=limit)
    return [_to_user(row) for row in rows.all()]


async def active_among(work: Work, ids: Sequence[str]) -> set[str]:
    """Return which of these people are active."""
    if not ids:
        return set()
    rows = await work.execute(_ACTIVE_AMONG, ids=list(ids))
    return {str(row.id) for row in rows.all()}


async def take_notice(work: Work, user_id: str, *, kind: str, every: dt.timedelta) -> bool:
    """Say, once in a while, that a person may be told of something strangers can cause."""
    rows = await work.execute(
        _TAKE_NOTICE,
        user_id=user_id,
        kind=kind,
        sent_at=work.now,
        now=work.now,
        not_after=work.now - every,
    )
    return rows.first() is not None


def _user(row: Row | None) -> User | None:
    return None if row is None else _to_user(row)


def _to_user(row: Row) -> User:
    return User(
        id=row.id,
        state=cast("UserState", row.state),
        email=row.email,
        email_verified_at=row.email_verified_at,
        claims=row.claims,
        must_change_password=bool(row.must_change_password),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
