"""The vault's SQL for features: switched on, denied, and declared by the tenant's apps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.model import FeatureState
from limen.vault.tables import connection_features, declared_features

_f = connection_features.c
_d = declared_features.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_OF_ALL = (
    sa.select(_f.connection_id, _f.feature, _f.state, _f.denials, _f.denied_at)
    .where(_f.tenant_id == _TENANT, _f.connection_id.in_(bindparam("ids", expanding=True)))
    .order_by(_f.connection_id, _f.feature)
)
_ALLOW = upsert(
    connection_features,
    conflict=("tenant_id", "connection_id", "feature"),
    changes={
        "state": bindparam("state"),
        "denials": bindparam("denials"),
        "denied_at": sa.null(),
        "changed_at": bindparam("changed_at", type_=_f.changed_at.type),
    },
)
_DENY = upsert(
    connection_features,
    conflict=("tenant_id", "connection_id", "feature"),
    changes={
        "state": bindparam("state"),
        "denials": _f.denials + 1,
        "denied_at": bindparam("denied_at", type_=_f.denied_at.type),
        "changed_at": bindparam("changed_at", type_=_f.changed_at.type),
    },
)
_DROP = (
    sa.delete(connection_features)
    .where(
        _f.tenant_id == _TENANT,
        _f.connection_id == bindparam("connection_id"),
        _f.feature == bindparam("feature_name"),
        _f.state == "active",
    )
    .returning(_f.feature)
)
_DECLARED = (
    sa.select(_d.feature, _d.title, _d.scopes)
    .where(_d.tenant_id == _TENANT, _d.provider == bindparam("provider_id"))
    .order_by(_d.feature)
)
_DECLARE = upsert(
    declared_features,
    conflict=("tenant_id", "provider", "feature"),
    changes={
        "title": bindparam("title"),
        "scopes": bindparam("scopes", type_=_d.scopes.type),
        "updated_at": bindparam("updated_at", type_=_d.updated_at.type),
    },
)
_TAKE_BACK = (
    sa.delete(declared_features)
    .where(
        _d.tenant_id == _TENANT,
        _d.provider == bindparam("provider_id"),
        _d.feature == bindparam("feature_name"),
    )
    .returning(_d.feature)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What is known of a feature of a connection.

    Args:
        denials: How often in a row its person said no.
        denied_at: When they last did; ``None`` if they did not.
    """

    state: FeatureState
    denials: int
    denied_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A feature of the tenant's own."""

    feature: str
    title: str
    scopes: tuple[str, ...]


async def features_of_all(work: Work, ids: Iterable[str]) -> dict[str, dict[str, FeatureState]]:
    """Return connections' features and their states."""
    wanted = list(ids)
    if not wanted:
        return {}
    found: dict[str, dict[str, FeatureState]] = {}
    for row in (await work.execute(_OF_ALL, ids=wanted)).all():
        found.setdefault(row.connection_id, {})[row.feature] = row.state
    return found


async def noted_features(work: Work, connection_id: str) -> dict[str, Noted]:
    """Return what is known of a connection's features."""
    rows = await work.execute(_OF_ALL, ids=[connection_id])
    return {
        row.feature: Noted(state=row.state, denials=row.denials, denied_at=row.denied_at)
        for row in rows.all()
    }


async def allow_feature(work: Work, *, connection_id: str, feature: str) -> None:
    """Note that a feature is switched on."""
    await work.execute(
        _ALLOW,
        connection_id=connection_id,
        feature=feature,
        state="active",
        denials=0,
        changed_at=work.now,
    )


async def deny_feature(work: Work, *, connection_id: str, feature: str) -> None:
    """Note that a person did not give what a feature needs."""
    await work.execute(
        _DENY,
        connection_id=connection_id,
        feature=feature,
        state="denied",
        denials=1,
        denied_at=work.now,
        changed_at=work.now,
    )


async def drop_feature(work: Work, *, connection_id: str, feature: str) -> bool:
    """Switch a feature off; ``False`` if it was not on."""
    rows = await work.execute(_DROP, connection_id=connection_id, feature_name=feature)
    return rows.first() is not None


async def declared_at(work: Work, provider: str) -> list[Declared]:
    """Return the features that a tenant declared at a provider."""
    rows = await work.execute(_DECLARED, provider_id=provider)
    return [
        Declared(feature=row.feature, title=row.title, scopes=tuple(row.scopes))
        for row in rows.all()
    ]


async def declare(
    work: Work, *, provider: str, feature: str, title: str, scopes: Sequence[str]
) -> None:
    """Declare a feature, new or changed."""
    await work.execute(
        _DECLARE,
        provider=provider,
        feature=feature,
        title=title,
        scopes=list(scopes),
        updated_at=work.now,
    )


async def take_back(work: Work, *, provider: str, feature: str) -> bool:
    """Undeclare a feature; ``False`` if nobody declared it."""
    rows = await work.execute(_TAKE_BACK, provider_id=provider, feature_name=feature)
    return rows.first() is not None
