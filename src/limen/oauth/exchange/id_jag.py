"""Identity assertions for another authorization server that trusts us (ID-JAG).

Spec: draft-ietf-oauth-identity-assertion-authz-grant, section "Token Exchange".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.exchange.case import Case, ExchangeDesk
from limen.oauth.exchange.policy import AssertionTarget, ExchangePolicy
from limen.oauth.granted import Handed
from limen.oauth.model import Client
from limen.oauth.subjects import subject_of
from limen.oauth.trust.chosen import names
from limen.protocol.resource_indicator import is_resource
from limen.protocol.scopes import choose_scope
from limen.protocol.token_exchange import ID_JAG, TokenExchangeRequest
from limen.tokens.assertions.issue_id_jag import IdJagSpec, issue_id_jag


async def assertion_of(work: Work, *, desk: ExchangeDesk, case: Case) -> IdJagSpec:
    """Return what may be asserted about a user who signed in to this client.

    The subject token is an ID token or a refresh token of this client; the key that the client
    proved, if any, is named in the assertion.

    Raises:
        OAuthRefusal: ``invalid_request``, ``invalid_target``, ``invalid_scope``.
    """
    subject, caller, request = case.subject, case.caller, case.request
    target = _target(case.policy, request)
    if subject.user_id is None or not names(case.policy.subjects, subject.user_id):
        raise OAuthRefusal(
            "invalid_request", "The client may not exchange this token.", field="subject_token"
        )
    scope = target.scopes
    if request.scope is not None:
        scope = choose_scope(request.scope, allowed=target.scopes, defaults=())
    asker = await _asker(work, desk, target, client=caller.client)
    return IdJagSpec(
        audience=target.audience,
        client_id=target.client_id,
        subject=await subject_of(
            work, envelope=desk.envelope, client=asker, user_id=subject.user_id
        ),
        not_after=subject.expires_at,
        resource=_resource(target, request.resource),
        scope=scope,
        auth_time=subject.auth_time,
        acr=subject.acr,
        amr=subject.amr,
        jkt=caller.bound_to.removeprefix("jkt:") if caller.bound_to.startswith("jkt:") else "",
    )


async def assert_identity(
    work: Work, *, desk: ExchangeDesk, spec: IdJagSpec, added: Mapping[str, Any]
) -> Handed:
    """Issue an identity assertion, with the claims that hooks added."""
    raw, expires_in = await issue_id_jag(
        work, keyring=desk.keyring, spec=replace(spec, claims=added)
    )
    return Handed(
        raw=raw,
        issued_type=ID_JAG,
        token_type="N_A",  # noqa: S106 -- a type
        scope=spec.scope,
        expires_in=expires_in,
    )


def _target(policy: ExchangePolicy, request: TokenExchangeRequest) -> AssertionTarget:
    if request.actor is not None:
        raise OAuthRefusal(
            "invalid_request", "An identity assertion has no actor.", field="actor_token"
        )
    if request.audience is None:
        raise OAuthRefusal("invalid_request", "audience is missing.", field="audience")
    target = policy.assertion_for(request.audience)
    if target is None:
        raise OAuthRefusal(
            "invalid_target", "Nothing is asserted to this server.", field="audience"
        )
    return target


def _resource(target: AssertionTarget, asked: str | None) -> str:
    """Return the one resource an assertion is for; empty where the policy leaves that open.

    As the policy has it, which is how its own server writes it.

    An assertion that names none is good for all that the other server has: who leaves the
    parameter out must not get more than who sends it.

    Raises:
        OAuthRefusal: ``invalid_target``.
    """
    if asked is None and len(target.resources) > 1:
        raise OAuthRefusal("invalid_target", "Name the resource.", field="resource")
    if asked is None:
        return next(iter(target.resources), "")
    for named in target.resources:
        if is_resource(named, asked):
            return named
    raise OAuthRefusal("invalid_target", "Nothing is asserted for this resource.", field="resource")


async def _asker(
    work: Work, desk: ExchangeDesk, target: AssertionTarget, *, client: Client
) -> Client:
    """Return the client by which the other server signs people in here: ``sub`` is that one's.

    Raises:
        OAuthRefusal: ``invalid_target``: it is gone.
    """
    if not target.subject_client:
        return client
    found = await desk.clients.find(work, target.subject_client)
    if found is None or not found.is_active:
        raise OAuthRefusal("invalid_target", "The server is not known here.", field="audience")
    return found
