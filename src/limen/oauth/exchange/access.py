"""The access token that a token is exchanged for: less, never more, and never for longer."""

from __future__ import annotations

from typing import Final

from limen.access.permissions import FULL_SCOPE
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.exchange.case import Case, ExchangeDesk
from limen.oauth.granted import access_ttl
from limen.oauth.model import Resource
from limen.oauth.resources import allowed_scope, scopes_of_the_person
from limen.oauth.subjects import subject_of
from limen.oauth.trust.brief_grant import Proof, start_brief_grant
from limen.oauth.trust.chosen import names_resource
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import IDENTITY_SCOPES, OFFLINE_ACCESS, choose_scope
from limen.tokens.issue_access_token import AccessTokenSpec

_OF_PEOPLE: Final = frozenset(IDENTITY_SCOPES)
_NEVER: Final = frozenset({OFFLINE_ACCESS, FULL_SCOPE})


async def exchange_for_access(
    work: Work, *, desk: ExchangeDesk, case: Case, resource: Resource, scope: tuple[str, ...]
) -> AccessTokenSpec:
    """Describe the access token; it ends with the grant or the session of the subject token.

    Args:
        work: The request's.
        desk: For pairwise subjects.
        case: Decided already.
        resource: As ``target_of`` returned it.
        scope: As ``scope_of`` returned it.

    Raises:
        OAuthRefusal: ``invalid_grant``: the user may have none any more (N110).
    """
    subject, caller = case.subject, case.caller
    if subject.grant_id is None and subject.user_id is not None:
        proof = Proof(
            user_id=subject.user_id,
            proven_at=subject.vouched_at or subject.auth_time or work.now,
            ends_at=subject.expires_at,
            auth_time=subject.auth_time,
            session_id=subject.session_id,
            acr=subject.acr,
            amr=subject.amr,
        )
        spec = await start_brief_grant(
            work, envelope=desk.envelope, caller=caller, proof=proof, resource=resource, scope=scope
        )
        return spec._replace(act=case.act)
    return AccessTokenSpec(
        client_id=caller.client.client_id,
        subject=await _known_as(work, desk, case),
        audience=resource.identifier,
        scope=scope,
        ttl=access_ttl(work, resource),
        grant_id=subject.grant_id,
        not_after=subject.expires_at,
        auth_time=subject.auth_time,
        acr=subject.acr,
        amr=subject.amr,
        exchanged=True,
        opaque=resource.token_format == "opaque",  # noqa: S105 -- a format
        act=case.act,
    )


async def _known_as(work: Work, desk: ExchangeDesk, case: Case) -> str:
    if case.subject.user_id is None:
        return case.subject.subject
    return await subject_of(
        work,
        envelope=desk.envelope,
        client=case.caller.client,
        user_id=case.subject.user_id,
    )


async def target_of(work: Work, *, desk: ExchangeDesk, case: Case) -> Resource:
    """Return the one resource that is asked for, if the policy names it, and the trust if any.

    Raises:
        OAuthRefusal: ``invalid_target`` (RFC 8693 section 2.2.2).
    """
    asked = {case.request.resource} if case.request.resource else set()
    if case.request.audience:
        asked.add(parse_resource(case.request.audience))
    if len(asked) > 1:
        raise _not_for_it()
    requested = asked.pop() if asked else None
    found = await desk.resources.resolve(work, client=case.caller.client, requested=requested)
    trusted = case.subject.resources
    if not names_resource(case.policy.audiences, found.identifier) or not (
        trusted is None or names_resource(trusted, found.identifier)
    ):
        raise _not_for_it()
    return found


def scope_of(case: Case, *, resource: Resource) -> tuple[str, ...]:
    """Return the scope: what the policy and the client's registration both allow there.

    Of what another issuer says, no more than that issuer is trusted with, as where its word is
    the grant. At the resource that the subject token was for, no more than that token had; of the
    person no more is told than it told, and their roles, account and connections are of use to
    nobody whom they did not give a token for our own API.

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left.
    """
    subject, client = case.subject, case.caller.client
    had = frozenset(subject.scope)
    allowed = (allowed_scope(client, resource) & frozenset(case.policy.scopes)) - _NEVER
    if subject.at_most is not None:
        allowed &= subject.at_most
    if subject.user_id is None:
        allowed -= _OF_PEOPLE
    allowed -= _OF_PEOPLE - had
    defaults = resource.default_scopes or client.default_scope
    if subject.audience == resource.identifier:
        allowed &= had
        defaults = subject.scope
    elif subject.user_id is not None:
        allowed -= scopes_of_the_person(resource)
    return choose_scope(case.request.scope, allowed=allowed, defaults=defaults)


def _not_for_it() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_target", "The client may not exchange tokens for this.", field="audience"
    )
