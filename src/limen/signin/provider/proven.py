"""An external account that somebody just proved to have; sealed where it has to wait."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.federation.finish import Finished
from limen.federation.provider import ExternalIdentity
from limen.kernel.secret import Secret

FEDERATED: Final = "fed"
"""The ``amr`` of a sign-in that a provider vouched for; how it did, it may not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Somebody has this account at a provider.

    Args:
        provider: As whose client it was asked.
        title: What people call the provider.
        raw_refresh: Kept, where the tenant wants it, to bring the profile up to date.
    """

    identity: ExternalIdentity
    provider: str
    title: str
    raw_refresh: Secret[str] | None = None

    @property
    def about(self) -> tuple[str, str]:
        """What people call the provider, and the account there."""
        return self.title, self.identity.label


def proven_by(finished: Finished) -> Proven:
    """Return what a finished journey proved."""
    return Proven(
        identity=finished.identity,
        provider=finished.client.provider,
        title=finished.provider.title,
        raw_refresh=finished.answer.raw_refresh,
    )


async def seal_proven(
    work: Work, envelope: Envelope, *, proven: Proven, token_hash: bytes
) -> bytes:
    """Seal it for the row it waits in."""
    identity = proven.identity
    members = {name: getattr(identity, name) for name in identity.__dataclass_fields__}
    told: dict[str, Any] = {
        "identity": {**members, "profile": dict(identity.profile)},
        "provider": proven.provider,
        "title": proven.title,
        "refresh": None if proven.raw_refresh is None else proven.raw_refresh.reveal(),
    }
    return await envelope.seal(work, _place(token_hash), json.dumps(told).encode())


async def open_proven(
    work: Work, envelope: Envelope, *, sealed: bytes, token_hash: bytes
) -> Proven:
    """Read what ``seal_proven`` wrote."""
    raw = await envelope.open(work, _place(token_hash), sealed)
    told = json.loads(raw.reveal())
    return Proven(
        identity=ExternalIdentity(**told["identity"]),
        provider=told["provider"],
        title=told["title"],
        raw_refresh=None if told["refresh"] is None else Secret(told["refresh"]),
    )


def _place(token_hash: bytes) -> Place:
    return Place("proven_identity", token_hash.hex(), "identity")
