"""The SQL of what providers said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import Moment, upsert
from limen.db.work import Work
from limen.federation.profile.tables import profile_changes, provider_profiles

_p = provider_profiles.c
_c = profile_changes.c
_MOMENT = Moment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a provider last said of a person, still sealed.

    Args:
        generation: Grows with every change of it; part of the seal.
        mapped_roles: Those the person has by this identity alone.
        sealed_access: A refresh token kept to ask again; ``None`` without one.
        next_sync_at: ``None``: not until they sign in again.
    """

    issuer: str
    subject: str
    user_id: str
    provider: str
    email_verified: bool
    generation: int
    sealed_profile: bytes
    mapped_roles: tuple[str, ...]
    access_generation: int
    sealed_access: bytes | None
    last_sync_at: dt.datetime
    changed_at: dt.datetime
    next_sync_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of it, still sealed."""

    id: str
    members: tuple[str, ...]
    sealed_before: bytes
    changed_at: dt.datetime


_COLUMNS: Final = tuple(_p[name] for name in Record.__dataclass_fields__)
_THIS: Final = (
    _p.tenant_id == bindparam("tenant_id"),
    _p.issuer == bindparam("issuer"),
    _p.subject == bindparam("subject"),
)
_FIND = sa.select(*_COLUMNS).where(*_THIS)
_LOCK = sa.select(*_COLUMNS).where(*_THIS).with_for_update(of=provider_profiles)
_OF_USER = sa.select(*_COLUMNS).where(
    _p.tenant_id == bindparam("tenant_id"), _p.user_id == bindparam("user_id")
)
_PUT = upsert(
    provider_profiles,
    conflict=("tenant_id", "issuer", "subject"),
    changes={
        name: bindparam(name, type_=_p[name].type)
        for name in (
            "user_id",
            "provider",
            "email_verified",
            "generation",
            "sealed_profile",
            "last_sync_at",
            "changed_at",
            "next_sync_at",
        )
    },
)
_SET_ROLES = (
    sa.update(provider_profiles)
    .where(*_THIS)
    .values(mapped_roles=bindparam("new_roles", type_=_p.mapped_roles.type))
)
_SET_ACCESS = (
    sa.update(provider_profiles)
    .where(*_THIS)
    .values(
        sealed_access=bindparam("new_sealed_access", type_=sa.LargeBinary),
        access_generation=bindparam("new_access_generation"),
    )
)
# Read and gone in one statement: however many ask, one has the refresh token to use.
_TAKE_ACCESS = (
    sa.update(provider_profiles)
    .where(
        *_THIS,
        _p.sealed_access.is_not(None),
        _p.access_generation == bindparam("held_generation"),
    )
    .values(sealed_access=None)
    .returning(_p.user_id)
)
_FORGET_ACCESS = (
    sa.update(provider_profiles)
    .where(
        _p.tenant_id == bindparam("tenant_id"),
        _p.user_id == bindparam("user_id"),
        _p.sealed_access.is_not(None),
    )
    .values(sealed_access=None, access_generation=_p.access_generation + 1)
)
_WAKE = (
    sa.update(provider_profiles)
    .where(
        _p.tenant_id == bindparam("tenant_id"),
        _p.user_id == bindparam("user_id"),
        _p.next_sync_at.is_(None),
    )
    .values(next_sync_at=bindparam("new_next_sync_at", type_=_MOMENT))
)
_REST = (
    sa.update(provider_profiles)
    .where(*_THIS)
    .values(next_sync_at=bindparam("new_next_sync_at", type_=_MOMENT))
)
_DUE = (
    sa.select(_p.tenant_id, _p.issuer, _p.subject)
    .where(
        _p.tenant_id == bindparam("tenant_id"),
        _p.next_sync_at <= bindparam("now", type_=_MOMENT),
    )
    .order_by(_p.next_sync_at)
    .limit(bindparam("batch", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
# Moving the date on is the claim: of any number of processes one has each profile, and what a
# crash leaves undone is done the next time.
_CLAIM = (
    sa.update(provider_profiles)
    .where(
        _p.tenant_id == bindparam("tenant_id"),
        sa.tuple_(_p.tenant_id, _p.issuer, _p.subject).in_(
            sa.select(_DUE.c.tenant_id, _DUE.c.issuer, _DUE.c.subject)
        ),
    )
    .values(next_sync_at=bindparam("new_next_sync_at", type_=_MOMENT))
    .returning(*_COLUMNS)
)
_ADD_CHANGE = sa.insert(profile_changes)
_CHANGES = (
    sa.select(_c.id, _c.members, _c.sealed_before, _c.changed_at)
    .where(
        _c.tenant_id == bindparam("tenant_id"),
        _c.issuer == bindparam("issuer"),
        _c.subject == bindparam("subject"),
    )
    .order_by(_c.id.desc())
    .limit(bindparam("most", type_=sa.Integer))
)
_PRUNE = sa.delete(profile_changes).where(
    _c.tenant_id == bindparam("tenant_id"),
    _c.issuer == bindparam("issuer"),
    _c.subject == bindparam("subject"),
    _c.id <= bindparam("up_to"),
)


async def find_record(work: Work, *, issuer: str, subject: str) -> Record | None:
    """Return what a provider last said of an identity."""
    row = (await work.execute(_FIND, issuer=issuer, subject=subject)).first()
    return None if row is None else _record(row)


async def lock_record(work: Work, *, issuer: str, subject: str) -> Record | None:
    """Return it, and let nobody change it until the Work ends."""
    row = (await work.execute(_LOCK, issuer=issuer, subject=subject)).first()
    return None if row is None else _record(row)


async def list_records(work: Work, user_id: str) -> list[Record]:
    """Return what all providers said of a person."""
    found = [_record(row) for row in (await work.execute(_OF_USER, user_id=user_id)).all()]
    return sorted(found, key=lambda record: (record.issuer, record.subject))


async def put_record(work: Work, **columns: Any) -> None:
    """Write what a provider says now."""
    await work.execute(_PUT, mapped_roles=[], access_generation=0, sealed_access=None, **columns)


async def set_mapped_roles(work: Work, *, issuer: str, subject: str, roles: Sequence[str]) -> None:
    """Note which roles a person has by an identity."""
    await work.execute(_SET_ROLES, issuer=issuer, subject=subject, new_roles=list(roles))


async def set_access(
    work: Work, *, issuer: str, subject: str, sealed: bytes | None, generation: int
) -> None:
    """Keep a refresh token, or none any more."""
    await work.execute(
        _SET_ACCESS,
        issuer=issuer,
        subject=subject,
        new_sealed_access=sealed,
        new_access_generation=generation,
    )


async def take_access(work: Work, record: Record) -> bool:
    """Take the refresh token of a record, once; whoever has it puts the next one back."""
    rows = await work.execute(
        _TAKE_ACCESS,
        issuer=record.issuer,
        subject=record.subject,
        held_generation=record.access_generation,
    )
    return rows.first() is not None


async def forget_access(work: Work, user_id: str) -> int:
    """Forget a person's refresh tokens."""
    return (await work.execute(_FORGET_ACCESS, user_id=user_id)).count


