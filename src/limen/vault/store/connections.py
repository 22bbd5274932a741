"""The vault's SQL for connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.federation.clients.switch import is_switched_on
from limen.vault.model import TENANT_OWNER, Connection, FeatureState, Grant, ReleaseMode
from limen.vault.store.features import features_of_all
from limen.vault.store.grants import GRANT_COLUMNS, WHOLE_GRANT, to_grant
from limen.vault.tables import (
    connection_consents,
    connections,
    release_policies,
    token_releases,
    upstream_grants,
)

_g = upstream_grants.c
_c = connections.c
_s = connection_consents.c
_p = release_policies.c
_r = token_releases.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

# A tenant's own connection is none of the person's who connected it.
_OWNER = sa.case((_c.belongs_to == "tenant", TENANT_OWNER), else_=_c.user_id)
_IS_OWNED: sa.ColumnElement[bool] = bindparam("owner_id") == _OWNER
_OF_TENANT: sa.ColumnElement[str] = sa.literal_column("'tenant'")
_OF_PERSON: sa.ColumnElement[str] = sa.literal_column("'person'")
_CONNECTION_COLUMNS = (
    _c.id.label("connection_id"),
    _OWNER.label("owner_id"),
    _c.label.label("account_label"),
    _c.created_at.label("connected_at"),
)
_SWITCHED_ON = is_switched_on(tenant_id=_c.tenant_id, provider=_c.provider).label("switched_on")
_SHOWN_COLUMNS = (
    *_CONNECTION_COLUMNS,
    _c.nickname,
    _c.tags,
    _c.metadata,
    _SWITCHED_ON,
    *WHOLE_GRANT,
)
_ON_GRANT = sa.and_(_g.tenant_id == _c.tenant_id, _g.id == _c.live_grant_id)
# Whose it is stands in the statement: another's connection, or another tenant's, is no row (N243).
_THIS = (_c.tenant_id == _TENANT, _c.id == bindparam("connection_id"), _IS_OWNED)
_WITH_RELEASE = connections.join(upstream_grants, _ON_GRANT).outerjoin(
    token_releases,
    sa.and_(
        _r.tenant_id == _c.tenant_id,
        _r.connection_id == _c.id,
        _r.reader == bindparam("reader"),
    ),
)
_RELEASED = _r.generation.label("released_generation")
_FIND = (
    sa.select(*_CONNECTION_COLUMNS, *GRANT_COLUMNS, _RELEASED, _SWITCHED_ON)
    .select_from(_WITH_RELEASE)
    .where(*_THIS)
)
# What a client may do with it is read along with it: one statement, whoever asks.
_FIND_SHARED = (
    sa.select(
        *_CONNECTION_COLUMNS,
        *GRANT_COLUMNS,
        _RELEASED,
        _SWITCHED_ON,
        _p.mode,
        _s.features.label("agreed_features"),
        _s.scopes.label("agreed_scopes"),
        _s.mode.label("agreed_mode"),
    )
    .select_from(
        _WITH_RELEASE.outerjoin(
            connection_consents,
            sa.and_(
                _s.tenant_id == _c.tenant_id,
                _s.connection_id == _c.id,
                _s.client_id == bindparam("client_id"),
            ),
        ).outerjoin(
            release_policies,
            sa.and_(_p.tenant_id == _c.tenant_id, _p.client_id == bindparam("client_id")),
        )
    )
    .where(*_THIS)
)
_HOLD = (
    sa.select(_c.id).where(*_THIS, _c.live_grant_id.is_not(None)).with_for_update(of=connections)
)
_SHOW = (
    sa.select(*_SHOWN_COLUMNS)
    .select_from(connections.join(upstream_grants, _ON_GRANT))
    .where(*_THIS)
)
_LIST = (
    sa.select(*_SHOWN_COLUMNS)
    .select_from(connections.join(upstream_grants, _ON_GRANT))
    .where(
        _c.tenant_id == _TENANT,
        _c.user_id == bindparam("owner_id"),
        _c.belongs_to == _OF_PERSON,
        _c.live_grant_id.is_not(None),
    )
    .order_by(_c.id.desc())
    .limit(bindparam("most", type_=sa.Integer))
)
_LIST_OF_TENANT = (
    sa.select(*_SHOWN_COLUMNS)
    .select_from(connections.join(upstream_grants, _ON_GRANT))
    .where(
        _c.tenant_id == _TENANT,
        _c.belongs_to == _OF_TENANT,
        _c.live_grant_id.is_not(None),
    )
    .order_by(_c.id.desc())
    .limit(bindparam("most", type_=sa.Integer))
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
    # Somebody's own and the tenant's, of one account, are never one connection.
    where=_c.belongs_to == bindparam("kept_for"),
    returning=(_c.id,),
)
_ANNOTATE = (
    sa.update(connections)
    .where(*_THIS, _c.live_grant_id.is_not(None))
    .values(
        nickname=sa.func.coalesce(bindparam("new_nickname", type_=sa.Text), _c.nickname),
        tags=sa.func.coalesce(bindparam("new_tags", type_=_c.tags.type), _c.tags),
        metadata=sa.func.coalesce(bindparam("new_metadata", type_=_c.tags.type), _c.metadata),
    )
    .returning(_c.id)
)
# The tombstone first: from here on nobody finds the connection, and its grant counts one less.
_END_CONNECTION = (
    sa.update(connections)
    .where(*_THIS, _c.live_grant_id.is_not(None))
    .values(
        live_grant_id=None,
        label="",
        nickname="",
        tags=sa.literal([], _c.tags.type),
        metadata=sa.literal({}, _c.tags.type),
        ended_at=bindparam("new_ended_at"),
    )
    .returning(_c.grant_id)
)
_COUNT_LIVE = sa.select(sa.func.count()).where(
    _c.tenant_id == _TENANT, _c.live_grant_id == bindparam("grant_id")
)
_USERS_CONNECTIONS = sa.select(_c.id).where(
    _c.tenant_id == _TENANT,
    _c.user_id == bindparam("owner_id"),
    _c.belongs_to == _OF_PERSON,
    _c.live_grant_id.is_not(None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What a client may do with somebody's connection.

    Args:
        mode: As an administrator set it for the client; ``None`` if nobody did.
        features: What the owner agreed to; ``None`` if to nothing.
        scopes: What these features needed when the owner agreed.
        agreed: How the owner agreed that it is used; ``None`` if not at all.
    """

    mode: str | None
    features: tuple[str, ...] | None
    scopes: tuple[str, ...]
    agreed: ReleaseMode | None = None


