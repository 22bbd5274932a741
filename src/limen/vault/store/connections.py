"""The vault's SQL for connections; ``grants_store`` and ``journal_store`` have the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.model import Connection, FeatureState, Grant
from limen.vault.store.grants import GRANT_COLUMNS, to_grant
from limen.vault.tables import (
    connect_links,
    connection_features,
    connections,
    token_releases,
    upstream_grants,
)

_g = upstream_grants.c
_c = connections.c
_f = connection_features.c
_r = token_releases.c
_l = connect_links.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_CONNECTION_COLUMNS = (
    _c.id.label("connection_id"),
    _c.user_id,
    _c.label.label("account_label"),
    _c.created_at.label("connected_at"),
    *GRANT_COLUMNS,
)
_ON_GRANT = sa.and_(_g.tenant_id == _c.tenant_id, _g.id == _c.live_grant_id)
# Whose it is stands in the statement: another's connection, or another tenant's, is no row (N243).
_FIND = (
    sa.select(*_CONNECTION_COLUMNS, _r.generation.label("released_generation"))
    .select_from(
        connections.join(upstream_grants, _ON_GRANT).outerjoin(
            token_releases,
            sa.and_(
                _r.tenant_id == _c.tenant_id,
                _r.connection_id == _c.id,
                _r.reader == bindparam("reader"),
            ),
        )
    )
    .where(
        _c.tenant_id == _TENANT,
        _c.id == bindparam("connection_id"),
        _c.user_id == bindparam("user_id"),
    )
)
_LIST = (
    sa.select(*_CONNECTION_COLUMNS)
    .select_from(connections.join(upstream_grants, _ON_GRANT))
    .where(
        _c.tenant_id == _TENANT,
        _c.user_id == bindparam("user_id"),
        _c.live_grant_id.is_not(None),
    )
    .order_by(_c.id.desc())
    .limit(bindparam("most", type_=sa.Integer))
)
_FEATURES = (
    sa.select(_f.connection_id, _f.feature, _f.state)
    .where(_f.tenant_id == _TENANT, _f.connection_id.in_(bindparam("ids", expanding=True)))
    .order_by(_f.connection_id, _f.feature)
)
_PUT_FEATURE = upsert(
    connection_features,
    conflict=("tenant_id", "connection_id", "feature"),
    changes={
        "state": bindparam("state"),
        "changed_at": bindparam("changed_at", type_=_f.changed_at.type),
    },
)
_RELEASE = upsert(
    token_releases,
    conflict=("tenant_id", "connection_id", "reader"),
    changes={
        "generation": bindparam("generation"),
        "released_at": bindparam("released_at", type_=_r.released_at.type),
    },
)
_ADD_CONNECTION = upsert(
    connections,
    conflict=("tenant_id", "user_id", "live_grant_id"),
    changes={"label": bindparam("label")},
    returning=(_c.id,),
)
# The tombstone first: from here on nobody finds the connection, and its grant counts one less.
_END_CONNECTION = (
    sa.update(connections)
    .where(
        _c.tenant_id == _TENANT,
        _c.id == bindparam("connection_id"),
        _c.user_id == bindparam("user_id"),
        _c.live_grant_id.is_not(None),
    )
    .values(live_grant_id=None, label="", ended_at=bindparam("new_ended_at"))
    .returning(_c.grant_id)
)
_COUNT_LIVE = sa.select(sa.func.count()).where(
    _c.tenant_id == _TENANT, _c.live_grant_id == bindparam("grant_id")
)
_USERS_CONNECTIONS = sa.select(_c.id).where(
    _c.tenant_id == _TENANT,
    _c.user_id == bindparam("user_id"),
    _c.live_grant_id.is_not(None),
)

_ADD_LINK = sa.insert(connect_links)
_FIND_LINK = sa.select(_l.provider, _l.wanted).where(
    _l.tenant_id == _TENANT,
    _l.token_hash == bindparam("token_hash"),
    _l.user_id == bindparam("user_id"),
    _l.provider == bindparam("provider"),
    _l.expires_at > bindparam("now", type_=_l.expires_at.type),
)
_TAKE_LINK = (
    sa.delete(connect_links)
    .where(
        _l.tenant_id == _TENANT,
        _l.token_hash == bindparam("token_hash"),
        _l.user_id == bindparam("user_id"),
        _l.provider == bindparam("provider"),
        _l.expires_at > bindparam("now", type_=_l.expires_at.type),
    )
    .returning(_l.provider, _l.wanted)
)
_SWEEP_LINKS = sa.delete(connect_links).where(
    _l.tenant_id == _TENANT, _l.expires_at <= bindparam("now", type_=_l.expires_at.type)
)


async def find_connection(
    work: Work, *, connection_id: str, user_id: str, reader: str = ""
) -> tuple[Connection, int | None] | None:
    """Return a user's live connection, and the generation ``reader`` was last given."""
    row = (
        await work.execute(_FIND, connection_id=connection_id, user_id=user_id, reader=reader)
    ).first()
    if row is None:
        return None
    return to_connection(row, {}), row.released_generation


