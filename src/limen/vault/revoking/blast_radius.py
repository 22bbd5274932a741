"""What else ends at a provider when tokens are revoked there."""

from __future__ import annotations

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.vault.model import Grant
from limen.vault.store import grants
from limen.vault.store.grants import Sibling


async def dies_with(work: Work, provider: Provider, grant: Grant) -> list[Sibling]:
    """Return the other live grants that a revocation of this one would end too.

    Some providers merge what one account gave to all clients of a project; which clients share
    one nobody tells us, so that every other grant of the account counts.
    """
    if provider.facts.blast_radius != "project":
        return []
    return await _siblings(work, provider, grant)


async def ends_another(work: Work, provider: Provider, grant: Grant) -> bool:
    """Say whether revoking tokens of a dead grant would end a live one.

    Their person may have connected the account again while the provider was away, or another of
    its products; tokens may have come late, or for an account that was not wanted here. Of tokens
    whose account nobody knows it is not said that they end nothing else.
    """
    radius = provider.facts.blast_radius
    if radius == "token":
        return False
    if not grant.subject:
        return True
    found = await _siblings(work, provider, grant)
    if radius == "project":
        return bool(found)
    own = (grant.provider, grant.upstream_client_id, grant.subject)
    return any((each.provider, each.upstream_client_id, each.subject) == own for each in found)


async def _siblings(work: Work, provider: Provider, grant: Grant) -> list[Sibling]:
    account = provider.facts.account_of(grant.subject)
    return await grants.siblings_of(work, grant, account=account)
