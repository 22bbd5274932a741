"""The vault's SQL for erasing and exporting what is kept about a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.tables import (
    connect_links,
    connection_consents,
    connection_features,
    connections,
    erasures,
    quota_uses,
    token_releases,
    upstream_grants,
    upstream_revocations,
)

_c = connections.c
_e = erasures.c
_g = upstream_grants.c
_v = upstream_revocations.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_THEIRS = sa.select(_c.id).where(
    _c.tenant_id == _TENANT,
    _c.user_id == bindparam("owner_id"),
    _c.belongs_to == sa.literal_column("'person'"),
)
_DROP_FEATURES = sa.delete(connection_features).where(
    connection_features.c.tenant_id == _TENANT,
    connection_features.c.connection_id.in_(_THEIRS),
)
_DROP_RELEASES = sa.delete(token_releases).where(
    token_releases.c.tenant_id == _TENANT, token_releases.c.connection_id.in_(_THEIRS)
)
_DROP_USES = sa.delete(quota_uses).where(
    quota_uses.c.tenant_id == _TENANT, quota_uses.c.connection_id.in_(_THEIRS)
)
_DROP_CONSENTS = sa.delete(connection_consents).where(
    connection_consents.c.tenant_id == _TENANT,
    connection_consents.c.connection_id.in_(_THEIRS),
)
# scans: links live for minutes, and few are under way
_DROP_LINKS = sa.delete(connect_links).where(
    connect_links.c.tenant_id == _TENANT, connect_links.c.user_id == bindparam("owner_id")
)
_ALL_OF = sa.select(_c.id, _c.provider, _c.grant_id, _c.created_at, _c.ended_at).where(
    _c.tenant_id == _TENANT,
    _c.user_id == bindparam("owner_id"),
    _c.belongs_to == sa.literal_column("'person'"),
)
_RELEASES = (
    sa.select(
        token_releases.c.connection_id,
        token_releases.c.reader,
        token_releases.c.generation,
        token_releases.c.released_at,
    )
    .where(
        token_releases.c.tenant_id == _TENANT,
        token_releases.c.connection_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(token_releases.c.connection_id, token_releases.c.reader)
)
_ADD = sa.insert(erasures)
_LIST = sa.select(_e.id, _e.connections, _e.grants, _e.asked_at).where(
    _e.tenant_id == _TENANT, _e.user_id == bindparam("whose")
)
_RECEIPTS = sa.select(
    _v.grant_id, _v.provider, _v.reason, _v.outcome, _v.unsent, _v.settled_at
).where(_v.tenant_id == _TENANT, _v.grant_id.in_(bindparam("ids", expanding=True)))
_STATES = sa.select(_g.id, _g.state).where(
    _g.tenant_id == _TENANT, _g.id.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased for somebody, by ids alone."""

    id: str
    connections: tuple[str, ...]
    grants: tuple[str, ...]
    asked_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a revocation.

    Args:
        outcome: The provider's; ``None`` while it is open, or where nobody was asked.
        unsent: Why nobody was asked.
    """

    grant_id: str
    provider: str
    reason: str
    outcome: str | None
    unsent: str | None
    settled_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ever:
    """A connection somebody has, or had."""

    id: str
    provider: str
    grant_id: str
    created_at: dt.datetime
    ended_at: dt.datetime | None


async def forget_all(work: Work, owner_id: str) -> None:
    """Delete what is kept beside a person's connections, ended ones too."""
    for statement in (_DROP_FEATURES, _DROP_RELEASES, _DROP_USES, _DROP_CONSENTS, _DROP_LINKS):
        await work.execute(statement, owner_id=owner_id)


async def all_ever(work: Work, owner_id: str) -> list[Ever]:
    """Return every connection a person has or had."""
    rows = await work.execute(_ALL_OF, owner_id=owner_id)
    return sorted((Ever(**row._asdict()) for row in rows.all()), key=lambda each: each.id)


async def releases_of(work: Work, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return to whom tokens were last given."""
    if not ids:
        return []
    return [row._asdict() for row in (await work.execute(_RELEASES, ids=list(ids))).all()]


async def add_erasure(work: Work, erasure: Erasure, *, user_id: str) -> None:
    """Write the record that survives."""
    await work.execute(
        _ADD,
        id=erasure.id,
        user_id=user_id,
        connections=list(erasure.connections),
        grants=list(erasure.grants),
        asked_at=erasure.asked_at,
    )


async def erasures_of(work: Work, user_id: str) -> list[Erasure]:
    """Return what was erased for somebody."""
    rows = await work.execute(_LIST, whose=user_id)
    return [
        Erasure(
            id=row.id,
            connections=tuple(row.connections),
            grants=tuple(row.grants),
            asked_at=row.asked_at,
        )
        for row in sorted(rows.all(), key=lambda row: str(row.id))
    ]


async def receipts_of(work: Work, grant_ids: Sequence[str]) -> list[Receipt]:
    """Return what became of grants at their providers."""
    if not grant_ids:
        return []
    rows = await work.execute(_RECEIPTS, ids=list(grant_ids))
    return [Receipt(**row._asdict()) for row in rows.all()]


async def states_of(work: Work, grant_ids: Sequence[str]) -> dict[str, str]:
    """Return in which state grants are."""
    if not grant_ids:
        return {}
    rows = await work.execute(_STATES, ids=list(grant_ids))
    return {row.id: row.state for row in rows.all()}