async def list_connections(work: Work, *, user_id: str, most: int) -> list[Connection]:
    """Return a user's live connections, newest first."""
    rows = (await work.execute(_LIST, user_id=user_id, most=most)).all()
    features = await _features_of(work, [row.connection_id for row in rows])
    return [to_connection(row, features.get(row.connection_id, {})) for row in rows]


async def features_of(work: Work, connection_id: str) -> dict[str, FeatureState]:
    """Return a connection's features and their states."""
    return (await _features_of(work, [connection_id])).get(connection_id, {})


async def put_feature(work: Work, *, connection_id: str, feature: str, state: FeatureState) -> None:
    """Note that a feature was switched on, or denied."""
    await work.execute(
        _PUT_FEATURE,
        connection_id=connection_id,
        feature=feature,
        state=state,
        changed_at=work.now,
    )


async def note_release(work: Work, *, connection_id: str, reader: str, generation: int) -> None:
    """Note which generation a reader was given."""
    await work.execute(
        _RELEASE,
        connection_id=connection_id,
        reader=reader,
        generation=generation,
        released_at=work.now,
    )


async def put_connection(work: Work, *, new_id: str, user_id: str, grant: Grant, label: str) -> str:
    """Return the id of the user's live connection to a grant, made if there was none."""
    rows = await work.execute(
        _ADD_CONNECTION,
        id=new_id,
        user_id=user_id,
        grant_id=grant.id,
        live_grant_id=grant.id,
        provider=grant.provider,
        label=label,
        created_at=work.now,
    )
    return str(rows.one().id)


async def end_connection(work: Work, *, connection_id: str, user_id: str) -> str | None:
    """End a user's connection; return its grant's id, ``None`` if there was nothing to end."""
    row = (
        await work.execute(
            _END_CONNECTION,
            connection_id=connection_id,
            user_id=user_id,
            new_ended_at=work.now,
        )
    ).first()
    return None if row is None else str(row.grant_id)


async def count_live_connections(work: Work, grant_id: str) -> int:
    """Return how many connections stand on a grant."""
    return int((await work.execute(_COUNT_LIVE, grant_id=grant_id)).scalar())


async def connection_ids_of(work: Work, user_id: str) -> list[str]:
    """Return the ids of all live connections of a user."""
    rows = await work.execute(_USERS_CONNECTIONS, user_id=user_id)
    return [row.id for row in rows.all()]


async def add_link(work: Work, **columns: Any) -> None:
    """Remember a connection begun without a browser."""
    await work.execute(_ADD_LINK, **columns)


async def find_link(
    work: Work, *, token_hash: bytes, user_id: str, provider: str
) -> dict[str, Any] | None:
    """Return what a link asks for, if it is this user's."""
    row = (
        await work.execute(
            _FIND_LINK, token_hash=token_hash, user_id=user_id, provider=provider, now=work.now
        )
    ).first()
    return None if row is None else dict(row.wanted)


async def take_link(
    work: Work, *, token_hash: bytes, user_id: str, provider: str
) -> dict[str, Any] | None:
    """Consume a link, once, for the user it was made for."""
    row = await take(
        work,
        _TAKE_LINK,
        token_hash=token_hash,
        user_id=user_id,
        provider=provider,
        now=work.now,
    )
    return None if row is None else dict(row.wanted)


async def sweep_links(work: Work) -> int:
    """Forget links nobody followed."""
    return (await work.execute(_SWEEP_LINKS, now=work.now)).count


def to_connection(row: Any, features: dict[str, FeatureState]) -> Connection:
    """Make a connection of a row with its grant's columns."""
    return Connection(
        id=row.connection_id,
        user_id=row.user_id,
        provider=row.provider,
        label=row.account_label,
        created_at=row.connected_at,
        grant=to_grant(row),
        features=features,
    )


async def _features_of(work: Work, ids: Iterable[str]) -> dict[str, dict[str, FeatureState]]:
    wanted = list(ids)
    if not wanted:
        return {}
    found: dict[str, dict[str, FeatureState]] = {}
    for row in (await work.execute(_FEATURES, ids=wanted)).all():
        found.setdefault(row.connection_id, {})[row.feature] = row.state
    return found
