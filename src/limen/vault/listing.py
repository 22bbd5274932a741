"""What a user sees of their connections: no token, no secret."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from limen.db.work import Work
from limen.federation.catalogue.key_provider import ways_at
from limen.federation.clients.record import ClientRecord
from limen.federation.facts import Feature
from limen.federation.upstream_clients import list_upstream_clients, trouble_of
from limen.kernel.errors import NotFound
from limen.vault.model import TENANT_OWNER, Connection, FeatureState, GrantKind, GrantState
from limen.vault.parts import Parts
from limen.vault.store import connections, overview
from limen.vault.store.overview import Held, HeldToken

__all__ = ["Held", "HeldToken"]
MOST: Final = 200
ShownState = Literal["active", "refreshing", "uncertain", "reauth_required", "revoked", "erased"]

ADVICE: Final[Mapping[str, str]] = {
    "refused_by_provider": "The provider no longer accepts this connection. Connect again.",
    "interaction_required": "The provider wants you to sign in there again. Connect again.",
    "lost_rotation": "The provider's last answer was lost. Connect again.",
    "answer_lost": "The provider's last answer was lost. If this goes on, connect again.",
    "account_changed": "The provider answered for another account. Connect again.",
    "no_refresh_token": "The provider gave no lasting access. Connect again.",
    "revoked_at_provider": "The access was removed at the provider. Connect again if you want it.",
    "account_disabled": "The provider disabled this account. Connect again once it is back.",
    "app_uninstalled": "This server was removed from the workspace there. Connect again.",
    "client_replaced": "This server is registered anew at the provider. Connect again.",
    "provider_incomplete": "The provider's settings here were changed and are not complete. "
    "An administrator has to complete them; nobody needs to connect again.",
    "provider_client_unbound": "The provider's addresses were changed here. "
    "An administrator has to set this server's client there again.",
}
CREDENTIAL_ADVICE: Final[Mapping[str, str]] = {
    "refused_by_provider": "The provider no longer takes this credential. Give another one.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownConnection:
    """One connection as its user sees it.

    Args:
        reason: Stable, empty while all is well.
        advice: What to do about it, in words.
        expires_at: Of the access token at hand; ``None`` is unknown.
        manage_url: Where the person can remove our access by hand.
        nickname: What its owner calls it.
        belongs_to: Whose it is.
        reconnect_by: By when its person has to connect again, as far as that is known.
        kind: ``consent``, or that of the credential it stands on.
        verified_at: When the provider last took that.
        details: What the provider said of the account beside its tokens: its API's address.
    """

    id: str
    provider: str
    title: str
    label: str
    state: ShownState
    reason: str
    advice: str
    scopes: tuple[str, ...]
    features: Mapping[str, FeatureState]
    generation: int
    connected_at: dt.datetime
    expires_at: dt.datetime | None
    manage_url: str
    nickname: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    belongs_to: Literal["person", "tenant"] = "person"
    reconnect_by: dt.datetime | None = None
    kind: GrantKind = "consent"
    verified_at: dt.datetime | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProvider:
    """A provider that accounts can be connected at.

    Args:
        asks: People can be sent there to agree.
        credentials: What it takes besides: titles, by kind.
    """

    id: str
    title: str
    enabled: bool
    status: Literal["ok", "failing"]
    features: Mapping[str, Feature]
    asks: bool = True
    credentials: Mapping[str, str] = field(default_factory=dict)


async def list_connections(work: Work, parts: Parts, *, user_id: str) -> list[ShownConnection]:
    """Return a user's live connections, newest first."""
    titles = await _titles(work, parts)
    found = await connections.list_connections(work, owner_id=user_id, most=MOST)
    return [_shown(connection, titles) for connection in found]


async def get_connection(
    work: Work, parts: Parts, *, connection_id: str, user_id: str
) -> ShownConnection:
    """Return one of a user's live connections.

    Raises:
        NotFound: ``connection_not_found``: none such, another's, or ended.
    """
    found = await connections.show_connection(work, connection_id=connection_id, owner_id=user_id)
    if found is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    return _shown(found, await _titles(work, parts))


