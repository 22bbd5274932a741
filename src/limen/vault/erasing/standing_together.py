"""Which grants one revocation would end: at some providers a whole project's (blast radius)."""

from __future__ import annotations

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.vault.model import Grant
from limen.vault.store import grants
from limen.vault.store.grants import Sibling


async def dies_with(work: Work, provider: Provider, grant: Grant) -> list[Sibling]:
    """Return the other live grants that a revocation of this one would end too.

    The provider merges what one account gave to all clients of a project; which clients share
    one nobody tells us, so that every other grant of the account counts.
    """
    if provider.facts.blast_radius != "project":
        return []
    return await grants.siblings_of(work, grant)
