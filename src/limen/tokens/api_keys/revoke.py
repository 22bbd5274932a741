"""End keys: from this transaction on they open nothing, before and after a rotation."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash
from limen.tokens.api_keys import store
from limen.tokens.api_keys.find import get_key, key_not_found
from limen.tokens.api_keys.model import ApiKey
from limen.tokens.events import ApiKeyRevoked, ApiKeysRevoked


async def revoke_key(work: Work, *, key_id: str, principal_id: str = "") -> None:
    """End one key.

    Args:
        work: The transaction.
        key_id: Which.
        principal_id: Whose it must be, if anybody's.

    Raises:
        NotFound: ``api_key_not_found``: one that has ended too.
    """
    key = await get_key(work, key_id=key_id, principal_id=principal_id)
    if not await _revoke(work, key):
        raise key_not_found()


async def revoke_keys_of(work: Work, *, principal_id: str) -> int:
    """End all keys of somebody's; return how many there were."""
    count = await store.revoke_keys_of(work, principal_id)
    if count:
        await work.record(ApiKeysRevoked(owner_id=principal_id, count=count))
    return count


async def revoke_shown_key(work: Work, *, raw: Secret[str], client_id: str) -> None:
    """End a key that its service account shows (RFC 7009); an unknown one is fine.

    Raises:
        OAuthRefusal: ``invalid_grant`` when it is somebody else's; nothing is revoked.
    """
    key = await store.find_key_by_hash(work, token_hash(raw))
    if key is None:
        return
    if key.principal_id != client_id:
        raise OAuthRefusal("invalid_grant", "The token was issued to another client.")
    await _revoke(work, key)


async def _revoke(work: Work, key: ApiKey) -> bool:
    if not await store.revoke_key(work, key.id):
        return False
    await work.record(ApiKeyRevoked(key_id=key.id, owner_id=key.principal_id))
    return True