async def wake(work: Work, user_id: str) -> None:
    """Have a person's profiles asked for again: there may be means now."""
    await work.execute(_WAKE, user_id=user_id, new_next_sync_at=work.now)


async def rest(work: Work, *, issuer: str, subject: str) -> None:
    """Don't ask again until the person signs in, or connects an account."""
    await work.execute(_REST, issuer=issuer, subject=subject, new_next_sync_at=None)


async def claim_due(work: Work, *, batch: int, next_at: dt.datetime) -> list[Record]:
    """Take due profiles of the tenant, and put them off until then."""
    rows = await work.execute(_CLAIM, now=work.now, batch=batch, new_next_sync_at=next_at)
    return [_record(row) for row in rows.all()]


async def add_change(work: Work, **columns: Any) -> None:
    """Insert a change."""
    await work.execute(_ADD_CHANGE, **columns)


async def list_changes(work: Work, *, issuer: str, subject: str, most: int) -> list[Change]:
    """Return the newest changes, newest first."""
    rows = await work.execute(_CHANGES, issuer=issuer, subject=subject, most=most)
    return [
        Change(
            id=row.id,
            members=tuple(row.members),
            sealed_before=bytes(row.sealed_before),
            changed_at=row.changed_at,
        )
        for row in rows.all()
    ]


async def prune_changes(work: Work, *, issuer: str, subject: str, up_to: str) -> None:
    """Forget changes up to one."""
    await work.execute(_PRUNE, issuer=issuer, subject=subject, up_to=up_to)


def _record(row: Row) -> Record:
    members = row._asdict()
    members["email_verified"] = bool(row.email_verified)
    members["mapped_roles"] = tuple(row.mapped_roles)
    members["sealed_profile"] = bytes(row.sealed_profile)
    members["sealed_access"] = None if row.sealed_access is None else bytes(row.sealed_access)
    return Record(**members)
