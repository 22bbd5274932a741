"""The client credentials grant: a client acts for itself (RFC 6749 section 4.4)."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.authorization.allowed import allowed_details
from limen.oauth.caller import Caller
from limen.oauth.custom_claims import About, ask_before_token
from limen.oauth.granted import Granted, access_ttl
from limen.oauth.parts import Parts
from limen.oauth.resources import machine_scope
from limen.protocol.token_request import ClientCredentialsRequest
from limen.tokens.issue_access_token import AccessTokenSpec


async def grant_client_credentials(
    work: Work, *, parts: Parts, caller: Caller, request: ClientCredentialsRequest
) -> Granted:
    """Decide on a client's own token: no row is read or written while all is cached.

    There is no refresh token (RFC 6749 section 4.4.3) and nothing that speaks of a person
    (N107): ``sub`` is the client.
    """
    client = caller.client
    resource = await parts.resources.resolve(work, client=client, requested=request.resource)
    details = allowed_details(request.authorization_details or (), client=client, resource=resource)
    scope = (
        ()
        if details and request.scope is None
        else machine_scope(request.scope, client=client, resource=resource)
    )
    added = await ask_before_token(
        work,
        parts=parts,
        about=About(
            client=client,
            audience=resource.identifier,
            scope=scope,
            user_id=None,
            grant_type="client_credentials",
        ),
    )
    return Granted(
        resource=resource,
        added=added,
        access=AccessTokenSpec(
            client_id=client.client_id,
            subject=client.client_id,
            audience=resource.identifier,
            scope=scope,
            ttl=access_ttl(work, resource),
            grant_id=None,
            authorization_details=details,
            opaque=resource.token_format == "opaque",  # noqa: S105 -- a format
        ),
    )
