"""What ends with a connection, told before anybody ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limen.db.work import Work
from limen.vault.features.show import see
from limen.vault.parts import Parts
from limen.vault.revoking.blast_radius import dies_with
from limen.vault.store import connections, sharing

Consequence = Literal["revoked", "kept_for_others", "no_endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What disconnecting does.

    Args:
        at_provider: ``revoked``: the provider is told to end the access; ``kept_for_others``:
            it is not, because that would end other connections; ``no_endpoint``: nobody can be
            told, the person removes the access by hand.
        others: How many other connections stand on the same access: of other people, or the
            tenant's.
        also: Providers whose connections a revocation would end as well.
        clients: Which lose what they were given leave to use.
        features: Switched on now.
        manage_url: Where the person removes the access by hand.
    """

    connection_id: str
    provider: str
    at_provider: Consequence
    others: int
    also: tuple[str, ...]
    clients: tuple[str, ...]
    features: tuple[str, ...]
    manage_url: str


async def preview(work: Work, parts: Parts, *, connection_id: str, owner_id: str) -> Preview:
    """Tell what disconnecting would do; changes nothing.

    Args:
        work: Clean: asks for the provider's endpoints, where they are discovered.
        parts: The vault's.
        connection_id: Which.
        owner_id: Whose.

    Raises:
        NotFound: ``connection_not_found``.
        ProviderUnavailable: Its endpoints can't be discovered now.
    """
    seen = await see(work, parts, connection_id=connection_id, owner_id=owner_id)
    grant, provider = seen.connection.grant, seen.provider
    others = await connections.count_live_connections(work, grant.id) - 1
    siblings = await dies_with(work, provider, grant)
    consents = await sharing.consents_for(work, [connection_id])
    await work.let_go()
    endpoints = await provider.endpoints(parts.net, now=work.now)
    at_provider: Consequence = "revoked"
    if others or siblings:
        at_provider = "kept_for_others"
    elif endpoints.revoke is None:
        at_provider = "no_endpoint"
    return Preview(
        connection_id=connection_id,
        provider=grant.provider,
        at_provider=at_provider,
        others=others,
        also=tuple(sorted({each.provider for each in siblings})),
        clients=tuple(each.client_id for each in consents),
        features=tuple(name for name, each in seen.noted.items() if each.state == "active"),
        manage_url=provider.facts.manage_url,
    )
