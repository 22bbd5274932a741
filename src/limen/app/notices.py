"""What receivers of webhooks are told of: the literal from events to messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limen.access.events import PermissionRefused
from limen.accounts.events import AccountClosed, PasswordChanged, UserCreated, UserDisabled
from limen.db.parked.events import OutboxRetried
from limen.db.work import Reactions, Work
from limen.federation.events import (
    ProviderProfileChanged,
    UpstreamClientFailing,
    UpstreamClientRecovered,
    UpstreamSecretExpiring,
)
from limen.kernel.events import Event
from limen.sessions.events import SessionEnded, SessionStarted
from limen.tenants.events import TenantResumed, TenantSuspended
from limen.tokens.events import OwnTokensEnded
from limen.vault import notices as vault
from limen.vault.asking.events import SharingRefused
from limen.vault.events import (
    AccountMismatched,
    Connected,
    ConnectionImported,
    ConnectionShared,
    ConnectionUnshared,
    CredentialGiven,
    CredentialRotated,
    Disconnected,
    GrantReinstated,
    GrantUncertain,
    ReauthRequired,
    ReconnectDue,
    RefreshFailing,
    ScopesChanged,
    UpstreamRevoked,
    UpstreamTokenRefreshed,
)
from limen.webhooks.model import Notice
from limen.webhooks.publish import Webhooks


@dataclass(frozen=True, slots=True)
class _Telling:
    """What an event means to receivers.

    Args:
        kinds: Types it may become; nothing is looked up while nobody wants any of them.
        describe: Says which, and about what.
    """

    kinds: tuple[str, ...]
    describe: Callable[[Work, Any], Awaitable[Sequence[Notice]]]


def _plain(kind: str) -> _Telling:
    """Tell the event's own members: ids and plain words."""

    async def describe(_work: Work, event: Event) -> Sequence[Notice]:
        return [Notice(kind=kind, data=event.detail())]

    return _Telling((kind,), describe)


async def _refused(work: Work, event: PermissionRefused) -> Sequence[Notice]:
    who = {"actor": work.actor.kind, "actor_id": work.actor.id, "client_id": work.actor.client_id}
    return [Notice(kind="permission.refused", data={**event.detail(), **who})]


async def _tokens_ended(_work: Work, event: OwnTokensEnded) -> Sequence[Notice]:
    data = {"client_id": event.of_id, "count": event.count}
    return [Notice(kind="client.tokens_ended", data=data)]


NOTICES: Final[Mapping[type[Event], _Telling]] = {
    UserCreated: _plain("user.created"),
    UserDisabled: _plain("user.disabled"),
    AccountClosed: _plain("user.closed"),
    PasswordChanged: _plain("user.password_changed"),
    ProviderProfileChanged: _plain("profile.changed"),
    UpstreamClientFailing: _plain("provider.failing"),
    UpstreamClientRecovered: _plain("provider.recovered"),
    UpstreamSecretExpiring: _plain("provider.secret_expiring"),
    SessionStarted: _plain("session.started"),
    SessionEnded: _plain("session.ended"),
    Connected: _Telling(("connection.created", "connection.reconnected"), vault.connected),
    ConnectionImported: _Telling(("connection.created", "connection.reconnected"), vault.imported),
    CredentialGiven: _Telling(("connection.created",), vault.given),
    CredentialRotated: _Telling(("connection.reconnected",), vault.rotated),
    UpstreamTokenRefreshed: _Telling(("connection.refreshed",), vault.refreshed),
    GrantUncertain: _Telling(("connection.failing",), vault.uncertain),
    RefreshFailing: _Telling(("connection.failing",), vault.failing),
    ReauthRequired: _Telling(("connection.reauth_required",), vault.reauth_required),
    GrantReinstated: _Telling(("connection.failing",), vault.reinstated),
    ReconnectDue: _Telling(("connection.expiring",), vault.expiring),
    ScopesChanged: _Telling(("connection.scopes_changed",), vault.scopes_changed),
    ConnectionShared: _Telling(("connection.shared",), vault.shared),
    ConnectionUnshared: _Telling(("connection.unshared",), vault.unshared),
    SharingRefused: _Telling(("connection.sharing_refused",), vault.sharing_refused),
    AccountMismatched: _Telling(("connection.account_switched",), vault.account_switched),
    Disconnected: _Telling(("connection.disconnected",), vault.disconnected),
    UpstreamRevoked: _Telling(("connection.revoked",), vault.revoked),
    PermissionRefused: _Telling(("permission.refused",), _refused),
    OwnTokensEnded: _Telling(("client.tokens_ended",), _tokens_ended),
    TenantSuspended: _plain("tenant.suspended"),
    TenantResumed: _plain("tenant.resumed"),
    OutboxRetried: _plain("outbox.retried"),
}


def with_notices(reactions: Reactions, webhooks: Webhooks) -> Reactions:
    """Return the reactions, the telling of webhooks' receivers last among them."""
    merged = {event: tuple(known) for event, known in reactions.items()}
    for event, telling in NOTICES.items():
        merged[event] = (*merged.get(event, ()), _tell(webhooks, telling))
    return merged


def _tell(webhooks: Webhooks, telling: _Telling) -> Callable[[Work, Any], Awaitable[None]]:
    async def react(work: Work, event: Event) -> None:
        wanted = [kind for kind in telling.kinds if await webhooks.want(work, kind)]
        if wanted:
            for notice in await telling.describe(work, event):
                await webhooks.publish(work, notice)

    return react
