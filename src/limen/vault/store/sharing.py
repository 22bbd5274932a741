"""The vault's SQL for what clients may do with connections: policies, consents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.model import ReleaseMode
from limen.vault.tables import connection_consents, release_policies

_p = release_policies.c
_s = connection_consents.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_FIND_POLICY = sa.select(_p.mode).where(_p.tenant_id == _TENANT, _p.client_id == bindparam("id"))
_PUT_POLICY = upsert(
    release_policies,
    conflict=("tenant_id", "client_id"),
    changes={
        "mode": bindparam("mode"),
        "updated_at": bindparam("updated_at", type_=_p.updated_at.type),
    },
)
_COLUMNS = (
    _s.connection_id,
    _s.client_id,
    _s.features,
    _s.scopes,
    _s.mode,
    _s.given_by,
    _s.given_at,
)
_PUT = upsert(
    connection_consents,
    conflict=("tenant_id", "connection_id", "client_id"),
    changes={
        "features": bindparam("features", type_=_s.features.type),
        "scopes": bindparam("scopes", type_=_s.scopes.type),
        "mode": bindparam("mode"),
        "given_by": bindparam("given_by"),
        "given_at": bindparam("given_at", type_=_s.given_at.type),
    },
)
_OF = (
    sa.select(*_COLUMNS)
    .where(_s.tenant_id == _TENANT, _s.connection_id.in_(bindparam("ids", expanding=True)))
    .order_by(_s.connection_id, _s.client_id)
)
_DROP = (
    sa.delete(connection_consents)
    .where(
        _s.tenant_id == _TENANT,
        _s.connection_id == bindparam("id"),
        _s.client_id == bindparam("whose"),
    )
    .returning(_s.client_id)
)
_DROP_ALL = sa.delete(connection_consents).where(
    _s.tenant_id == _TENANT, _s.connection_id == bindparam("id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionConsent:
    """An owner's consent to a client.

    Args:
        scopes: What the features needed when it was given: what is shared never grows by itself.
        mode: What was agreed to, whatever the client's policy is now; ``raw`` covers ``proxy``.
        given_by: Who agreed; for a tenant's connection one of its administrators.
    """

    connection_id: str
    client_id: str
    features: tuple[str, ...]
    scopes: tuple[str, ...]
    mode: ReleaseMode
    given_by: str
    given_at: dt.datetime


async def find_policy(work: Work, client_id: str) -> str | None:
    """Return what a client may do; ``None`` if nobody said."""
    row = (await work.execute(_FIND_POLICY, id=client_id)).first()
    return None if row is None else str(row.mode)


async def put_policy(work: Work, *, client_id: str, mode: str) -> None:
    """Set what a client may do."""
    await work.execute(_PUT_POLICY, client_id=client_id, mode=mode, updated_at=work.now)


async def put_consent(work: Work, consent: ConnectionConsent) -> None:
    """Write a consent over what was agreed before."""
    told = asdict(consent)
    told |= {"features": list(consent.features), "scopes": list(consent.scopes)}
    await work.execute(_PUT, **told)


async def consents_for(work: Work, ids: Sequence[str]) -> list[ConnectionConsent]:
    """Return the consents for connections."""
    if not ids:
        return []
    rows = await work.execute(_OF, ids=list(ids))
    return [
        ConnectionConsent(
            connection_id=row.connection_id,
            client_id=row.client_id,
            features=tuple(row.features),
            scopes=tuple(row.scopes),
            mode=row.mode,
            given_by=row.given_by,
            given_at=row.given_at,
        )
        for row in rows.all()
    ]


async def drop_consent(work: Work, *, connection_id: str, client_id: str) -> bool:
    """Take a consent back; ``False`` if there was none."""
    rows = await work.execute(_DROP, id=connection_id, whose=client_id)
    return rows.first() is not None


async def drop_all(work: Work, connection_id: str) -> None:
    """Take every consent for a connection back."""
    await work.execute(_DROP_ALL, id=connection_id)
