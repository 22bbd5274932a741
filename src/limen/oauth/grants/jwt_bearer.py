"""The JWT bearer grant (RFC 7523 section 2.1): a trusted issuer's word about a user.

Identity assertions (ID-JAG) come this way too: they name the one client that may use them.
"""

from __future__ import annotations

from limen.access.permissions import FULL_SCOPE
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.custom_claims import About, ask_before_token
from limen.oauth.granted import Granted
from limen.oauth.model import Resource
from limen.oauth.parts import Parts
from limen.oauth.resources import allowed_scope, scopes_of_the_person
from limen.oauth.trust.brief_grant import Proof, start_brief_grant
from limen.oauth.trust.chosen import names_resource
from limen.oauth.trust.events import AssertionAccepted
from limen.oauth.trust.verify_assertion import (
    Assertion,
    AssertionRefused,
    key_named,
    use_once,
    verify_assertion,
)
from limen.protocol.client_metadata import JWT_BEARER
from limen.protocol.jwt_bearer import JwtBearerRequest, named_resource, named_scope
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import OFFLINE_ACCESS, choose_scope


async def grant_jwt_bearer(
    work: Work, *, parts: Parts, caller: Caller, request: JwtBearerRequest
) -> Granted:
    """Issue an access token for the user that an assertion speaks of; no refresh token.

    Whoever obtains a new assertion may come again: the issuer decides for how long, not we.

    Raises:
        OAuthRefusal: ``invalid_grant``: in the same words whatever is wrong (N111), until a
            trusted issuer's signature has held; then with what is wrong in the assertion.
            ``unauthorized_client``, ``invalid_target``, ``invalid_scope``.
        Unavailable: The issuer's keys can't be had.
    """
    if caller.client.is_public:
        raise OAuthRefusal("unauthorized_client", "This grant is for clients that authenticate.")
    said = await _verified(work, parts, caller, request=request)
    resource = await _resource(work, parts, caller, said=said, request=request)
    scope = _scope(caller, resource, said=said, request=request)
    about = About(
        client=caller.client,
        audience=resource.identifier,
        scope=scope,
        user_id=said.user_id,
        grant_type=JWT_BEARER,
    )
    added = await ask_before_token(work, parts=parts, about=about)
    if not await use_once(work, said):
        raise _refused("replayed", "It was presented before: each needs a jti of its own.")
    proof = Proof(
        user_id=said.user_id,
        proven_at=said.issued_at,
        auth_time=said.authenticated_at,
        acr=said.acr,
        amr=said.amr,
    )
    access = await start_brief_grant(
        work, envelope=parts.envelope, caller=caller, proof=proof, resource=resource, scope=scope
    )
    await work.record(
        AssertionAccepted(
            client_id=caller.client.client_id,
            user_id=said.user_id,
            issuer=said.trusted.issuer,
            profile=said.profile,
        )
    )
    return Granted(access=access, resource=resource, user_id=said.user_id, added=added)


async def _verified(
    work: Work, parts: Parts, caller: Caller, *, request: JwtBearerRequest
) -> Assertion:
    try:
        said = await verify_assertion(
            work,
            keys=parts.trusted_keys,
            raw=request.raw_assertion,
            client_id=caller.client.client_id,
        )
        bound_to = key_named(said.claims)
    except AssertionRefused as refused:
        raise _refused(refused.reason, refused.public) from refused
    if bound_to is not None and bound_to != caller.bound_to:
        raise _refused("cnf", "It is bound to a key: send a DPoP proof made with that key.")
    return said


async def _resource(
    work: Work, parts: Parts, caller: Caller, *, said: Assertion, request: JwtBearerRequest
) -> Resource:
    """Return what the token is for: as asked, within what assertion and trust allow.

    Raises:
        OAuthRefusal: ``invalid_target`` for what was asked; ``invalid_grant`` if it is the
            assertion that names no resource of ours (MCP, enterprise-managed authorization 7.6.2).
    """
    asserted = named_resource(said.claims) if said.profile == "id-jag" else None
    if asserted is None:
        return await _trusted_resource(work, parts, caller, said=said, wanted=request.resource)
    try:
        found = await _trusted_resource(
            work, parts, caller, said=said, wanted=parse_resource(asserted)
        )
    except OAuthRefusal:
        raise _refused("resource", "resource is none that it may be for here.") from None
    if request.resource not in (None, parse_resource(asserted)):
        raise _not_for_it()
    return found


async def _trusted_resource(
    work: Work, parts: Parts, caller: Caller, *, said: Assertion, wanted: str | None
) -> Resource:
    found = await parts.resources.resolve(work, client=caller.client, requested=wanted)
    if not names_resource(said.trusted.trust.resources, found.identifier):
        raise _not_for_it()
    return found


def _scope(
    caller: Caller, resource: Resource, *, said: Assertion, request: JwtBearerRequest
) -> tuple[str, ...]:
    """Return the scope: what client, trust and, if it says one, the assertion allow.

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left of what was asked; ``invalid_grant``
            when nothing is of what the assertion names.
    """
    asserted = named_scope(said.claims) if said.profile == "id-jag" else None
    allowed = allowed_scope(caller.client, resource) & frozenset(said.trusted.trust.scopes)
    allowed -= {OFFLINE_ACCESS, FULL_SCOPE} | scopes_of_the_person(resource)
    if asserted is not None:
        allowed &= frozenset(asserted)
        if not allowed:
            raise _refused("scope", "scope names none that it may give here.")
    defaults = asserted or resource.default_scopes or caller.client.default_scope
    return choose_scope(request.scope, allowed=allowed, defaults=defaults)


def _not_for_it() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_target", "The assertion is not for this resource.", field="resource"
    )


def _refused(detail: str, told: str = "") -> OAuthRefusal:
    public = f"The assertion: {told}" if told else "The assertion is not accepted."
    return OAuthRefusal("invalid_grant", public, detail=detail)
