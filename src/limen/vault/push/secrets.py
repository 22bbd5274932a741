"""What GitHub and Slack sign their events with, sealed per tenant and provider."""

from __future__ import annotations

from typing import Final

from limen.crypto.envelope import Place
from limen.db.work import Work
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.vault.parts import Parts
from limen.vault.push import store
from limen.vault.push.events import PushSecretSet

_CHARS: Final = range(16, 257)


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


async def push_secret(work: Work, parts: Parts, *, provider: str) -> Secret[str] | None:
    """Return a provider's; ``None``: nobody set one, and no event of it is believed."""
    sealed = await store.find_secret(work, provider=provider)
    if sealed is None:
        return None
    raw = await parts.envelope.open(work, _place(provider), sealed)
    return Secret(raw.reveal().decode())


def _place(provider: str) -> Place:
    return Place("provider_push", provider, "secret")
