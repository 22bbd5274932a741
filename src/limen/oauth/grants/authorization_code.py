"""The authorization code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.6)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from limen.db.work import Work
from limen.kernel.errors import InvalidClient, OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.codes import count_failed_redemption, find_code, redeem_code
from limen.oauth.custom_claims import About, ask_before_token
from limen.oauth.events import CodeReplayed
from limen.oauth.granted import (
    Granted,
    access_of,
    claims_about,
    details_of,
    id_token_of,
    refresh_lifetimes,
)
from limen.oauth.model import AuthorizationCode, Client, Resource
from limen.oauth.parts import Parts
from limen.oauth.resources import allowed_scope
from limen.protocol.pkce import check_verifier
from limen.protocol.scopes import OPENID, choose_scope
from limen.protocol.sender.confirmation import of_proof
from limen.protocol.token_request import AuthorizationCodeRequest
from limen.tokens.end_grant import end_grant
from limen.tokens.grant import NewGrant
from limen.tokens.start_grant import start_grant


async def grant_authorization_code(
    work: Work, *, parts: Parts, caller: Caller, request: AuthorizationCodeRequest
) -> Granted:
    """Redeem a code, once, for the client it was issued to.

    The code is taken first and who presents it checked after it: a refusal rolls the taking
    back, so an invalid attempt changes nothing but a counter (N033, N035). A valid second one
    ends what the first was given (N031).

    Raises:
        OAuthRefusal: ``invalid_grant``, ``invalid_target``, ``invalid_scope``.
        InvalidClient: The client was disabled since it was read.
    """
    added = await _ask_first(work, parts, caller=caller, request=request)
    code = await redeem_code(work, raw_code=request.raw_code)
    if code is None:
        raise await _not_redeemed(work, caller=caller, request=request)
    _check_presenter(work, code, caller=caller, request=request)
    client = await _confirm_client(work, parts, client=caller.client, code=code)
    resource = await _resource_of(work, parts, client, code=code, request=request)
    code = _less_what_was_lost(code, client=client, resource=resource)
    lifetimes = refresh_lifetimes(work, parts.lifetimes)
    started = await start_grant(
        work,
        envelope=parts.envelope,
        lifetimes=lifetimes,
        new=_new_grant(code, client=client, bound_to=caller.grant_bound_to),
    )
    id_token = id_token_of(
        started.grant,
        client=client,
        lifetimes=lifetimes,
        session_id=code.session_id,
        nonce=code.nonce,
        claims=await claims_about(work, started.grant, client=client, scope=code.scope),
    )
    details = details_of(
        started.grant, client=client, resource=resource, requested=request.authorization_details
    )
    return Granted(
        access=access_of(work, started.grant, scope=code.scope, resource=resource, details=details),
        resource=resource,
        user_id=code.user_id,
        added=added,
        raw_refresh=started.raw_refresh,
        id_token=id_token if OPENID in code.scope else None,
    )


async def _not_redeemed(
    work: Work, *, caller: Caller, request: AuthorizationCodeRequest
) -> OAuthRefusal:
    """Return why; a code that was used before, presented by whom it is for, ends what it gave.

    Others were expired or burnt, or the person signed out meanwhile (N037, N028, N038).
    """
    code = await find_code(work, raw_code=request.raw_code)
    refusal = _unknown()
    if code is None:
        return refusal
    _check_presenter(work, code, caller=caller, request=request)
    if code.used_at is not None:
        client_id = caller.client.client_id
        work.even_if_refused(partial(_end_replayed, grant_id=code.grant_id, client_id=client_id))
        refusal.is_told = True
    return refusal


async def _ask_first(
    work: Work, parts: Parts, *, caller: Caller, request: AuthorizationCodeRequest
) -> Mapping[str, Any]:
    """Ask the hooks, where there are any, about the code as it lies: nothing is taken yet.

    One that is unknown or was used is not asked about; redeeming it will refuse it, whatever
    they say.
    """
    if parts.hooks is None or not await parts.hooks.are_at(work, "before_token"):
        return {}
    code = await find_code(work, raw_code=request.raw_code)
    if code is None or code.used_at is not None:
        return {}
    _check_presenter(work, code, caller=caller, request=request)
    client = await _confirm_client(work, parts, client=caller.client, code=code)
    resource = await _resource_of(work, parts, client, code=code, request=request)
    code = _less_what_was_lost(code, client=client, resource=resource)
    about = About(
        client=client,
        audience=resource.identifier,
        scope=code.scope,
        user_id=code.user_id,
        grant_type="authorization_code",
    )
    return await ask_before_token(work, parts=parts, about=about)


def _check_presenter(
    work: Work, code: AuthorizationCode, *, caller: Caller, request: AuthorizationCodeRequest
) -> None:
    """Refuse whoever has the code and not what belongs to it; the fifth attempt burns it.

    Raises:
        OAuthRefusal: ``invalid_grant``, in words that tell another client nothing.
    """
    try:
        _check_belongings(code, caller=caller, request=request)
    except OAuthRefusal:
        work.even_if_refused(partial(count_failed_redemption, code_hash=code.code_hash))
        raise


def _check_belongings(
    code: AuthorizationCode, *, caller: Caller, request: AuthorizationCodeRequest
) -> None:
    if code.client_id != caller.client.client_id:
        # Stolen, or mixed up between two servers (N033).
        raise _unknown()
    if not _is_same_redirect(code, request.redirect_uri):
        raise OAuthRefusal(
            "invalid_grant",
            "redirect_uri is not the one of the authorization request.",
            field="redirect_uri",
        )
    check_verifier(request.raw_verifier, challenge=code.code_challenge)
    if code.dpop_jkt is not None and caller.bound_to != of_proof(code.dpop_jkt):
        raise OAuthRefusal(
            "invalid_grant", "The code is bound to a key: send a DPoP proof made with it."
        )


def _is_same_redirect(code: AuthorizationCode, sent: str | None) -> bool:
    """Compare as strings; what the authorization request named must be named again (N034)."""
    if sent is None:
        return not code.redirect_uri_sent
    return sent == code.redirect_uri


async def _confirm_client(
    work: Work, parts: Parts, *, client: Client, code: AuthorizationCode
) -> Client:
    """Exchange a cached client for the current one, if the code's row shows it is outdated."""
    confirmed = await parts.clients.confirm(work, client, version=code.client_version)
    if confirmed is None or not confirmed.is_active:
        raise InvalidClient(public="Client authentication failed.")
    return confirmed


