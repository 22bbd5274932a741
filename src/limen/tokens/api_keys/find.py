"""Find keys: the one that is shown, and those somebody has."""

from __future__ import annotations

import dataclasses
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.tenants.policy_of import policy_of
from limen.tenants.tenant import api_audience
from limen.tokens.api_keys import store
from limen.tokens.api_keys.model import API_KEY_KIND, ApiKey

USE: Final = "api_key"
"""What uses of keys are noted as."""


def is_api_key(raw: Secret[str]) -> bool:
    """Say whether something has the form of a key, of whatever tenant."""
    return read(raw, kind=API_KEY_KIND) is not None


async def look_up_key(work: Work, *, raw: Secret[str]) -> ApiKey | None:
    """Return a shown key if it is good now: one statement asks everything.

    Good is what is neither revoked nor past its end, of an owner who is neither disabled nor
    past theirs and has not been signed out everywhere since it was made (N048), and opens an
    API that is not disabled. A person's key does what people may let their keys do by now.

    Returns:
        The key, with the end that comes first as its end; ``None`` for anything else, one of
        another tenant among them.
    """
    form = read(raw, kind=API_KEY_KIND)
    if form is None or form.tenant_id != work.tenant_id:
        return None
    key = await store.look_up_key(work, token_hash(raw))
    if key is None:
        return None
    scope = _allowed_by_now(work, key)
    if not scope:
        return None
    work.note_use(USE, key.id)
    return dataclasses.replace(key, scope=scope)


def _allowed_by_now(work: Work, key: ApiKey) -> tuple[str, ...]:
    """Return what a key may do (N049); what its owner's roles allow is asked where it is used."""
    if key.kind != "user" or key.audience == api_audience(work.site):
        return key.scope
    allowed = policy_of(work).api_keys.scopes
    return tuple(each for each in key.scope if each in allowed)


async def get_key(work: Work, *, key_id: str, principal_id: str = "") -> ApiKey:
    """Return a key that has not ended.

    Args:
        work: Says the tenant.
        key_id: Which.
        principal_id: Whose it must be, if anybody's: another's is not found, whatever its id
            (N200).

    Raises:
        NotFound: ``api_key_not_found``.
    """
    key = await store.find_key(work, key_id)
    if key is None or (principal_id and key.principal_id != principal_id):
        raise key_not_found()
    return key


async def list_keys(work: Work, *, after: str, limit: int, principal_id: str = "") -> list[ApiKey]:
    """Return keys that have not ended, oldest first.

    Args:
        work: Says the tenant.
        after: The id that the list goes on after; empty for its beginning.
        limit: How many at most.
        principal_id: Whose; empty for everybody's.
    """
    return await store.list_keys(work, principal_id=principal_id, after=after, most=limit)


def key_not_found() -> NotFound:
    """Return the refusal for a key that is not there, or not theirs who ask."""
    return NotFound("api_key_not_found", "There is no such API key.")
