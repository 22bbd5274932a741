"""What happens to connections, as the receivers of webhooks are told: no token, no secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limen.db.work import Work
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
from limen.vault.store.standing import Standing, connections_on, keeper_of
from limen.webhooks.model import Notice


async def connected(work: Work, event: Connected) -> Sequence[Notice]:
    """An account was connected, for the first time or again."""
    kind = "connection.reconnected" if event.again else "connection.created"
    data = {
        "connection_id": event.connection_id,
        "user_id": work.actor.id,
        "provider": event.provider,
        "scopes": list(event.scopes),
    }
    if event.connect_session_id:
        data["connect_session_id"] = event.connect_session_id
    return [Notice(kind=kind, data=data)]


async def imported(_work: Work, event: ConnectionImported) -> Sequence[Notice]:
    """An account was connected by tokens from elsewhere."""
    kind = "connection.reconnected" if event.again else "connection.created"
    data = {
        "connection_id": event.connection_id,
        "user_id": event.user_id,
        "provider": event.provider,
        "scopes": list(event.scopes),
    }
    return [Notice(kind=kind, data=data)]


async def given(work: Work, event: CredentialGiven) -> Sequence[Notice]:
    """A connection stands on a credential that somebody gave."""
    data = {
        "connection_id": event.connection_id,
        "user_id": work.actor.id,
        "provider": event.provider,
        "scopes": list(event.scopes),
    }
    return [Notice(kind="connection.created", data=data)]


async def rotated(work: Work, event: CredentialRotated) -> Sequence[Notice]:
    """A credential took another's place."""
    return await _each(
        work, event.grant_id, kind="connection.reconnected", generation=event.generation
    )


async def refreshed(work: Work, event: UpstreamTokenRefreshed) -> Sequence[Notice]:
    """Every connection on the grant has a newer token."""
    return await _each(
        work, event.grant_id, kind="connection.refreshed", generation=event.generation
    )


async def uncertain(work: Work, event: GrantUncertain) -> Sequence[Notice]:
    """A refresh was lost."""
    return await _each(work, event.grant_id, kind="connection.failing", reason="answer_lost")


async def failing(work: Work, event: RefreshFailing) -> Sequence[Notice]:
    """A refresh fails again and again."""
    return await _each(work, event.grant_id, kind="connection.failing", reason=event.reason)


async def reauth_required(work: Work, event: ReauthRequired) -> Sequence[Notice]:
    """Only its person can help."""
    return await _each(work, event.grant_id, kind="connection.reauth_required", reason=event.reason)


async def expiring(work: Work, event: ReconnectDue) -> Sequence[Notice]:
    """A connection will need its person soon."""
    return await _each(
        work,
        event.grant_id,
        kind="connection.expiring",
        reconnect_by=event.reconnect_by,
        days_left=event.days_left,
    )


async def reinstated(work: Work, event: GrantReinstated) -> Sequence[Notice]:
    """What had asked for its person does so no more: the provider had refused everybody."""
    return await _each(work, event.grant_id, kind="connection.failing", reason="provider_incident")


async def scopes_changed(work: Work, event: ScopesChanged) -> Sequence[Notice]:
    """A provider gave more or less than before."""
    return await _each(
        work,
        event.grant_id,
        kind="connection.scopes_changed",
        gained=list(event.gained),
        lost=list(event.lost),
    )


async def account_switched(work: Work, event: AccountMismatched) -> Sequence[Notice]:
    """Somebody came back with another account; the connection stays as it was."""
    data = {
        "connection_id": event.connection_id,
        "user_id": work.actor.id,
        "provider": event.provider,
    }
    return [Notice(kind="connection.account_switched", data=data)]


async def shared(work: Work, event: ConnectionShared) -> Sequence[Notice]:
    """An owner agreed that a client uses a connection."""
    data = {
        "connection_id": event.connection_id,
        "user_id": work.actor.id,
        "client_id": event.client_id,
        "features": list(event.features),
        "mode": event.mode,
    }
    if event.sharing_request_id:
        data["sharing_request_id"] = event.sharing_request_id
    return [Notice(kind="connection.shared", data=data)]


async def unshared(work: Work, event: ConnectionUnshared) -> Sequence[Notice]:
    """An owner took that back."""
    data = {
        "connection_id": event.connection_id,
        "user_id": work.actor.id,
        "client_id": event.client_id,
    }
    return [Notice(kind="connection.unshared", data=data)]


async def sharing_refused(work: Work, event: SharingRefused) -> Sequence[Notice]:
    """A person said no to an app that asked."""
    data = {
        "sharing_request_id": event.sharing_request_id,
        "user_id": work.actor.id,
        "client_id": event.client_id,
        "provider": event.provider,
    }
    return [Notice(kind="connection.sharing_refused", data=data)]


async def disconnected(work: Work, event: Disconnected) -> Sequence[Notice]:
    """A connection was ended; what becomes of its grant is told by the grant's id."""
    data = {
        "connection_id": event.connection_id,
        "user_id": await keeper_of(work, event.connection_id),
        "grant_id": event.grant_id,
        "provider": event.provider,
        "revoked": event.revoked,
    }
    return [Notice(kind="connection.disconnected", data=data)]


async def revoked(_work: Work, event: UpstreamRevoked) -> Sequence[Notice]:
    """The provider answered, or is not asked; the connections on the grant are gone already."""
    data = {"grant_id": event.grant_id, "provider": event.provider, "receipt": event.receipt}
    return [Notice(kind="connection.revoked", data=data)]


async def _each(work: Work, grant_id: str, *, kind: str, **more: Any) -> Sequence[Notice]:
    standing = await connections_on(work, grant_id)
    return [Notice(kind=kind, data={**_named(each), **more}) for each in standing]


def _named(standing: Standing) -> dict[str, str]:
    return {
        "connection_id": standing.connection_id,
        "user_id": standing.user_id,
        "provider": standing.provider,
    }