async def find_connection(
    work: Work, *, connection_id: str, owner_id: str, reader: str = ""
) -> tuple[Connection, int | None] | None:
    """Return an owner's live connection, and the generation ``reader`` was last given."""
    row = await work.find(_FIND, connection_id=connection_id, owner_id=owner_id, reader=reader)
    return None if row is None else (to_connection(row, {}), row.released_generation)


async def find_shared(
    work: Work, *, connection_id: str, owner_id: str, reader: str, client_id: str
) -> tuple[Connection, int | None, Shared] | None:
    """Return as ``find_connection``, and what a client may do with it."""
    row = await work.find(
        _FIND_SHARED,
        connection_id=connection_id,
        owner_id=owner_id,
        reader=reader,
        client_id=client_id,
    )
    if row is None:
        return None
    features = None if row.agreed_features is None else tuple(row.agreed_features)
    shared = Shared(
        mode=row.mode,
        features=features,
        scopes=tuple(row.agreed_scopes or ()),
        agreed=row.agreed_mode,
    )
    return to_connection(row, {}), row.released_generation, shared


def foresee_connection(
    work: Work, *, connection_id: str, owner_id: str, reader: str, client_id: str
) -> None:
    """Have read along what ``find_shared`` will ask for; without a client, ``find_connection``."""
    asked = {"connection_id": connection_id, "owner_id": owner_id, "reader": reader}
    if client_id:
        work.foresee(_FIND_SHARED, **asked, client_id=client_id)
    else:
        work.foresee(_FIND, **asked)


async def hold_connection(work: Work, *, connection_id: str, owner_id: str) -> bool:
    """Let nobody else share it, change its features or end it until the Work ends.

    ``False``: the owner has no such live connection.
    """
    rows = await work.execute(_HOLD, connection_id=connection_id, owner_id=owner_id)
    return rows.first() is not None