async def _resource_of(
    work: Work,
    parts: Parts,
    client: Client,
    *,
    code: AuthorizationCode,
    request: AuthorizationCodeRequest,
) -> Resource:
    """Return the audience the person agreed to; asking for another is refused (N090)."""
    if request.resource is not None and request.resource != code.resource:
        raise OAuthRefusal("invalid_target", "This resource was not authorized.", field="resource")
    return await parts.resources.resolve(work, client=client, requested=code.resource)


def _less_what_was_lost(
    code: AuthorizationCode, *, client: Client, resource: Resource
) -> AuthorizationCode:
    """Return the code with the scope that its client may still have there (N049).

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left.
    """
    if not code.scope and code.authorization_details:
        return code
    allowed = allowed_scope(client, resource)
    return dataclasses.replace(code, scope=choose_scope(code.scope, allowed=allowed, defaults=()))


def _new_grant(code: AuthorizationCode, *, client: Client, bound_to: str) -> NewGrant:
    return NewGrant(
        id=code.grant_id,
        client_id=client.client_id,
        user_id=code.user_id,
        subject=code.subject,
        scope=code.scope,
        resources=(code.resource,),
        authenticated_at=code.authenticated_at,
        acr=code.acr,
        amr=code.amr,
        session_id=None if code.offline else code.session_id,
        expires_at=None if code.offline else code.session_ends_at,
        refreshable=client.may_use("refresh_token"),
        requested_claims=code.claims,
        authorization_details=code.authorization_details,
        bound_to=bound_to,
    )


async def _end_replayed(work: Work, *, grant_id: str, client_id: str) -> None:
    await end_grant(work, grant_id=grant_id, reason="code_replayed")
    await work.record(CodeReplayed(client_id=client_id, grant_id=grant_id))


def _unknown() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "The code is invalid, expired or was used before.")
