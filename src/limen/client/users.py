"""Whose connection is meant. Nothing here goes around a consent: the server decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from limen.client.credentials import demand_secret
from limen.kernel.actor import Actor
from limen.kernel.secret import Secret

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 -- its name

KeepRefreshToken = Callable[[Secret[str]], Awaitable[None]]
"""Stores a rotated refresh token; awaited before the access token that came with it is used."""


@dataclass(frozen=True, slots=True)
class Me:
    """Whoever the credentials themselves speak for: an access token's or an API key's person."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant's own connections.

    A client with a secret is given what the tenant shares with it, by exchange of its own token;
    a person's token or key needs the permission ``connections:service``.
    """


@dataclass(frozen=True, slots=True)
class OnBehalfOf:
    """A person, by a token that they gave somebody: exchanged for each of theirs (RFC 8693).

    Needs a client with a secret, an exchange policy that names the token's client and the
    connection or provider, the person's consent and a release policy of ``raw``.

    Args:
        subject_token: An access token of theirs, say the one an API was called with.
        token_type: What it is, as RFC 8693 section 3 calls it.
    """

    subject_token: Secret[str]
    token_type: str = ACCESS_TOKEN

    def __post_init__(self) -> None:
        """Refuse a bare text."""
        demand_secret(self.subject_token, name="subject_token")


@dataclass(frozen=True, slots=True)
class WithAccessToken:
    """A person, by an access token that was issued to this very client.

    Args:
        access_token: For the resource ``{issuer}/api/v1``, with the scopes ``connections:token``
            and, to find connections by their provider, ``connections:read``.
    """

    access_token: Secret[str]

    def __post_init__(self) -> None:
        """Refuse a bare text."""
        demand_secret(self.access_token, name="access_token")


@dataclass(frozen=True, slots=True)
class WithRefreshToken:
    """A person, by the refresh token that this very client was given for them.

    Args:
        refresh_token: As it was last kept; the person agreed to ``connections:token`` and, to
            find connections by their provider, ``connections:read``.
        keep: Called with the next one where the server rotates it, as it does for public
            clients; nobody else has it then.
    """

    refresh_token: Secret[str]
    keep: KeepRefreshToken | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse a bare text."""
        demand_secret(self.refresh_token, name="refresh_token")


@dataclass(frozen=True, slots=True)
class Anyone:
    """Whoever opens the link that a client with a secret asks by, and signs in.

    Its service account needs the role ``member``, and the client the scope ``connections:ask``.
    """


User = Me | Tenant | OnBehalfOf | WithAccessToken | WithRefreshToken | Actor
"""``Actor``: who asks a mounted application, as ``limen.current_user`` says; in process alone."""

Whom = Me | WithAccessToken | WithRefreshToken | Actor | Anyone
"""Who is asked to share: by a token of theirs that this client was given, or whoever signs in."""

ANYONE: Final = Anyone()
ME: Final = Me()
TENANT: Final = Tenant()
