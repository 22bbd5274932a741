"""Who signs in with which provider, for administrators."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import Moment
from limen.db.work import Work
from limen.federation.profile.identity_id import Identity
from limen.federation.tables import identities

_i = identities.c
_RECENT: Final = dt.timedelta(days=30)
_TODAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderUse:
    """How much a provider is used.

    Args:
        identities: Accounts there that sign somebody in.
        people: Whom.
        active_today: Of the accounts, used within a day.
        active_recently: Within thirty.
        linked_recently: Linked within thirty days.
    """

    provider: str
    identities: int
    people: int
    active_today: int
    active_recently: int
    linked_recently: int


_COLUMNS: Final = tuple(_i[name] for name in Identity.__dataclass_fields__)
_PAGE = (
    sa.select(*_COLUMNS)
    .where(
        _i.tenant_id == bindparam("tenant_id"),
        sa.tuple_(_i.issuer, _i.subject)
        > sa.tuple_(bindparam("after_issuer"), bindparam("after_subject")),
        sa.or_(bindparam("of_provider") == "", _i.provider == bindparam("of_provider")),
    )
    .order_by(_i.issuer, _i.subject)
    .limit(bindparam("most", type_=sa.Integer))
)


def _since(name: str) -> sa.ColumnElement[int]:
    column = _i.last_used_at if name != "linked" else _i.linked_at
    return sa.func.sum(
        sa.case((column >= bindparam(name, type_=Moment()), 1), else_=0), type_=sa.Integer()
    )


# scans: an administrator's figures, asked for now and then
_USE = (
    sa.select(
        _i.provider,
        sa.func.count().label("identities"),
        sa.func.count(sa.distinct(_i.user_id)).label("people"),
        _since("today").label("active_today"),
        _since("recent").label("active_recently"),
        _since("linked").label("linked_recently"),
    )
    .where(_i.tenant_id == bindparam("tenant_id"))
    .group_by(_i.provider)
    .order_by(_i.provider)
)


async def page_of_identities(
    work: Work, *, after: tuple[str, str], most: int, provider: str = ""
) -> list[Identity]:
    """Return everybody's identities by issuer and subject, those after one."""
    rows = await work.execute(
        _PAGE,
        after_issuer=after[0],
        after_subject=after[1],
        most=most,
        of_provider=provider,
    )
    return [Identity(**row._asdict()) for row in rows.all()]


async def use_of_providers(work: Work) -> list[ProviderUse]:
    """Count, by provider."""
    rows = await work.execute(
        _USE, today=work.now - _TODAY, recent=work.now - _RECENT, linked=work.now - _RECENT
    )
    return [ProviderUse(**row._asdict()) for row in rows.all()]
