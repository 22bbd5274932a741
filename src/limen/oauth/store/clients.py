"""Clients and their secrets in SQL."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import insert_or_nothing
from limen.db.work import Work
from limen.oauth.model import Client, ClientSecret
from limen.oauth.tables import (
    client_logos,
    client_origins,
    client_secrets,
    clients,
    service_accounts,
)
from limen.protocol.client_metadata import ClientMetadata

_OWN_COLUMNS: Final[Mapping[str, str]] = {
    "client_name": "name",
    "client_type": "type",
    "token_endpoint_auth_method": "auth_method",
    "redirect_uris": "redirect_uris",
    "post_logout_redirect_uris": "post_logout_redirect_uris",
    "grant_types": "grant_types",
    "scope": "scope",
    "allowed_origins": "allowed_origins",
    "require_pkce": "require_pkce",
}
"""Members of the metadata with a column of their own; the others share ``metadata``."""

_THIS: Final = (
    clients.c.tenant_id == bindparam("tenant_id"),
    clients.c.client_id == bindparam("id"),
)
_COLUMNS: Final = (
    *clients.c,
    service_accounts.c.client_id.is_not(None).label("is_service_account"),
    service_accounts.c.expires_at.label("expires_at"),
    client_logos.c.id.label("logo_id"),
)
_WITH_MORE: Final = clients.outerjoin(
    service_accounts,
    sa.and_(
        service_accounts.c.tenant_id == clients.c.tenant_id,
        service_accounts.c.client_id == clients.c.client_id,
    ),
).outerjoin(
    client_logos,
    sa.and_(
        client_logos.c.tenant_id == clients.c.tenant_id,
        client_logos.c.client_id == clients.c.client_id,
    ),
)
_FIND: Final = sa.select(*_COLUMNS).select_from(_WITH_MORE).where(*_THIS)
_LOCK: Final = _FIND.with_for_update(of=clients)
_SECRETS: Final = (
    sa.select(*client_secrets.c)
    .where(
        client_secrets.c.tenant_id == bindparam("tenant_id"),
        client_secrets.c.client_id == bindparam("id"),
    )
    .order_by(client_secrets.c.created_at, client_secrets.c.id)
)
_LIST: Final = (
    sa.select(*_COLUMNS)
    .select_from(_WITH_MORE)
    .where(clients.c.tenant_id == bindparam("tenant_id"), clients.c.client_id > bindparam("after"))
    .order_by(clients.c.client_id)
    .limit(bindparam("most", type_=sa.Integer))
)
_ALLOWS: Final = (
    sa.select(client_origins.c.client_id)
    .select_from(
        client_origins.join(
            clients,
            sa.and_(
                clients.c.tenant_id == client_origins.c.tenant_id,
                clients.c.client_id == client_origins.c.client_id,
            ),
        )
    )
    .where(
        client_origins.c.tenant_id == bindparam("tenant_id"),
        client_origins.c.origin == bindparam("from_origin"),
        clients.c.disabled_at.is_(None),
    )
    .limit(1)
)
_ADD_ORIGIN: Final = sa.insert(client_origins)
_DROP_ORIGINS: Final = sa.delete(client_origins).where(
    client_origins.c.tenant_id == bindparam("tenant_id"),
    client_origins.c.client_id == bindparam("id"),
)
_ADD: Final = insert_or_nothing(
    clients, conflict=("tenant_id", "client_id"), returning=(clients.c.client_id,)
)
_CHANGE: Final = (
    sa.update(clients)
    .where(*_THIS)
    .values(
        {
            column: bindparam(f"new_{column}")
            for column in (*_OWN_COLUMNS.values(), "metadata", "default_scope", "default_resource")
        },
    )
    .values(
        first_party=bindparam("new_first_party"),
        trusted=bindparam("new_trusted"),
        verified=bindparam("new_verified"),
        rotates_refresh=bindparam("new_rotates_refresh"),
        document_fresh_until=bindparam("new_document_fresh_until"),
        version=clients.c.version + 1,
        updated_at=bindparam("new_updated_at"),
    )
)
_SET_DISABLED: Final = (
    sa.update(clients)
    .where(*_THIS)
    .values(
        disabled_at=bindparam("new_disabled_at"),
        version=clients.c.version + 1,
        updated_at=bindparam("new_updated_at"),
    )
    .returning(clients.c.version)
)
_TOUCH: Final = (
    sa.update(clients)
    .where(*_THIS)
    .values(version=clients.c.version + 1, updated_at=bindparam("new_updated_at"))
    .returning(clients.c.version)
)
_DELETE: Final = sa.delete(clients).where(*_THIS).returning(clients.c.client_id)
_DROP_SECRETS: Final = sa.delete(client_secrets).where(
    client_secrets.c.tenant_id == bindparam("tenant_id"),
    client_secrets.c.client_id == bindparam("id"),
)
_DROP_SECRET: Final = (
    sa.delete(client_secrets)
    .where(
        client_secrets.c.tenant_id == bindparam("tenant_id"),
        client_secrets.c.client_id == bindparam("of_client_id"),
        client_secrets.c.id == bindparam("id"),
    )
    .returning(client_secrets.c.id)
)
_ADD_SECRET: Final = sa.insert(client_secrets)
_EXPIRE_SECRETS: Final = (
    sa.update(client_secrets)
    .where(
        client_secrets.c.tenant_id == bindparam("tenant_id"),
        client_secrets.c.client_id == bindparam("id"),
        client_secrets.c.expires_at.is_(None),
    )
    .values(expires_at=bindparam("new_expires_at"))
)
_DROP_EXPIRING: Final = sa.delete(client_secrets).where(
    client_secrets.c.tenant_id == bindparam("tenant_id"),
    client_secrets.c.client_id == bindparam("id"),
    client_secrets.c.expires_at.is_not(None),
)


async def find_client(work: Work, client_id: str) -> Client | None:
    """Return the client, disabled or not."""
    row = (await work.execute(_FIND, id=client_id)).first()
    return None if row is None else await _with_secrets(work, row)


async def lock_client(work: Work, client_id: str) -> Client | None:
    """Read a client and keep others from changing it until the Work ends."""
    row = (await work.execute(_LOCK, id=client_id)).first()
    return None if row is None else await _with_secrets(work, row)


async def list_clients(work: Work, *, after: str, most: int) -> list[Client]:
    """Return clients by id, without their secrets."""
    rows = (await work.execute(_LIST, after=after, most=most)).all()
    return [_client(row) for row in rows]


async def find_client_of_origin(work: Work, origin: str) -> str | None:
    """Return an active client that allows an origin."""
    found = (await work.execute(_ALLOWS, from_origin=origin)).scalar()
    return None if found is None else str(found)


async def add_client(work: Work, client: Client) -> bool:
    """Insert a client with its secrets; ``False`` if the id is taken."""
    added = await work.execute(
        _ADD,
        **_columns(client),
        client_id=client.client_id,
        version=client.version,
        created_at=client.created_at,
        updated_at=client.created_at,
        disabled_at=client.disabled_at,
    )
    if added.first() is None:
        return False
    await _add_origins(work, client)
    for secret in client.secrets:
        await add_secret(work, client.client_id, secret)
    return True


async def change_client(work: Work, client: Client) -> None:
    """Write all that can change of a client, under a new version; its secrets stay."""
    values = {f"new_{name}": value for name, value in _columns(client).items()}
    await work.execute(_CHANGE, id=client.client_id, new_updated_at=work.now, **values)
    await work.execute(_DROP_ORIGINS, id=client.client_id)
    await _add_origins(work, client)


async def set_disabled(work: Work, client_id: str, *, at: dt.datetime | None) -> bool:
    """Disable a client, or enable it with ``None``; ``False`` if it is unknown."""
    changed = await work.execute(
        _SET_DISABLED, id=client_id, new_disabled_at=at, new_updated_at=work.now
    )
    return changed.first() is not None


async def touch_client(work: Work, client_id: str) -> None:
    """Give a client a new version, so that no cache keeps its old secrets."""
    await work.execute(_TOUCH, id=client_id, new_updated_at=work.now)


async def delete_client(work: Work, client_id: str) -> bool:
    """Delete a client with all that points at it here; ``False`` if it is unknown."""
    return (await work.execute(_DELETE, id=client_id)).first() is not None


async def drop_secrets(work: Work, client_id: str) -> None:
    """Delete all secrets of a client that goes on without, or with one of another form."""
    await work.execute(_DROP_SECRETS, id=client_id)


async def drop_secret(work: Work, client_id: str, *, secret_id: str) -> bool:
    """Delete one secret of a client; ``False`` if it has no such secret."""
    rows = await work.execute(_DROP_SECRET, of_client_id=client_id, id=secret_id)
    return rows.first() is not None


async def add_secret(work: Work, client_id: str, secret: ClientSecret) -> None:
    """Insert a secret, hashed or sealed."""
    await work.execute(
        _ADD_SECRET,
        id=secret.id,
        client_id=client_id,
        secret_hash=secret.secret_hash,
        sealed_secret=secret.sealed_secret,
        created_at=secret.created_at,
        expires_at=secret.expires_at,
    )


async def drop_expiring_secrets(work: Work, client_id: str) -> None:
    """Delete the secrets that are on their way out, so that never more than two are valid."""
    await work.execute(_DROP_EXPIRING, id=client_id)


async def expire_secrets(work: Work, client_id: str, *, at: dt.datetime) -> None:
    """Let the current secret end then."""
    await work.execute(_EXPIRE_SECRETS, id=client_id, new_expires_at=at)


async def _add_origins(work: Work, client: Client) -> None:
    for origin in dict.fromkeys(client.origins):
        await work.execute(_ADD_ORIGIN, origin=origin, client_id=client.client_id)


async def _with_secrets(work: Work, row: Row) -> Client:
    client = _client(row)
    if not (client.metadata.has_secret or client.is_service_account):
        return client
    found = (await work.execute(_SECRETS, id=row.client_id)).all()
    return dataclasses.replace(client, secrets=tuple(map(_secret, found)))


def _secret(row: Row) -> ClientSecret:
    return ClientSecret(
        id=row.id,
        secret_hash=_bytes(row.secret_hash),
        sealed_secret=_bytes(row.sealed_secret),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _columns(client: Client) -> dict[str, Any]:
    members = dataclasses.asdict(client.metadata)
    rest = {name: value for name, value in members.items() if name not in _OWN_COLUMNS}
    return {
        **{column: _plain(members[name]) for name, column in _OWN_COLUMNS.items()},
        "metadata": {name: _plain(value) for name, value in rest.items()},
        "document_fresh_until": client.document_fresh_until,
        "default_scope": list(client.default_scope),
        "default_resource": client.default_resource,
        "first_party": client.first_party,
        "trusted": client.trusted,
        "verified": client.verified,
        "rotates_refresh": client.rotates_refresh,
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _client(row: Row) -> Client:
    members = dict(row.metadata)
    members.update({name: getattr(row, column) for name, column in _OWN_COLUMNS.items()})
    return Client(
        client_id=row.client_id,
        metadata=ClientMetadata(**{name: _frozen(value) for name, value in members.items()}),
        default_scope=tuple(row.default_scope),
        first_party=row.first_party,
        trusted=row.trusted or row.first_party,
        verified=row.verified,
        rotates_refresh=row.rotates_refresh,
        default_resource=row.default_resource,
        version=row.version,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        secrets=(),
        document_fresh_until=row.document_fresh_until,
        is_service_account=bool(row.is_service_account),
        expires_at=row.expires_at,
        logo_id=row.logo_id or "",
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
