"""API keys of service accounts."""

from __future__ import annotations

from typing import Final

from limen.access.permissions import FULL_SCOPE
from limen.db.work import Work
from limen.oauth.api_keys.wanted import WantedKey, find_api, make_key
from limen.oauth.resources import Resources, allowed_scope
from limen.oauth.service_accounts.find import get_account
from limen.protocol.scopes import IDENTITY_SCOPES
from limen.tokens.api_keys.model import MadeKey

_NEVER: Final = frozenset({*IDENTITY_SCOPES, FULL_SCOPE})


async def create_account_key(
    work: Work, *, resources: Resources, client_id: str, wanted: WantedKey
) -> MadeKey:
    """Make a key of a service account's, with scopes that its tokens could have there.

    Raises:
        NotFound: ``service_account_not_found``, ``owner_not_found`` for one that is disabled.
        InvalidInput: ``resource_invalid``, ``scope_not_available``, ``lifetime_invalid``,
            ``name_invalid``.
        Conflict: ``too_many_api_keys``.
    """
    account = await get_account(work, client_id=client_id)
    resource = await find_api(work, resources=resources, wanted=wanted)
    allowed = allowed_scope(account.client, resource) - _NEVER
    return await make_key(
        work, principal_id=client_id, wanted=wanted, resource=resource, allowed=allowed
    )
