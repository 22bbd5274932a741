"""Take from keys what their owner, or their API, does not allow any more (N049)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from limen.db.work import Work
from limen.tokens.api_keys import store
from limen.tokens.api_keys.model import ApiKey
from limen.tokens.api_keys.revoke import revoke_key
from limen.tokens.events import ApiKeyLimited

_AT_ONCE: Final = 200


async def limit_keys(
    work: Work, *, scope: Collection[str], principal_id: str = "", audience: str = ""
) -> None:
    """Leave keys the scopes that are still allowed; one that keeps none ends.

    Args:
        work: The transaction of the change.
        scope: What is allowed from now on.
        principal_id: Whose keys; or else
        audience: those for which API.
    """
    after = ""
    while found := await _page(work, principal_id=principal_id, audience=audience, after=after):
        for key in found:
            await _limit(work, key, scope)
        after = found[-1].id


async def suspend_keys(work: Work, *, audience: str) -> None:
    """Have the keys for an API that is disabled open nothing until ``resume_keys``."""
    await store.suspend_keys_for(work, audience, at=work.now)


async def resume_keys(work: Work, *, audience: str) -> None:
    """Have the keys for an API that is enabled again be good again."""
    await store.suspend_keys_for(work, audience, at=None)


async def _page(work: Work, *, principal_id: str, audience: str, after: str) -> list[ApiKey]:
    if principal_id:
        return await store.list_keys(work, principal_id=principal_id, after=after, most=_AT_ONCE)
    return await store.list_keys_for(work, audience, after=after, most=_AT_ONCE)


async def _limit(work: Work, key: ApiKey, scope: Collection[str]) -> None:
    left = tuple(each for each in key.scope if each in scope)
    if left == key.scope:
        return
    if not left:
        await revoke_key(work, key_id=key.id)
        return
    await store.set_scope(work, key.id, left)
    await work.record(ApiKeyLimited(key_id=key.id, owner_id=key.principal_id, scope=left))
