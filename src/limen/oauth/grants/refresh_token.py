"""The refresh token grant (RFC 6749 section 6, OAuth 2.1 section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.custom_claims import About, ask_before_token
from limen.oauth.granted import (
    Granted,
    access_of,
    claims_about,
    details_of,
    id_token_of,
    refresh_lifetimes,
)
from limen.oauth.model import Client, Resource
from limen.oauth.parts import Parts
from limen.oauth.resources import allowed_scope
from limen.protocol.scopes import OPENID, choose_scope, narrow_scope
from limen.protocol.token_request import RefreshRequest
from limen.sessions.resume import keep_alive
from limen.signin.steps.missing import lacks_factor
from limen.tokens.grant import Grant
from limen.tokens.redeem_refresh import Presented, find_usable, redeem_refresh


async def grant_refresh_token(
    work: Work, *, parts: Parts, caller: Caller, request: RefreshRequest
) -> Granted:
    """Use a refresh token: rotated for public clients, kept by confidential ones.

    The token is redeemed first and everything else is checked after it: a refusal rolls the
    rotation back, so a request that asks too much costs the client nothing.

    Raises:
        OAuthRefusal: ``invalid_grant``, ``invalid_scope`` (N052), ``invalid_target`` (N051).
    """
    client = caller.client
    lifetimes = refresh_lifetimes(work, parts.lifetimes)
    added = await _ask_first(work, parts, client=client, request=request)
    refreshed = await redeem_refresh(
        work,
        envelope=parts.envelope,
        lifetimes=lifetimes,
        presented=Presented(
            raw=request.raw_token,
            client_id=client.client_id,
            rotate=client.rotates,
            bound_to=caller.grant_bound_to,
        ),
    )
    grant = refreshed.grant
    await _check_session(work, grant)
    resource = await _resource_of(work, parts, client, grant=grant, requested=request.resource)
    scope = _scope_of(grant, client=client, resource=resource, request=request)
    details = details_of(
        grant, client=client, resource=resource, requested=request.authorization_details
    )
    id_token = id_token_of(
        grant,
        client=client,
        lifetimes=lifetimes,
        session_id=grant.session_id,
        claims=await claims_about(work, grant, client=client, scope=scope),
    )
    return Granted(
        access=access_of(work, grant, scope=scope, resource=resource, details=details),
        resource=resource,
        user_id=grant.user_id,
        added=added,
        raw_refresh=refreshed.raw_refresh,
        id_token=id_token if OPENID in scope else None,
    )


async def _ask_first(
    work: Work, parts: Parts, *, client: Client, request: RefreshRequest
) -> Mapping[str, Any]:
    """Ask the hooks, where there are any, about the token as it lies: nothing is redeemed yet.

    A token that is not good is not asked about; redeeming it will refuse it. One that was
    rotated a moment ago is, for in its grace it still gives an access token.
    """
    if parts.hooks is None or not await parts.hooks.are_at(work, "before_token"):
        return {}
    grant = await find_usable(
        work, envelope=parts.envelope, raw=request.raw_token, client_id=client.client_id
    )
    if grant is None:
        return {}
    resource = await parts.resources.resolve(
        work, client=client, requested=request.resource or grant.resources[0]
    )
    about = About(
        client=client,
        audience=resource.identifier,
        scope=request.scope or grant.scope,
        user_id=grant.user_id,
        grant_type="refresh_token",
    )
    return await ask_before_token(work, parts=parts, about=about)


async def _check_session(work: Work, grant: Grant) -> None:
    """Refuse when the session of the grant is over, by idleness too (N048), or is not enough."""
    if lacks_factor(work, amr=grant.amr):
        raise OAuthRefusal("invalid_grant", "Two factors are needed by now: sign in again.")
    if grant.session_id is None or await keep_alive(work, session_id=grant.session_id):
        return
    raise OAuthRefusal("invalid_grant", "The refresh token is invalid or expired.")


async def _resource_of(
    work: Work, parts: Parts, client: Client, *, grant: Grant, requested: str | None
) -> Resource:
    """Return one of the grant's resources, if it is still there (N051)."""
    if requested is not None and requested not in grant.resources:
        raise OAuthRefusal("invalid_target", "This resource was not authorized.", field="resource")
    wanted = requested or grant.resources[0]
    return await parts.resources.resolve(work, client=client, requested=wanted)


def _scope_of(
    grant: Grant, *, client: Client, resource: Resource, request: RefreshRequest
) -> tuple[str, ...]:
    """Return what was asked of what was granted, less what the client has lost since (N049)."""
    asked = narrow_scope(request.scope, granted=grant.scope)
    if not asked and grant.authorization_details:
        return ()
    return choose_scope(asked, allowed=allowed_scope(client, resource), defaults=())
