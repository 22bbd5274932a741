"""Change what an account says of its person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limen.accounts import store
from limen.accounts.claims import check_claims
from limen.accounts.directory import get_user
from limen.accounts.events import ProfileChanged
from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import NotFound


async def change_profile(
    work: Work, *, user_id: str, changes: Mapping[str, Any], by_operator: bool = False
) -> User:
    """Replace some standard claims of a person.

    Args:
        work: The transaction.
        user_id: Whose.
        changes: Claims to set; ``None`` removes one.
        by_operator: Also what people may not say of themselves.

    Raises:
        NotFound: ``user_not_found``.
        InvalidInput: ``claim_unknown``, also for ``email`` and ``email_verified``, which no
            profile change touches (N134); ``claim_invalid``.
    """
    checked = check_claims(changes, by_operator=by_operator)
    user = await store.lock_user(work, user_id)
    if user is None or user.state == "closed":
        raise NotFound("user_not_found", "There is no such person here.")
    kept = {name: value for name, value in user.claims.items() if name not in changes}
    claims = kept | checked
    if "phone_number" in changes and not by_operator:
        claims.pop("phone_number_verified", None)
    await store.put_claims(work, user_id, claims)
    await work.record(ProfileChanged(user_id=user_id, members=tuple(sorted(changes))))
    return await get_user(work, user_id)
