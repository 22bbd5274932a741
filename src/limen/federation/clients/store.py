"""SQL of our clients' secrets and keys, and of a tenant's own providers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.federation.tables import provider_entries, upstream_client_secrets, upstream_clients

_secrets = upstream_client_secrets.c
_entries = provider_entries.c
_clients = upstream_clients.c

EntryKind = Literal["own", "override"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord:
    """A provider as a tenant described it."""

    id: str
    kind: EntryKind
    document: Mapping[str, Any]
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """A credential that ends soon."""

    provider: str
    id: str
    expires_at: dt.datetime


_ADD = sa.insert(upstream_client_secrets)
_DROP_ALL = sa.delete(upstream_client_secrets).where(
    _secrets.tenant_id == bindparam("tenant_id"), _secrets.provider == bindparam("provider")
)
_COUNT = sa.select(sa.func.count()).where(
    _secrets.tenant_id == bindparam("tenant_id"), _secrets.provider == bindparam("provider")
)
_FIND = sa.select(_secrets.id).where(
    _secrets.tenant_id == bindparam("tenant_id"),
    _secrets.provider == bindparam("provider"),
    _secrets.id == bindparam("id"),
)
_HOLD = (
    sa.select(_clients.provider)
    .where(_clients.tenant_id == bindparam("tenant_id"), _clients.provider == bindparam("provider"))
    .with_for_update()
)
_others = upstream_client_secrets.alias("others")
_DROP = (
    sa.delete(upstream_client_secrets)
    .where(
        _secrets.tenant_id == bindparam("tenant_id"),
        _secrets.provider == bindparam("provider"),
        _secrets.id == bindparam("id"),
        sa.exists().where(
            _others.c.tenant_id == bindparam("tenant_id"),
            _others.c.provider == bindparam("provider"),
            _others.c.id != bindparam("id"),
        ),
    )
    .returning(_secrets.id)
)
# One statement decides who warns: of several sweepers one gets the row.
_WARN = (
    sa.update(upstream_client_secrets)
    .where(
        _secrets.tenant_id == bindparam("tenant_id"),
        _secrets.expires_at <= bindparam("until", type_=_secrets.expires_at.type),
        sa.or_(_secrets.warned_days.is_(None), _secrets.warned_days > bindparam("days")),
    )
    .values(warned_days=bindparam("days"))
    .returning(_secrets.provider, _secrets.id, _secrets.expires_at)
)
_PUT_ENTRY = upsert(
    provider_entries,
    conflict=("tenant_id", "id"),
    changes={
        "kind": bindparam("kind"),
        "document": bindparam("document", type_=_entries.document.type),
        "updated_at": bindparam("updated_at", type_=_entries.updated_at.type),
    },
)
_DROP_ENTRY = (
    sa.delete(provider_entries)
    .where(
        _entries.tenant_id == bindparam("tenant_id"),
        _entries.id == bindparam("id"),
        _entries.kind == bindparam("kind"),
    )
    .returning(_entries.id)
)
_ENTRY_COLUMNS = (_entries.id, _entries.kind, _entries.document, _entries.updated_at)
_FIND_ENTRY = sa.select(*_ENTRY_COLUMNS).where(
    _entries.tenant_id == bindparam("tenant_id"), _entries.id == bindparam("id")
)
# scans: a tenant's few own providers, all of them
_LIST_ENTRIES = (
    sa.select(*_ENTRY_COLUMNS)
    .where(_entries.tenant_id == bindparam("tenant_id"))
    .order_by(_entries.id)
)


async def add_credential(work: Work, **columns: Any) -> None:
    """Keep one more secret or key of a client."""
    await work.execute(_ADD, created_at=work.now, warned_days=None, **columns)


async def drop_credentials(work: Work, *, provider: str) -> None:
    """Forget all secrets and keys of a client."""
    await work.execute(_DROP_ALL, provider=provider)


async def hold_client(work: Work, *, provider: str) -> bool:
    """Let nobody else add or retire secrets until the Work ends; ``False``: no such client.

    Of two that retire the last two at once each would see the other's yet.
    """
    return (await work.execute(_HOLD, provider=provider)).first() is not None


async def count_credentials(work: Work, *, provider: str) -> int:
    """Return how many secrets and keys a client has."""
    return int((await work.execute(_COUNT, provider=provider)).scalar() or 0)


async def drop_credential(work: Work, *, provider: str, credential_id: str) -> bool:
    """Forget one; ``False`` if there is none such, or no other beside it."""
    rows = await work.execute(_DROP, provider=provider, id=credential_id)
    return rows.first() is not None


async def has_credential(work: Work, *, provider: str, credential_id: str) -> bool:
    """Say whether there is such a secret or key."""
    return (await work.execute(_FIND, provider=provider, id=credential_id)).first() is not None


async def claim_warnings(work: Work, *, days: int) -> list[Expiring]:
    """Return what ends within so many days and nobody was told so yet; now somebody is."""
    until = work.now + dt.timedelta(days=days)
    rows = (await work.execute(_WARN, until=until, days=days)).all()
    return [Expiring(provider=row.provider, id=row.id, expires_at=row.expires_at) for row in rows]


async def put_entry(
    work: Work, *, entry_id: str, kind: EntryKind, document: Mapping[str, Any]
) -> None:
    """Write a tenant's own provider or override, new or changed."""
    await work.execute(
        _PUT_ENTRY,
        id=entry_id,
        kind=kind,
        document=dict(document),
        created_at=work.now,
        updated_at=work.now,
    )


async def drop_entry(work: Work, *, entry_id: str, kind: EntryKind) -> bool:
    """Forget a tenant's own provider or override; ``False`` if there is none such."""
    return (await work.execute(_DROP_ENTRY, id=entry_id, kind=kind)).first() is not None


async def find_entry(work: Work, entry_id: str) -> EntryRecord | None:
    """Return what a tenant says of a provider."""
    row = (await work.execute(_FIND_ENTRY, id=entry_id)).first()
    return None if row is None else _record(row)


async def list_entries(work: Work) -> list[EntryRecord]:
    """Return everything a tenant says of providers."""
    return [_record(row) for row in (await work.execute(_LIST_ENTRIES)).all()]


def _record(row: Any) -> EntryRecord:
    return EntryRecord(
        id=row.id,
        kind=cast("EntryKind", row.kind),
        document=row.document,
        updated_at=row.updated_at,
    )
