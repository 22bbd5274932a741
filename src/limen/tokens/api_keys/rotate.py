"""Replace what is shown of a key; its id, scope and audience stay."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.tokens import mint, token_hash
from limen.tenants.policy_of import policy_of
from limen.tokens.api_keys import store
from limen.tokens.api_keys.find import get_key
from limen.tokens.api_keys.model import API_KEY_KIND, ApiKey, MadeKey
from limen.tokens.events import ApiKeyRotated

NO_OVERLAP: Final = dt.timedelta()


async def rotate_key(
    work: Work, *, key_id: str, principal_id: str = "", overlap: dt.timedelta = NO_OVERLAP
) -> MadeKey:
    """Make a key anew; it lives as long again as it did.

    Atomic: of any number of concurrent callers one rotates. One that was going on beside the
    present one already ends now.

    Args:
        work: The transaction.
        key_id: Which.
        principal_id: Whose it must be, if anybody's.
        overlap: How long the present one goes on beside the new, until its own end at most.

    Raises:
        NotFound: ``api_key_not_found``: ended ones are not rotated.
        Conflict: ``api_key_changed``: another rotated or revoked it at this moment.
        InvalidInput: ``overlap_invalid``.
    """
    policy = policy_of(work).api_keys
    if not NO_OVERLAP <= overlap <= dt.timedelta(hours=policy.max_overlap_hours):
        raise InvalidInput(
            "overlap_invalid",
            f"The old key may go on for {policy.max_overlap_hours} hours at most.",
            field="overlap_hours",
        )
    before = await get_key(work, key_id=key_id, principal_id=principal_id)
    raw_key = mint(API_KEY_KIND, work.tenant_id)
    after = _after(work, before, overlap=overlap, most=dt.timedelta(days=policy.max_days))
    assert after.previous_until is not None
    if not await store.rotate_key(
        work,
        key_id,
        generation=before.generation,
        key_hash=token_hash(raw_key),
        previous_until=after.previous_until,
        expires_at=after.expires_at,
    ):
        raise Conflict("api_key_changed", "The API key was rotated or revoked at this moment.")
    await work.record(
        ApiKeyRotated(key_id=key_id, owner_id=before.principal_id, generation=after.generation)
    )
    return MadeKey(after, raw_key)


def _after(work: Work, before: ApiKey, *, overlap: dt.timedelta, most: dt.timedelta) -> ApiKey:
    return dataclasses.replace(
        before,
        generation=before.generation + 1,
        issued_at=work.now,
        expires_at=work.now + min(before.expires_at - before.issued_at, most),
        previous_until=min(work.now + overlap, before.expires_at),
    )
