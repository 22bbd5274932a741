"""Create an account for someone who signs in with a provider for the first time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limen.accounts import store
from limen.accounts.claims import check_claims
from limen.accounts.create_user import NewRow, add_user
from limen.accounts.email_address import find_canonical
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.tenants import policy_of
from limen.tenants.policies.sign_up import check_may_join


async def create_from_provider(
    work: Work,
    *,
    email: str | None,
    email_verified: bool,
    claims: Mapping[str, Any],
    invited: bool = False,
) -> User | None:
    """Create a person whom a provider names, or refuse to touch who has that address already.

    E-mail never links by itself (N129): with an address that names someone here the answer is
    ``None``, and the caller says to sign in first and then link. An address the provider did
    not verify names nobody: it is dropped, or a stranger could reserve it (N130).

    Args:
        work: The transaction.
        email: As the provider says.
        email_verified: Only the literal ``True`` counts.
        claims: What it says of the person; claims we don't keep, or of a wrong form, are dropped.
        invited: Whether an address that the provider vouches for was invited.

    Raises:
        NotPermitted: ``registration_closed``, ``invitation_required`` (N153).
    """
    check_may_join(policy_of(work).sign_up, invited=invited)
    address = find_canonical(email) if email is not None else None
    if address is not None and await store.find_by_email(work, address) is not None:
        return None
    proven = address if email_verified is True else None
    row = NewRow(
        how="provider",
        address=proven,
        verified=proven is not None,
        password_hash=None,
        claims=_usable(claims),
    )
    return await add_user(work, row)


def _usable(claims: Mapping[str, Any]) -> dict[str, Any]:
    usable: dict[str, Any] = {}
    for name, value in claims.items():
        try:
            usable |= check_claims({name: value})
        except InvalidInput:
            continue
    return usable
