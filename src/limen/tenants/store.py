"""The tenants' SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.cache import forget
from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.tenants.tables import tenants
from limen.tenants.tenant import TenantState

MEMORY: Final = "tenant"
"""What ``limen.db.cache.forget`` calls what is kept of tenants."""


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant as stored: its addresses and the rest of its policy depend on the server.

    Args:
        members: The members of the policy that the tenant chose.
    """

    tenant_id: str
    slug: str
    host: str | None
    name: str
    state: TenantState
    members: dict[str, Any]
    version: int


_COLUMNS: Final = (
    tenants.c.tenant_id,
    tenants.c.slug,
    tenants.c.host,
    tenants.c.name,
    tenants.c.state,
    tenants.c.policy,
    tenants.c.version,
)
# tenant: all, because the slug is what tells it
_BY_SLUG = sa.select(*_COLUMNS).where(tenants.c.slug == bindparam("slug"))
# tenant: all, because the host is what tells it
_BY_HOST = sa.select(*_COLUMNS).where(tenants.c.host == bindparam("host"))
_BY_ID = sa.select(*_COLUMNS).where(tenants.c.tenant_id == bindparam("id"))
# tenant: all, it lists them
# scans: operators list tenants now and then
_ALL = sa.select(*_COLUMNS).order_by(tenants.c.slug)
# tenant: all, any change of any tenant counts
# scans: the narrow index of versions alone, every two seconds in each process
_STAMP = sa.select(
    sa.func.count(), sa.func.coalesce(sa.func.sum(tenants.c.version), 0)
).select_from(tenants)
# No conflict target: the slug, the host or (in 2^50) the id may be the one that is taken.
_ADD = insert_or_nothing(tenants, conflict=None, returning=(tenants.c.tenant_id,))
_LOCK = (
    sa.select(*_COLUMNS)
    .where(tenants.c.tenant_id == bindparam("tenant_id"))
    .with_for_update(of=tenants)
)
_CHANGE_POLICY = (
    sa.update(tenants)
    .where(tenants.c.tenant_id == bindparam("tenant_id"))
    .values(
        policy=bindparam("new_policy"),
        version=tenants.c.version + 1,
        updated_at=bindparam("new_updated_at"),
    )
)
_CHANGE_STATE = (
    sa.update(tenants)
    .where(tenants.c.tenant_id == bindparam("tenant_id"))
    .values(
        state=bindparam("new_state"),
        version=tenants.c.version + 1,
        updated_at=bindparam("new_updated_at"),
    )
)


async def find_by_slug(work: Work, slug: str) -> TenantRecord | None:
    """Return the tenant of that name."""
    return _record((await work.execute(_BY_SLUG, slug=slug)).first())


async def find_by_host(work: Work, host: str) -> TenantRecord | None:
    """Return the tenant at that host."""
    return _record((await work.execute(_BY_HOST, host=host)).first())


async def find_by_id(work: Work, tenant_id: str) -> TenantRecord | None:
    """Return the tenant with that id."""
    return _record((await work.execute(_BY_ID, id=tenant_id)).first())


async def list_all(work: Work) -> list[TenantRecord]:
    """Return every tenant, by slug."""
    return [_to_record(row) for row in (await work.execute(_ALL)).all()]


async def read_stamp(work: Work) -> tuple[int, int]:
    """Return a pair that differs after any change of any tenant."""
    row = (await work.execute(_STAMP)).one()
    return int(row[0]), int(row[1])


async def add_tenant(
    work: Work, *, name: str, host: str | None, members: Mapping[str, Any]
) -> bool:
    """Insert the tenant of this Work; ``False`` if its slug, host or id is taken."""
    added = await work.execute(
        _ADD,
        slug=work.site.slug,
        host=host,
        name=name,
        state="active",
        policy=dict(members),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    return added.first() is not None


async def ensure_tenant_row(work: Work) -> None:
    """Insert the tenant of this Work if it has no row: for tests and hosts that bring a Site."""
    await add_tenant(work, name=work.site.slug, host=None, members={})


async def lock_tenant(work: Work) -> TenantRecord | None:
    """Read the tenant of this Work and keep others from changing it until the Work ends."""
    return _record((await work.execute(_LOCK)).first())


async def change_policy(work: Work, members: Mapping[str, Any]) -> None:
    """Write what the tenant chooses now, under a new version."""
    await work.execute(_CHANGE_POLICY, new_policy=dict(members), new_updated_at=work.now)
    forget(work, kind=MEMORY, name=work.tenant_id)


async def change_state(work: Work, state: TenantState) -> None:
    """Write whether the tenant answers, under a new version."""
    await work.execute(_CHANGE_STATE, new_state=state, new_updated_at=work.now)
    forget(work, kind=MEMORY, name=work.tenant_id)


def _record(row: Row | None) -> TenantRecord | None:
    return None if row is None else _to_record(row)


def _to_record(row: Row) -> TenantRecord:
    return TenantRecord(
        tenant_id=row.tenant_id,
        slug=row.slug,
        host=row.host,
        name=row.name,
        state=cast("TenantState", row.state),
        members=row.policy,
        version=row.version,
    )
