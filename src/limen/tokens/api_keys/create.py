"""Make an API key."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.tokens import mint, token_hash
from limen.tenants.policy_of import policy_of
from limen.tokens import principals
from limen.tokens.api_keys import store
from limen.tokens.api_keys.find import get_key
from limen.tokens.api_keys.model import API_KEY_KIND, MadeKey, NewKey
from limen.tokens.events import ApiKeyCreated

MAX_NAME_CHARACTERS: Final = 100


async def create_key(work: Work, *, new: NewKey) -> MadeKey:
    """Make a key; what is kept of it is its hash.

    Raises:
        NotFound: ``owner_not_found``: unknown, disabled or past its end.
        Conflict: ``too_many_api_keys``.
        InvalidInput: ``name_invalid``, ``lifetime_invalid``.
    """
    policy = policy_of(work).api_keys
    name = new.name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidInput("name_invalid", "A name of 1 to 100 characters.", field="name")
    if not dt.timedelta() < new.ttl <= dt.timedelta(days=policy.max_days):
        raise InvalidInput(
            "lifetime_invalid", f"A key lives {policy.max_days} days at most.", field="expires_in"
        )
    if not await principals.is_enabled(work, principal_id=new.principal_id):
        raise NotFound("owner_not_found", "There is nobody who could own this key.")
    if await store.count_keys(work, new.principal_id) >= policy.most:
        raise Conflict("too_many_api_keys", "Revoke an API key first; there are too many.")
    raw_key = mint(API_KEY_KIND, work.tenant_id)
    key_id = new_id(work.now)
    await store.add_key(
        work,
        {
            "id": key_id,
            "principal_id": new.principal_id,
            "name": name,
            "scope": list(new.scope),
            "audience": new.audience,
            "key_hash": token_hash(raw_key),
            "previous_hash": None,
            "previous_until": None,
            "generation": 0,
            "created_at": work.now,
            "issued_at": work.now,
            "expires_at": work.now + new.ttl,
            "last_used_at": None,
            "revoked_at": None,
        },
    )
    key = await get_key(work, key_id=key_id)
    await work.record(
        ApiKeyCreated(
            key_id=key.id,
            owner_id=key.principal_id,
            scope=key.scope,
            audience=key.audience,
        )
    )
    return MadeKey(key, raw_key)
