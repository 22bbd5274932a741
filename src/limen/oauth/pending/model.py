"""A request that waits for a person on another screen, as a value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal

from limen.protocol.authorization_details import Details
from limen.protocol.scopes import OFFLINE_ACCESS

Kind = Literal["device", "ciba"]
Status = Literal["pending", "approved", "denied"]

MAX_MISMATCHES: Final = 5
"""So many confirmations of a code with another code, and the request is dead (N112)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoupledRequest:
    """A verified request of a client.

    Attributes:
        id: Names it to the person; grants nothing.
        request_hash: SHA-256 of the device code or ``auth_req_id``, which the client alone has.
        user_code_hash: MAC of what somebody types; ``None`` for CIBA.
        user_id: Whom CIBA asks; of a device who approved it.
        opened_by: The session that typed a device's code last, and may answer.
        scope: What would be granted; of an approved one, what was.
        acr_values: What the client asks of the sign-in, in order of preference.
        binding_message: What the client shows, too.
        requested_from: The address that asked for it.
        bound_to: The key that must be proved to redeem it, ``jkt:…``; empty for none.
        authenticated_after: The sign-in must be later than this; ``None`` if any will do.
        sealed_notification: What a ping takes; ``None`` where nobody wants one.
        polled_at: When it was last asked about.
        mismatches: Confirmations with another code.
        session_id: The session that approved it; ``None`` where none did.
        authenticated_at: When the person proved who they are; of an approved one.
        session_ends_at: When that session ends at the latest; ``None`` if it is over.
    """

    id: str
    kind: Kind
    request_hash: bytes = field(repr=False)
    user_code_hash: bytes | None = field(default=None, repr=False)
    client_id: str
    user_id: str | None = None
    opened_by: str = ""
    scope: tuple[str, ...]
    resource: str
    authorization_details: Details = ()
    acr_values: tuple[str, ...] = ()
    binding_message: str = ""
    requested_from: str = ""
    bound_to: str = ""
    authenticated_after: dt.datetime | None = None
    sealed_notification: bytes | None = field(default=None, repr=False)
    interval_seconds: int
    polled_at: dt.datetime | None = None
    mismatches: int = 0
    status: Status = "pending"
    session_id: str | None = None
    authenticated_at: dt.datetime | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    created_at: dt.datetime
    expires_at: dt.datetime
    decided_at: dt.datetime | None = None
    used_at: dt.datetime | None = None
    session_ends_at: dt.datetime | None = None

    @property
    def offline(self) -> bool:
        """Whether what it gives outlives the session that approved it."""
        return OFFLINE_ACCESS in self.scope

    def is_expired(self, *, now: dt.datetime) -> bool:
        """Say whether its time is over; at the very moment it is."""
        return now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an approval writes.

    Attributes:
        session_id: ``None`` where no session approves (development alone).
        scope: What the person saw and agreed to.
    """

    user_id: str
    session_id: str | None
    scope: tuple[str, ...]
    authenticated_at: dt.datetime
    acr: str
    amr: tuple[str, ...]
