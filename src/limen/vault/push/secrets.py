"""What GitHub and Slack sign their events with, sealed per tenant and provider."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Place
from limen.db.work import Work
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput, NotFound
from limen.kernel.secret import Secret
from limen.vault.parts import Parts
from limen.vault.push import store
from limen.vault.push.events import PushSecretRetired, PushSecretSet

_CHARS: Final = range(16, 257)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSecret:
    """That a provider's signing secret is kept.

    Args:
        url: Where the provider sends its events.
    """

    provider: str
    url: str
    updated_at: dt.datetime


async def set_push_secret(
    work: Work, parts: Parts, *, provider: str, raw_secret: Secret[str]
) -> None:
    """Keep the secret that a provider's console shows, or that was chosen there.

    Raises:
        NotFound: ``provider_unknown``.
        InvalidInput: ``push_unsupported``: this provider's events are not signed with one;
            ``secret_invalid``: too short to be one.
    """
    client = await get_upstream_client(work, parts.envelope, provider=provider, even_disabled=True)
    found = parts.catalogue.get(provider, client.config)
    if found.facts.push not in {"github", "slack"}:
        raise InvalidInput("push_unsupported", "This provider's events need no secret.")
    if len(raw_secret.reveal()) not in _CHARS or not raw_secret.reveal().isprintable():
        raise InvalidInput("secret_invalid", "16 to 256 characters.", field="secret")
    sealed = await parts.envelope.seal(work, _place(provider), raw_secret.reveal().encode())
    await store.put_secret(work, provider=provider, sealed_secret=sealed)
    await work.record(PushSecretSet(provider=provider))


async def list_push_secrets(work: Work) -> list[KeptSecret]:
    """Return whose signing secrets are kept, without them."""
    return [
        KeptSecret(provider=provider, url=events_url(work, provider=provider), updated_at=at)
        for provider, at in await store.list_secrets(work)
    ]


async def retire_push_secret(work: Work, *, provider: str) -> None:
    """Forget a provider's signing secret: no event of it is believed from now on.

    Raises:
        NotFound: ``push_secret_not_found``.
    """
    if not await store.drop_secret(work, provider=provider):
        raise NotFound("push_secret_not_found", "No secret of this provider's is kept.")
    await work.record(PushSecretRetired(provider=provider))


def events_url(work: Work, *, provider: str) -> str:
    """Return where a provider sends its events; it carries the tenant's short key."""
    return f"{work.site.issuer}/api/v1/oauth/events/{provider}/{work.tenant_id}"


async def push_secret(work: Work, parts: Parts, *, provider: str) -> Secret[str] | None:
    """Return a provider's; ``None``: nobody set one, and no event of it is believed."""
    sealed = await store.find_secret(work, provider=provider)
    if sealed is None:
        return None
    raw = await parts.envelope.open(work, _place(provider), sealed)
    return Secret(raw.reveal().decode())


def _place(provider: str) -> Place:
    return Place("provider_push", provider, "secret")