async def list_providers(work: Work, parts: Parts) -> list[ShownProvider]:
    """Return the tenant's providers that accounts can be connected at."""
    shown = []
    for record in await list_upstream_clients(work):
        provider = parts.catalogue.find(record.provider, record.config)
        if provider is None:
            continue
        shown.append(
            ShownProvider(
                id=record.provider,
                title=provider.title,
                enabled=record.state == "enabled",
                status="failing" if record.incident or trouble_of(record) else "ok",
                features=provider.facts.features,
                asks=record.is_registered,
                credentials={
                    kind: way.rule.title for kind, way in ways_at(provider).by_kind.items()
                },
            )
        )
    return shown


class _Named(NamedTuple):
    """A provider's name, and where its people remove our access or their credentials by hand.

    Args:
        trouble: Why nobody's connection works there just now, which is no matter of theirs.
    """

    title: str
    manage_url: str
    keys_url: str
    client_id: str
    trouble: str = ""


async def _titles(work: Work, parts: Parts) -> dict[str, _Named]:
    return {
        record.provider: named
        for record in await list_upstream_clients(work)
        if (named := _named(parts, record)) is not None
    }


def _named(parts: Parts, record: ClientRecord) -> _Named | None:
    trouble = trouble_of(record)
    code = "" if trouble is None else trouble.code
    provider = parts.catalogue.find(record.provider, record.config)
    if provider is not None:
        url = provider.facts.manage_url
        keys_url = ways_at(provider).manage_url or url
        return _Named(provider.title, url, keys_url, record.client_id, code)
    if not parts.catalogue.providers.lacks(record.provider, record.config):
        return None
    entry = record.config.get("entry") or {}
    title = str(entry.get("title") or record.provider.capitalize())
    return _Named(title, "", "", record.client_id, code or "provider_incomplete")


def _shown(
    connection: Connection,
    titles: Mapping[str, _Named],
) -> ShownConnection:
    grant = connection.grant
    nameless = _Named(connection.provider.capitalize(), "", "", grant.upstream_client_id)
    named = titles.get(connection.provider, nameless)
    is_consent = grant.kind == "consent"
    state, reason = _state(grant.state, is_leased=grant.is_leased), grant.reason
    if is_consent and grant.is_live and grant.upstream_client_id != named.client_id:
        # No answer of the provider's says so, and it is over when an operator sets it back.
        state, reason = "reauth_required", "client_replaced"
    elif grant.is_live and state != "reauth_required" and named.trouble:
        reason = named.trouble
    advice = ADVICE if is_consent else {**ADVICE, **CREDENTIAL_ADVICE}
    return ShownConnection(
        id=connection.id,
        provider=connection.provider,
        title=named.title,
        label=connection.label,
        state=state,
        reason=reason,
        advice=advice.get(reason, ""),
        scopes=grant.granted_scopes,
        features=connection.features,
        nickname=connection.nickname,
        tags=connection.tags,
        metadata=connection.metadata,
        belongs_to="tenant" if connection.owner_id == TENANT_OWNER else "person",
        reconnect_by=grant.reconnect_by,
        generation=grant.token_generation,
        connected_at=connection.created_at,
        expires_at=grant.access_expires_at,
        manage_url=named.manage_url if is_consent else named.keys_url,
        kind=grant.kind,
        verified_at=grant.verified_at,
        details=grant.lifted,
    )


def _state(state: GrantState, *, is_leased: bool) -> ShownState:
    return "refreshing" if state == "active" and is_leased else state


async def find_connection_of_account(
    work: Work, *, user_id: str, issuer: str, subject: str
) -> str | None:
    """Return the id of a user's working connection to one external account."""
    for connection in await connections.list_connections(work, owner_id=user_id, most=MOST):
        grant = connection.grant
        if (grant.issuer, grant.subject, grant.state) == (issuer, subject, "active"):
            return connection.id
    return None


async def list_held_tokens(
    work: Work, *, after: str, most: int, provider: str = "", user_id: str = ""
) -> list[HeldToken]:
    """Return what is kept of everybody's accounts at providers, by id; no token."""
    return await overview.page_of_tokens(
        work, after=after, most=most, provider=provider, user_id=user_id
    )


async def count_held_tokens(work: Work) -> list[Held]:
    """Count what is kept, by provider and state."""
    return await overview.count_held(work)


async def owner_of_connection(work: Work, connection_id: str) -> str:
    """Return whose a live connection is, for an administrator.

    Raises:
        NotFound: ``connection_not_found``.
    """
    owner = await overview.owner_of(work, connection_id)
    if owner is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    return owner
