"""The SQL of providers' events."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.model import Grant
from limen.vault.push.tables import push_secrets
from limen.vault.store.grants import WHOLE_GRANT, below, to_grant
from limen.vault.tables import upstream_grants

_g = upstream_grants.c
_p = push_secrets.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_PUT = upsert(
    push_secrets,
    conflict=("tenant_id", "provider"),
    changes={
        "sealed_secret": bindparam("sealed_secret"),
        "updated_at": bindparam("updated_at", type_=_p.updated_at.type),
    },
)
_FIND = sa.select(_p.sealed_secret).where(
    _p.tenant_id == _TENANT, _p.provider == bindparam("provider")
)
# scans: a tenant's few providers, all of them
_LIST = sa.select(_p.provider, _p.updated_at).where(_p.tenant_id == _TENANT).order_by(_p.provider)
_DROP = (
    sa.delete(push_secrets)
    .where(_p.tenant_id == _TENANT, _p.provider == bindparam("provider"))
    .returning(_p.provider)
)
# Of this client of ours alone, and of the account's whole name: nobody's namesake.
_OURS = (
    _g.tenant_id == _TENANT,
    _g.issuer == bindparam("issuer"),
    _g.upstream_client_id == bindparam("upstream_client_id"),
)
_NAMED = (
    sa.select(*WHOLE_GRANT)
    .where(*_OURS, _g.live_subject == bindparam("subject"))
    .with_for_update(of=upstream_grants)
)
_BELOW = (
    sa.select(*WHOLE_GRANT)
    .where(*_OURS, _g.live_subject >= bindparam("first"), _g.live_subject < bindparam("beyond"))
    .order_by(_g.id)
    .limit(bindparam("most", type_=sa.Integer))
    .with_for_update(of=upstream_grants)
)
_MOST = 1000


async def put_secret(work: Work, *, provider: str, sealed_secret: bytes) -> None:
    """Keep what a provider signs with, in the place of what it signed with before."""
    await work.execute(_PUT, provider=provider, sealed_secret=sealed_secret, updated_at=work.now)


async def find_secret(work: Work, *, provider: str) -> bytes | None:
    """Return what a provider signs with."""
    row = (await work.execute(_FIND, provider=provider)).first()
    return None if row is None else bytes(row.sealed_secret)


async def list_secrets(work: Work) -> list[tuple[str, dt.datetime]]:
    """Return whose secrets are kept, and since when."""
    return [(row.provider, row.updated_at) for row in (await work.execute(_LIST)).all()]


async def drop_secret(work: Work, *, provider: str) -> bool:
    """Forget what a provider signs with; whether there was anything."""
    return (await work.execute(_DROP, provider=provider)).first() is not None


async def lock_named(
    work: Work, *, issuer: str, upstream_client_id: str, subject: str
) -> list[Grant]:
    """Return an account's live grants at our client, locked; several products may share it."""
    rows = await work.execute(
        _NAMED, issuer=issuer, upstream_client_id=upstream_client_id, subject=subject
    )
    return [to_grant(row) for row in rows.all()]


async def lock_below(
    work: Work, *, issuer: str, upstream_client_id: str, prefix: str
) -> list[Grant]:
    """Return live grants whose subjects begin with ``prefix``, which ends in a colon."""
    first, beyond = below(prefix)
    rows = await work.execute(
        _BELOW,
        issuer=issuer,
        upstream_client_id=upstream_client_id,
        first=first,
        beyond=beyond,
        most=_MOST,
    )
    return [to_grant(row) for row in rows.all()]
