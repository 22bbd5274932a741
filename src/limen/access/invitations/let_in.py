"""Let somebody in by an account elsewhere whose verified address was invited."""

from __future__ import annotations

from limen.access.invitations import store
from limen.access.invitations.events import InvitationAccepted
from limen.accounts.email_address import find_canonical
from limen.db.work import Work


async def is_invited(work: Work, *, email: str | None, email_verified: bool) -> bool:
    """Whether an address that a provider vouches for was invited.

    Args:
        work: The transaction.
        email: As the provider says.
        email_verified: Only the literal ``True`` counts: anybody can claim an address (N129).
    """
    address = _proven(email, email_verified=email_verified)
    return address is not None and await store.find_for(work, address) is not None


async def settle_invitation(
    work: Work, *, email: str | None, email_verified: bool, user_id: str
) -> None:
    """Take the invitation of who just joined, if it gives no role.

    A provider's word opens an account and gives nobody a role: one with a role stays, for the
    mailed link, opened in that person's session.
    """
    address = _proven(email, email_verified=email_verified)
    taken = None if address is None else await store.take_members(work, address, user_id=user_id)
    if taken is not None:
        await work.record(
            InvitationAccepted(
                invitation_id=taken.id, user_id=user_id, role=taken.role, by="provider"
            )
        )


def _proven(email: str | None, *, email_verified: bool) -> str | None:
    if email is None or email_verified is not True:
        return None
    return find_canonical(email)