async def show_connection(work: Work, *, connection_id: str, owner_id: str) -> Connection | None:
    """Return an owner's live connection with all that is shown of it."""
    row = (await work.execute(_SHOW, connection_id=connection_id, owner_id=owner_id)).first()
    if row is None:
        return None
    features = await features_of_all(work, [connection_id])
    return to_connection(row, features.get(connection_id, {}))


async def list_connections(work: Work, *, owner_id: str, most: int) -> list[Connection]:
    """Return an owner's live connections, newest first."""
    if owner_id == TENANT_OWNER:
        rows = (await work.execute(_LIST_OF_TENANT, most=most)).all()
    else:
        rows = (await work.execute(_LIST, owner_id=owner_id, most=most)).all()
    features = await features_of_all(work, [row.connection_id for row in rows])
    return [to_connection(row, features.get(row.connection_id, {})) for row in rows]


async def annotate(
    work: Work,
    *,
    connection_id: str,
    owner_id: str,
    nickname: str | None,
    tags: Sequence[str] | None,
    metadata: Mapping[str, Any] | None,
) -> bool:
    """Write what an owner says of a connection; ``None`` leaves as it is."""
    rows = await work.execute(
        _ANNOTATE,
        connection_id=connection_id,
        owner_id=owner_id,
        new_nickname=nickname,
        new_tags=None if tags is None else list(tags),
        new_metadata=None if metadata is None else dict(metadata),
    )
    return rows.first() is not None


async def note_release(work: Work, *, connection_id: str, reader: str, generation: int) -> None:
    """Note which generation a reader was given."""
    await work.execute(
        _RELEASE,
        connection_id=connection_id,
        reader=reader,
        generation=generation,
        released_at=work.now,
    )


async def put_connection(
    work: Work, *, new_id: str, owner_id: str, grant: Grant, label: str, kept_by: str = ""
) -> str | None:
    """Return the id of the owner's live connection to a grant, made if there was none.

    A tenant's own is kept by a user: by ``kept_by``, or else by the actor.

    ``None`` if who connects has it already as the other of the two: their own, or the tenant's.
    """
    belongs_to = "tenant" if owner_id == TENANT_OWNER else "person"
    rows = await work.execute(
        _ADD_CONNECTION,
        id=new_id,
        user_id=(kept_by or work.actor.id) if owner_id == TENANT_OWNER else owner_id,
        belongs_to=belongs_to,
        kept_for=belongs_to,
        grant_id=grant.id,
        live_grant_id=grant.id,
        provider=grant.provider,
        label=label,
        created_at=work.now,
    )
    row = rows.first()
    return None if row is None else str(row.id)


async def end_connection(work: Work, *, connection_id: str, owner_id: str) -> str | None:
    """End an owner's connection; return its grant's id, ``None`` if there was nothing to end."""
    row = (
        await work.execute(
            _END_CONNECTION,
            connection_id=connection_id,
            owner_id=owner_id,
            new_ended_at=work.now,
        )
    ).first()
    return None if row is None else str(row.grant_id)


async def count_live_connections(work: Work, grant_id: str) -> int:
    """Return how many connections stand on a grant."""
    return int((await work.execute(_COUNT_LIVE, grant_id=grant_id)).scalar())


async def connection_ids_of(work: Work, user_id: str) -> list[str]:
    """Return the ids of all live connections of a user."""
    rows = await work.execute(_USERS_CONNECTIONS, owner_id=user_id)
    return [row.id for row in rows.all()]


def to_connection(row: Any, features: dict[str, FeatureState]) -> Connection:
    """Make a connection of a row with its grant's columns."""
    return Connection(
        id=row.connection_id,
        owner_id=row.owner_id,
        provider=row.provider,
        label=row.account_label,
        created_at=row.connected_at,
        grant=to_grant(row),
        features=features,
        nickname=getattr(row, "nickname", ""),
        tags=tuple(getattr(row, "tags", ())),
        metadata=getattr(row, "metadata", {}),
        is_switched_on=bool(getattr(row, "switched_on", False)),
    )
