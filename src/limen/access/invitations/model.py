"""An invitation as it is called outside its store."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from limen.access.permissions import Role

LINK_KIND: Final = "lmin"
MOST_DAYS: Final = 30
InvitationState = Literal["pending", "accepted", "revoked"]
ShownInvitationState = Literal["pending", "accepted", "revoked", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Somebody who was asked to open an account.

    Args:
        email: Canonical.
        role: What they become; ``member`` is what everybody is.
        invited_by: Who asked; empty: an operator at the command line.
        accepted_by: Whose account it became; empty until then.
        sent_at: When it was mailed last.
    """

    id: str
    email: str
    role: Role
    state: InvitationState
    invited_by: str
    accepted_by: str
    created_at: dt.datetime
    sent_at: dt.datetime
    expires_at: dt.datetime

    def shown_state(self, now: dt.datetime) -> ShownInvitationState:
        """Return how it stands."""
        if self.state == "pending" and self.expires_at <= now:
            return "expired"
        return self.state
