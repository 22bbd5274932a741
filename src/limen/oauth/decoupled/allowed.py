"""What a client may have of what it asks for: the rules of the authorization endpoint, again."""

from __future__ import annotations

from dataclasses import dataclass

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.authorization.allowed import allowed_details, allowed_scope
from limen.oauth.authorization.asked import Desk
from limen.oauth.model import Client, Resource
from limen.oauth.pending.model import DecoupledRequest
from limen.protocol.authorization_details import Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What may be granted, as things stand."""

    client: Client
    resource: Resource
    scope: tuple[str, ...]
    details: Details


async def check_allowed(
    work: Work,
    *,
    client: Client,
    scope: tuple[str, ...] | None,
    resource: str | None,
    details: Details,
    desk: Desk,
) -> Allowed:
    """Return what a client may be granted of what it asks for.

    Raises:
        OAuthRefusal: ``invalid_target``, ``invalid_scope``, ``invalid_authorization_details``.
    """
    found = await desk.resources.resolve(work, client=client, requested=resource)
    checked = allowed_details(details, client=client, resource=found)
    return Allowed(
        client=client,
        resource=found,
        scope=allowed_scope(scope, details=checked, client=client, resource=found),
        details=checked,
    )


async def recheck(work: Work, *, request: DecoupledRequest, desk: Desk) -> Allowed:
    """Check once more what may have changed while a request waited (N017, N107).

    Raises:
        OAuthRefusal: ``unauthorized_client``: the client is gone, or lost the grant; or as
            ``check_allowed``.
    """
    client = await desk.clients.fresh(work, request.client_id)
    if client is None or not client.is_active:
        raise OAuthRefusal("unauthorized_client", "This client is unknown.")
    return await check_allowed(
        work,
        client=client,
        scope=request.scope,
        resource=request.resource,
        details=request.authorization_details,
        desk=desk,
    )
