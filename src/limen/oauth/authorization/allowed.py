"""What a client may be given of what it asks for: said when it asks, and when it is answered."""

from __future__ import annotations

from limen.oauth.model import Client, Resource
from limen.oauth.resources import granted_scope
from limen.protocol.authorization_details import Details, check_details
from limen.protocol.authorization_request import AuthorizationRequest
from limen.protocol.claims import claims_of_scopes
from limen.protocol.claims_request import ClaimsRequest, only_claims
from limen.protocol.scopes import OPENID


def allowed_scope(
    scope: tuple[str, ...] | None, *, details: Details, client: Client, resource: Resource
) -> tuple[str, ...]:
    """Return the scope that may be granted; none where details were asked for instead of one.

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left.
    """
    if not scope and details:
        return ()
    return granted_scope(scope, client=client, resource=resource)


def allowed_claims(
    request: AuthorizationRequest, *, client: Client, scope: tuple[str, ...]
) -> ClaimsRequest:
    """Return of the claims asked for by name those that the client's scopes would open.

    The ``claims`` parameter is a finer way to ask, and no way around what a client may have.
    """
    if OPENID not in scope:
        return {}
    return only_claims(request.requested_claims, allowed=claims_of_scopes(client.scope))


def allowed_details(details: Details, *, client: Client, resource: Resource) -> Details:
    """Return ``authorization_details``, if client and resource both know their types.

    Raises:
        OAuthRefusal: ``invalid_authorization_details``.
    """
    check_details(
        details,
        registered=client.metadata.authorization_details_types,
        declared=resource.authorization_details_types,
        resource=resource.identifier,
    )
    return details
