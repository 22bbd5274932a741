"""The federation's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.types import DbNow, insert_or_nothing, upsert
from limen.db.work import Work
from limen.federation.clients.record import ClientRecord, ClientState, SealedCredential
from limen.federation.provider import Purpose
from limen.federation.tables import (
    identities,
    provider_entries,
    upstream_authorizations,
    upstream_client_secrets,
    upstream_clients,
)

_clients = upstream_clients.c
_secrets = upstream_client_secrets.c
_entries = provider_entries.c
_away = upstream_authorizations.c
_identity = identities.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A browser away at a provider, as the callback finds it."""

    provider: str
    upstream_client_id: str
    user_id: str
    session_id: str
    state_hash: bytes
    sealed_verifier: bytes
    nonce_hash: bytes
    redirect_uri: str
    detail: Mapping[str, Any]


_CLIENT_COLUMNS = (
    _clients.provider,
    _clients.client_id,
    _clients.config,
    _clients.state,
    _clients.incident,
    sa.func.coalesce(_clients.blocked_until > DbNow(), sa.false()).label("is_blocked"),
    _clients.bound_to,
    _entries.kind.label("entry_kind"),
    _entries.document,
    _secrets.id,
    _secrets.kind,
    _secrets.detail,
    _secrets.sealed_secret,
    _secrets.created_at,
    _secrets.expires_at,
)
_WITH_SECRETS = upstream_clients.outerjoin(
    upstream_client_secrets,
    sa.and_(_secrets.tenant_id == _clients.tenant_id, _secrets.provider == _clients.provider),
).outerjoin(
    provider_entries,
    sa.and_(_entries.tenant_id == _clients.tenant_id, _entries.id == _clients.provider),
)
_FIND_CLIENT = (
    sa.select(*_CLIENT_COLUMNS)
    .select_from(_WITH_SECRETS)
    .where(_clients.tenant_id == bindparam("tenant_id"), _clients.provider == bindparam("provider"))
    .order_by(_secrets.created_at.desc(), _secrets.id.desc())
)
# scans: a tenant's few providers, all of them
_LIST_CLIENTS = (
    sa.select(*_CLIENT_COLUMNS)
    .select_from(_WITH_SECRETS)
    .where(_clients.tenant_id == bindparam("tenant_id"))
    .order_by(_clients.provider, _secrets.created_at.desc(), _secrets.id.desc())
)
_PUT_CLIENT = upsert(
    upstream_clients,
    conflict=("tenant_id", "provider"),
    changes={
        "client_id": bindparam("client_id"),
        "config": bindparam("config", type_=_clients.config.type),
        "bound_to": bindparam("bound_to", type_=_clients.bound_to.type),
        "incident": sa.null(),
        "incident_since": sa.null(),
        "failing": sa.null(),
        "failing_since": sa.null(),
        "blocked_until": sa.null(),
        "version": _clients.version + 1,
        "updated_at": bindparam("updated_at", type_=_clients.updated_at.type),
    },
)
_SET_STATE = (
    sa.update(upstream_clients)
    .where(_clients.tenant_id == bindparam("tenant_id"), _clients.provider == bindparam("provider"))
    .values(state=bindparam("new_state"), updated_at=bindparam("new_updated_at"))
)
_SEND_AWAY = sa.insert(upstream_authorizations)
# One statement, and everything that binds the flow is in it: a callback in another browser,
# session or tenant, at another provider or for another purpose takes nothing, and leaves the
# rightful browser's flow as it was (N115, N116).
_TAKE_AWAY = (
    sa.delete(upstream_authorizations)
    .where(
        _away.tenant_id == bindparam("tenant_id"),
        _away.state_hash == bindparam("state_hash"),
        _away.purpose == bindparam("purpose"),
        _away.provider == bindparam("provider"),
        _away.user_id == bindparam("user_id"),
        _away.session_id == bindparam("session_id"),
        _away.browser_hash == bindparam("browser_hash"),
        _away.expires_at > bindparam("now", type_=_away.expires_at.type),
    )
    .returning(
        _away.provider,
        _away.upstream_client_id,
        _away.user_id,
        _away.session_id,
        _away.state_hash,
        _away.sealed_verifier,
        _away.nonce_hash,
        _away.redirect_uri,
        _away.detail,
    )
)
_SWEEP = sa.delete(upstream_authorizations).where(
    _away.tenant_id == bindparam("tenant_id"),
    _away.expires_at <= bindparam("now", type_=_away.expires_at.type),
)

