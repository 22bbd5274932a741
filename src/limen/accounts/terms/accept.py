"""Accept the tenant's terms, as they are now."""

from __future__ import annotations

from limen.accounts.events import TermsAccepted
from limen.accounts.terms import store
from limen.db.work import Work
from limen.kernel.errors import Conflict
from limen.tenants import policy_of


async def must_accept_terms(work: Work, *, user_id: str) -> bool:
    """Whether there are terms that a person has not accepted; no statement where there are none."""
    terms = policy_of(work).assurance.terms
    return terms is not None and not await store.has_accepted(work, user_id, version=terms.version)


async def accept_terms(work: Work, *, user_id: str, version: str) -> None:
    """Note that a person accepts the terms; twice is fine.

    Args:
        work: The transaction.
        user_id: Who.
        version: The one they were shown; an older one is not what holds now.

    Raises:
        Conflict: ``terms_changed``: another version holds, or none.
    """
    terms = policy_of(work).assurance.terms
    if terms is None or terms.version != version:
        raise Conflict("terms_changed", "The terms changed meanwhile. Read them again.")
    if await store.add_accepted(work, user_id, version=version):
        await work.record(TermsAccepted(user_id=user_id, version=version))
