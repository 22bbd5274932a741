"""A person with an account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

UserState = Literal["active", "disabled", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person as stored, without what proves them.

    Args:
        id: Random; never used again after the account is gone (N137).
        state: Only ``active`` people sign in.
        email: In canonical form; ``None`` when no address names them.
        email_verified_at: When they proved the mailbox.
        claims: OpenID Connect standard claims, except those of the address.
        must_change_password: Whether the password they have opens nothing but its replacement.
    """

    id: str
    state: UserState
    email: str | None
    email_verified_at: dt.datetime | None
    claims: dict[str, Any]
    must_change_password: bool = False
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def is_active(self) -> bool:
        """Whether they may sign in."""
        return self.state == "active"

    @property
    def is_verified(self) -> bool:
        """Whether they proved the mailbox of their address."""
        return self.email_verified_at is not None
