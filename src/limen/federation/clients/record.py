"""Our clients at providers as they are kept: secrets sealed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ClientState = Literal["enabled", "disabled"]


CredentialKind = Literal["secret", "assertion", "signed_secret"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCredential:
    """A secret or key of a client, still sealed.

    Args:
        detail: What is no secret of a key: its id, certificate, algorithm.
        expires_at: When the provider stops taking it, if somebody said so.
    """

    id: str
    kind: CredentialKind
    detail: Mapping[str, Any]
    sealed: bytes
    created_at: dt.datetime
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRecord:
    """One of our clients, credentials still sealed; newest first.

    Args:
        config: As an operator gave it, with the tenant's ``entry`` or ``override`` of the
            provider put beside.
        bound_to: The hosts a client of a tenant's own entry was registered for; ``None`` for
            clients of shipped providers and of issuers.
        is_blocked: It was told to wait, or refused as a whole, a moment ago.
    """

    provider: str
    client_id: str
    config: Mapping[str, Any]
    bound_to: tuple[str, ...] | None
    state: ClientState
    incident: str
    is_blocked: bool
    credentials: tuple[SealedCredential, ...]

    @property
    def is_registered(self) -> bool:
        """Whether the provider knows us; without that it takes people's own credentials alone."""
        return bool(self.client_id)
