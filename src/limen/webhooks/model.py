"""Endpoints, messages and what became of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

EndpointState = Literal["enabled", "disabled", "failing"]
"""``failing``: turned off by us, after days without one success."""
DeliveryState = Literal["pending", "delivered", "failed"]

EVERYTHING: Final = "*"
TEST: Final = "webhook.test"

KINDS: Final[Mapping[str, str]] = {
    "connection.created": "A person connected an account at a provider.",
    "connection.reconnected": "A connection was renewed by its person.",
    "connection.refreshed": "A connection's tokens were renewed.",
    "connection.failing": "A refresh was lost, or fails again and again; nobody has to act yet.",
    "connection.reauth_required": "A connection gives no more tokens until its person reconnects.",
    "connection.expiring": "A connection will need its person soon.",
    "connection.disconnected": "A connection was ended.",
    "connection.revoked": "What became of an ended connection's tokens at its provider is known: "
    "`receipt` is `revoked` or `already_gone` where it confirmed that they are dead.",
    "connection.scopes_changed": "A provider gave more or less than before.",
    "connection.shared": "A person lets an application use a connection, for what is named.",
    "connection.unshared": "A person lets an application use a connection no more.",
    "connection.sharing_refused": "A person said no to an application that asked.",
    "connection.account_switched": "Somebody tried to renew a connection with another account.",
    "provider.failing": "A provider refuses or fails this server as a whole; no connection ends.",
    "provider.recovered": "A provider that failed this server as a whole answers again.",
    "provider.secret_expiring": "A secret or key of ours at a provider ends in 30, 7 or 1 days.",
    "profile.changed": "What a provider says of a person changed.",
    "user.created": "An account was made.",
    "user.disabled": "An account was disabled.",
    "user.closed": "An account was closed and its personal detail erased.",
    "user.password_changed": "A person's password was changed or reset.",
    "session.started": "A person signed in.",
    "session.ended": "A session ended.",
    "permission.refused": "Somebody known wanted what their roles or their token do not cover; of "
    "each and of each permission once a minute at most.",
    "client.tokens_ended": "All that a client got for itself was ended; `count` is of those that "
    "are listed.",
    "tenant.suspended": "This tenant was disabled: it answers nobody.",
    "tenant.resumed": "This tenant answers again.",
    "outbox.retried": "An operator had mails and calls tried again that were given up.",
    TEST: "Sent on demand, to one endpoint.",
}
"""Every type of message, and when it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened, as receivers are told.

    Args:
        kind: One of ``KINDS``.
        data: JSON members; ids and states, never a token or a secret.
    """

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where messages go.

    Args:
        kinds: What it wants: types, ``connection.*`` or ``*``.
        sealed_secret: What its messages are signed with.
        sealed_old_secret: The one before, which signs too until ``old_secret_until``.
        failing_since: The first failure after its last success.
    """

    id: str
    url: str
    description: str
    kinds: tuple[str, ...]
    state: EndpointState
    sealed_secret: bytes
    sealed_old_secret: bytes | None
    old_secret_until: dt.datetime | None
    failing_since: dt.datetime | None
    version: int
    created_at: dt.datetime

    def wants(self, kind: str) -> bool:
        """Say whether messages of a type go there."""
        group = f"{kind.partition('.')[0]}.*"
        return self.state == "enabled" and not {EVERYTHING, group, kind}.isdisjoint(self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What was or will be sent: the same bytes at every attempt."""

    id: str
    kind: str
    body: bytes
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelivery:
    """What became of a message at one endpoint.

    Args:
        attempts: How often it was tried.
        status: The last answer's; ``None`` if there was none.
    """

    message_id: str
    endpoint_id: str
    kind: str
    state: DeliveryState
    attempts: int
    status: int | None
    created_at: dt.datetime
    updated_at: dt.datetime
