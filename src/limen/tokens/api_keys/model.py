"""An API key, without the key."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.kernel.secret import Secret
from limen.tokens.principals import PrincipalKind

API_KEY_KIND: Final = "lmk"
"""What keys begin with."""

PEOPLES_KEYS: Final = "limen-api-keys"
"""``client_id`` of people's own keys, which were issued to no client; no client has this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as its owner and administrators see it.

    Attributes:
        principal_id: Whose: a user's id, or a service account's ``client_id``.
        kind: Which of the two.
        audience: The one resource it opens.
        generation: How often it was rotated.
        issued_at: When the present one was made.
        last_used_at: About when; a use of the last seconds may be missing.
        previous_until: Until when the one before the last rotation is good as well.
    """

    id: str
    principal_id: str
    kind: PrincipalKind
    name: str
    scope: tuple[str, ...]
    audience: str
    generation: int
    created_at: dt.datetime
    issued_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None = None
    previous_until: dt.datetime | None = None

    @property
    def client_id(self) -> str:
        """As introspection names it: the service account, or ``PEOPLES_KEYS``."""
        return self.principal_id if self.kind == "client" else PEOPLES_KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to be made; who makes it has checked scope and audience.

    Args:
        principal_id: Whose.
        audience: Canonical, and known.
        ttl: From now to its end.
    """

    principal_id: str
    name: str
    scope: tuple[str, ...]
    audience: str
    ttl: dt.timedelta


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key just made, or made anew.

    Args:
        raw_key: To be shown once.
    """

    key: ApiKey
    raw_key: Secret[str]
