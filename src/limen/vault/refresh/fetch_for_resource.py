"""Have a grant's refresh token give the access token of another resource.

Claim, call, journal and swap are those of every refresh: the refresh token may be replaced by it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from limen.db.work import Work
from limen.kernel.site import Site
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.refresh.claim import Claimed, Unrenewable, claim
from limen.vault.refresh.outcome import Outcome, Postponed
from limen.vault.refresh.redeem import find_upstream, redeem

RESOURCE_MOVED: Final = Postponed("resource_moved")
"""What the resource is called was changed since its caller looked."""


async def fetch_for_resource(parts: Parts, site: Site, *, grant: Grant) -> Outcome:
    """Fetch the access token of the resource a grant is seen for.

    Args:
        parts: The vault's.
        site: The tenant.
        grant: As its caller saw it for the resource; whoever saw an older generation is too late.

    Raises:
        NotPermitted: ``provider_disabled``.
    """
    upstream = await find_upstream(parts, site, provider=grant.provider)
    resource = upstream.provider.facts.resources.get(grant.resource)
    if resource is None or resource.identifier != grant.audience:
        return RESOURCE_MOVED
    endpoints = await upstream.provider.endpoints(parts.net, now=parts.works.clock.now())

    async def body(work: Work) -> Claimed | Unrenewable | Outcome:
        return await claim(
            work,
            parts,
            grant_id=grant.id,
            seen_generation=grant.generation,
            upstream=upstream,
            resource=grant.resource,
        )

    begun = asyncio.get_running_loop().time()
    claimed = await parts.works.run(site, body)
    assert not isinstance(claimed, Unrenewable)  # that is asked of a grant's own token alone
    if not isinstance(claimed, Claimed):
        return claimed
    return await redeem(parts, site, claimed, endpoints=endpoints, begun=begun)
