"""Look at a grant for one of its provider's resources: what is kept, and what was refused."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.federation.provider import Provider
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.resources.known import find_resource, seen_for
from limen.vault.resources.store import find_token

_PAUSE: Final = dt.timedelta(seconds=60)
"""So long a refusal is believed: an administrator may agree without our hearing of it."""


async def see_for_resource(work: Work, parts: Parts, grant: Grant, *, raw: str) -> Grant:
    """Return a grant as it is for a resource; for the provider's default it is as it is.

    Args:
        work: The transaction.
        parts: The vault's.
        grant: As it was read.
        raw: The resource's name, or what the provider calls it; empty for the default.

    Raises:
        InvalidInput: ``resource_unknown``.
    """
    if not raw:
        return grant
    if grant.kind != "consent":
        raise InvalidInput("resource_unknown", "A credential has one use.", field="resource")
    provider = await _configured(work, parts, grant)
    name, resource = find_resource(provider, raw)
    if resource.is_default:
        return grant
    return seen_for(
        grant,
        name=name,
        resource=resource,
        token=await find_token(work, grant.id, name),
        kills=provider.facts.lifetime.kills_access_token,
    )


async def check_not_refused(work: Work, parts: Parts, grant: Grant, *, connection_id: str) -> None:
    """Refuse what the provider refused a moment ago, without asking it again.

    The grant itself is well: it is for this resource that somebody has to agree.

    Raises:
        Conflict: ``resource_consent_required``: its person, or an administrator of theirs, has
            not agreed to this resource; ``resource_refused``: the provider gives no such token.
    """
    if not grant.refused or work.now - grant.requested_at >= _PAUSE:
        return
    if grant.refused != "consent":
        raise Conflict(
            "resource_refused",
            f"The provider gives this connection no token for {grant.resource}.",
            detail=grant.refused,
        )
    refusal = Conflict(
        "resource_consent_required",
        f"Nobody has agreed to {grant.resource} at the provider: have its feature activated.",
    )
    at = f"/api/v1/oauth/connections/{connection_id}/features"
    feature = await _feature_of(work, parts, grant)
    refusal.ask_at = f"{at}/{feature}/activate" if feature else at
    raise refusal


async def _feature_of(work: Work, parts: Parts, grant: Grant) -> str:
    """Return a feature that its person would be asked for this resource with."""
    provider = await _configured(work, parts, grant)
    resource = provider.facts.resources[grant.resource]
    return next(
        (
            name
            for name, feature in provider.facts.features.items()
            if any(resource.names(each) for each in feature.scopes)
        ),
        "",
    )


async def _configured(work: Work, parts: Parts, grant: Grant) -> Provider:
    """Return the provider as this tenant has it: what a resource is called is the tenant's word."""
    client = await get_upstream_client(work, parts.envelope, provider=grant.provider)
    return parts.catalogue.get(grant.provider, client.config)
