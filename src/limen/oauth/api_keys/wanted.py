"""What a new key shall be, and the API it is for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, OAuthRefusal
from limen.oauth.model import Resource
from limen.oauth.resources import Resources
from limen.protocol.resource_indicator import parse_resource
from limen.tenants.policy_of import policy_of
from limen.tenants.tenant import api_audience
from limen.tokens.api_keys.create import create_key
from limen.tokens.api_keys.model import MadeKey, NewKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedKey:
    """What somebody asks for.

    Args:
        scope: What it shall do there; at least one.
        resource: Which API it opens, in any spelling; ``None`` for the tenant's own.
        ttl: ``None`` for the tenant's default.
    """

    name: str
    scope: tuple[str, ...]
    resource: str | None = None
    ttl: dt.timedelta | None = None


async def find_api(work: Work, *, resources: Resources, wanted: WantedKey) -> Resource:
    """Return the API that a key shall open.

    Raises:
        InvalidInput: ``resource_invalid``: unknown, disabled, ourselves as issuer, or one whose
            tokens must be bound to a key, which an API key is not.
    """
    try:
        identifier = parse_resource(wanted.resource or api_audience(work.site))
    except OAuthRefusal as refusal:
        raise InvalidInput("resource_invalid", refusal.public, field="resource") from None
    found = await resources.find(work, identifier)
    if found is None or not found.is_active or found.is_issuer:
        raise InvalidInput("resource_invalid", "There is no such API.", field="resource")
    if found.sender_constrained:
        raise InvalidInput(
            "resource_invalid",
            "This API takes no tokens that anybody could send.",
            field="resource",
        )
    return found


async def make_key(
    work: Work,
    *,
    principal_id: str,
    wanted: WantedKey,
    resource: Resource,
    allowed: AbstractSet[str],
) -> MadeKey:
    """Make the key if all that it shall do is allowed.

    Raises:
        InvalidInput: ``scope_not_available``, or as ``create_key``.
    """
    missing = sorted(set(wanted.scope) - allowed)
    if missing or not wanted.scope:
        raise InvalidInput(
            "scope_not_available",
            f"A key can't have these scopes here: {' '.join(missing) or 'none was named'}.",
            field="scope",
        )
    default = dt.timedelta(days=policy_of(work).api_keys.default_days)
    new = NewKey(
        principal_id=principal_id,
        name=wanted.name,
        scope=tuple(dict.fromkeys(wanted.scope)),
        audience=resource.identifier,
        ttl=default if wanted.ttl is None else wanted.ttl,
    )
    return await create_key(work, new=new)