_FIND_IDENTITY = sa.select(_identity.user_id).where(
    _identity.tenant_id == bindparam("tenant_id"),
    _identity.issuer == bindparam("issuer"),
    _identity.subject == bindparam("subject"),
)
_TOUCH_IDENTITY = (
    sa.update(identities)
    .where(
        _identity.tenant_id == bindparam("tenant_id"),
        _identity.issuer == bindparam("issuer"),
        _identity.subject == bindparam("subject"),
    )
    .values(last_used_at=bindparam("new_last_used_at"))
)
_LINK = insert_or_nothing(
    identities, conflict=("tenant_id", "issuer", "subject"), returning=(_identity.user_id,)
)
_FORGET = sa.delete(identities).where(
    _identity.tenant_id == bindparam("tenant_id"), _identity.user_id == bindparam("user_id")
)


async def find_client(work: Work, provider: str) -> ClientRecord | None:
    """Return our client at a provider."""
    found = _clients_of((await work.execute(_FIND_CLIENT, provider=provider)).all())
    return found[0] if found else None


async def list_clients(work: Work) -> list[ClientRecord]:
    """Return our clients at all providers of this tenant."""
    return _clients_of((await work.execute(_LIST_CLIENTS)).all())


async def put_client(
    work: Work,
    *,
    provider: str,
    client_id: str,
    config: Mapping[str, Any],
    bound_to: Sequence[str] | None = None,
) -> None:
    """Write our client at a provider, new or changed; what ailed the old one is forgotten.

    A provider that is switched off stays so: a new secret is nobody's word that it may be used.
    """
    await work.execute(
        _PUT_CLIENT,
        provider=provider,
        client_id=client_id,
        config=dict(config),
        bound_to=None if bound_to is None else sorted(bound_to),
        state="enabled",
        created_at=work.now,
        updated_at=work.now,
    )


async def set_state(work: Work, *, provider: str, state: ClientState) -> bool:
    """Enable or disable a provider; ``False`` if it has no client."""
    rows = await work.execute(
        _SET_STATE, provider=provider, new_state=state, new_updated_at=work.now
    )
    return rows.count > 0


async def send_away(work: Work, **columns: Any) -> None:
    """Remember a browser that leaves for a provider."""
    await work.execute(_SEND_AWAY, **columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What ties a flow to who began it; all of it must be the same at the callback."""

    purpose: Purpose
    provider: str
    user_id: str
    session_id: str
    browser_hash: bytes


async def take_away(work: Work, *, state_hash: bytes, bound: Binding) -> Away | None:
    """Consume a ``state``, once, in the browser and for the person it was made for."""
    row = await take(
        work,
        _TAKE_AWAY,
        state_hash=state_hash,
        purpose=bound.purpose,
        provider=bound.provider,
        user_id=bound.user_id,
        session_id=bound.session_id,
        browser_hash=bound.browser_hash,
        now=work.now,
    )
    return None if row is None else Away(**row._asdict())


async def sweep_away(work: Work) -> int:
    """Forget browsers that did not come back in time."""
    return (await work.execute(_SWEEP, now=work.now)).count


async def find_identity(work: Work, *, issuer: str, subject: str) -> str | None:
    """Return the id of the user an external identity belongs to."""
    found = await work.execute(_FIND_IDENTITY, issuer=issuer, subject=subject)
    return cast("str | None", found.scalar())


async def touch_identity(work: Work, *, issuer: str, subject: str) -> None:
    """Note that an identity was used."""
    await work.execute(_TOUCH_IDENTITY, issuer=issuer, subject=subject, new_last_used_at=work.now)


async def link_identity(
    work: Work, *, issuer: str, subject: str, user_id: str, provider: str
) -> bool:
    """Give an identity to a user; ``False`` if somebody has it already."""
    rows = await work.execute(
        _LINK,
        issuer=issuer,
        subject=subject,
        user_id=user_id,
        provider=provider,
        linked_at=work.now,
        last_used_at=work.now,
    )
    return rows.first() is not None


async def forget_identities(work: Work, user_id: str) -> int:
    """Unlink all of a user's identities."""
    return (await work.execute(_FORGET, user_id=user_id)).count


def _clients_of(rows: list[Any]) -> list[ClientRecord]:
    by_provider: dict[str, list[Any]] = {}
    for row in rows:
        by_provider.setdefault(row.provider, []).append(row)
    return [_client(group) for group in by_provider.values()]


def _client(rows: list[Any]) -> ClientRecord:
    first = rows[0]
    return ClientRecord(
        provider=first.provider,
        client_id=first.client_id,
        config={**first.config, **_entry_of(first)},
        bound_to=None if first.bound_to is None else tuple(first.bound_to),
        state=cast("ClientState", first.state),
        incident=first.incident or "",
        is_blocked=bool(first.is_blocked),
        credentials=tuple(_credential(row) for row in rows if row.id is not None),
    )


def _entry_of(row: Any) -> dict[str, Any]:
    if row.entry_kind is None:
        return {}
    return {"entry" if row.entry_kind == "own" else "override": row.document}


def _credential(row: Any) -> SealedCredential:
    return SealedCredential(
        id=row.id,
        kind=row.kind,
        detail=row.detail or {},
        sealed=row.sealed_secret,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
