"""The SQL of service accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.work import Work
from limen.oauth.tables import clients, service_accounts

_a = service_accounts.c
_THIS: Final = (_a.tenant_id == bindparam("tenant_id"), _a.client_id == bindparam("id"))
_USED_AT = bindparam("used_at", type_=_a.last_used_at.type)

_ADD: Final = sa.insert(service_accounts)
_FIND: Final = sa.select(service_accounts).where(*_THIS)
_LIST: Final = (
    sa.select(service_accounts, clients.c.name)
    .join_from(
        service_accounts,
        clients,
        sa.and_(clients.c.tenant_id == _a.tenant_id, clients.c.client_id == _a.client_id),
    )
    .where(_a.tenant_id == bindparam("tenant_id"), _a.client_id > bindparam("after"))
    .order_by(_a.client_id)
    .limit(bindparam("most", type_=sa.Integer))
)
_CHANGE: Final = (
    sa.update(service_accounts)
    .where(*_THIS)
    .values(description=bindparam("new_description"), expires_at=bindparam("new_expires_at"))
)
_USED: Final = (
    sa.update(service_accounts)
    .where(*_THIS, sa.or_(_a.last_used_at.is_(None), _a.last_used_at < _USED_AT))
    .values(last_used_at=_USED_AT)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """What is kept beside the client."""

    client_id: str
    description: str
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine(AccountRow):
    """It in a list: with its client's name."""

    name: str


async def add_account(work: Work, account: AccountRow) -> None:
    """Insert a service account."""
    await work.execute(
        _ADD,
        client_id=account.client_id,
        description=account.description,
        created_at=account.created_at,
        expires_at=account.expires_at,
        last_used_at=account.last_used_at,
    )


async def find_account(work: Work, client_id: str) -> AccountRow | None:
    """Return what is kept beside a client; ``None`` if it is no service account."""
    row = (await work.execute(_FIND, id=client_id)).first()
    return None if row is None else AccountRow(**_columns(row))


async def list_accounts(work: Work, *, after: str, most: int) -> list[AccountLine]:
    """Return service accounts by id."""
    rows = await work.execute(_LIST, after=after, most=most)
    return [AccountLine(name=row.name, **_columns(row)) for row in rows.all()]


async def change_account(
    work: Work, client_id: str, *, description: str, expires_at: dt.datetime | None
) -> None:
    """Write all that can change."""
    await work.execute(
        _CHANGE, id=client_id, new_description=description, new_expires_at=expires_at
    )


async def note_uses(work: Work, uses: Mapping[str, dt.datetime]) -> None:
    """Write down when accounts were last used; in one order, so that nobody deadlocks."""
    rows = [{"id": client_id, "used_at": uses[client_id]} for client_id in sorted(uses)]
    await work.execute_many(_USED, rows)


def _columns(row: Row) -> dict[str, Any]:
    return {
        "client_id": row.client_id,
        "description": row.description,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
    }
