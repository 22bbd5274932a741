"""What whoever polls is told, and given once the person has approved.

Spec: RFC 8628 section 3.5, CIBA Core 1.0 section 11.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.oauth.caller import Caller
from limen.oauth.custom_claims import About, ask_before_token
from limen.oauth.decoupled.allowed import Allowed, recheck
from limen.oauth.granted import (
    Granted,
    access_of,
    claims_about,
    id_token_of,
    refresh_lifetimes,
)
from limen.oauth.parts import Parts
from limen.oauth.pending import store
from limen.oauth.pending.model import MAX_MISMATCHES, DecoupledRequest
from limen.oauth.subjects import subject_of
from limen.protocol.scopes import OPENID
from limen.tokens.grant import NewGrant
from limen.tokens.principals import is_enabled
from limen.tokens.start_grant import start_grant

JITTER: Final = dt.timedelta(seconds=1)
"""What a poll may come early by: the network does not keep time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a client asks about.

    Attributes:
        raw_code: The device code or ``auth_req_id``.
        prefix: What such codes begin with, and no others.
        grant_type: For the hooks.
    """

    raw_code: Secret[str]
    prefix: str
    grant_type: str


async def redeem(work: Work, *, parts: Parts, caller: Caller, polled: Polled) -> Granted:
    """Give an approved request its tokens, once; tell whoever comes before that to wait.

    Raises:
        OAuthRefusal: ``authorization_pending``, ``slow_down``, ``access_denied``,
            ``expired_token``; ``invalid_grant`` for what is unknown, another client's, bound to
            another key or used before.
    """
    request = await _find(work, polled)
    if request is None or request.client_id != caller.client.client_id:
        raise _unknown()
    if request.bound_to and caller.bound_to != request.bound_to:
        raise OAuthRefusal(
            "invalid_grant", "The code is bound to a key: send a DPoP proof made with it."
        )
    _check_approved(work, request)
    allowed = await recheck(work, request=request, desk=parts.desk)
    about = About(
        client=allowed.client,
        audience=allowed.resource.identifier,
        scope=allowed.scope,
        user_id=request.user_id,
        grant_type=polled.grant_type,
    )
    added = await ask_before_token(work, parts=parts, about=about)
    if not await store.redeem_request(work, request):
        # Used before, expired, or the person signed out meanwhile (N028, N037, N038).
        raise _unknown() if await is_enabled(work, principal_id=str(request.user_id)) else _over()
    return await _granted(work, parts, caller, request=request, allowed=allowed, added=added)


async def _find(work: Work, polled: Polled) -> DecoupledRequest | None:
    told = read(polled.raw_code, kind=polled.prefix)
    if told is None or told.tenant_id != work.tenant_id:
        return None
    return await store.find_by_hash(work, token_hash(polled.raw_code))


def _check_approved(work: Work, request: DecoupledRequest) -> None:
    """Say what there is to wait for; who asks too often waits longer from then on."""
    if request.used_at is not None:
        raise _unknown()
    if request.is_expired(now=work.now):
        raise OAuthRefusal("expired_token", "The request has expired. Begin again.")
    if request.status == "denied" or request.mismatches >= MAX_MISMATCHES:
        raise OAuthRefusal("access_denied", "The user did not agree.")
    if request.status == "approved":
        return
    too_early = _is_too_early(work, request)
    work.even_if_refused(partial(store.note_poll, request_id=request.id, too_early=too_early))
    if too_early:
        wait = request.interval_seconds + store.SLOW_DOWN_SECONDS
        raise OAuthRefusal("slow_down", f"Wait {wait} seconds between two polls.")
    raise OAuthRefusal("authorization_pending", "Nobody has answered yet.")


def _is_too_early(work: Work, request: DecoupledRequest) -> bool:
    if request.polled_at is None:
        return False
    interval = dt.timedelta(seconds=request.interval_seconds)
    return work.now < request.polled_at + interval - JITTER


async def _granted(
    work: Work,
    parts: Parts,
    caller: Caller,
    *,
    request: DecoupledRequest,
    allowed: Allowed,
    added: Mapping[str, Any],
) -> Granted:
    lifetimes = refresh_lifetimes(work, parts.lifetimes)
    new = await _new_grant(work, parts, caller, request=request, allowed=allowed)
    try:
        started = await start_grant(work, envelope=parts.envelope, lifetimes=lifetimes, new=new)
    except OAuthRefusal as refused:
        raise _over() from refused
    id_token = id_token_of(
        started.grant,
        client=allowed.client,
        lifetimes=lifetimes,
        session_id=request.session_id,
        claims=await claims_about(work, started.grant, client=allowed.client, scope=allowed.scope),
    )
    return Granted(
        access=access_of(
            work,
            started.grant,
            scope=allowed.scope,
            resource=allowed.resource,
            details=allowed.details,
        ),
        resource=allowed.resource,
        user_id=request.user_id,
        added=added,
        raw_refresh=started.raw_refresh,
        id_token=id_token if OPENID in allowed.scope else None,
    )


async def _new_grant(
    work: Work, parts: Parts, caller: Caller, *, request: DecoupledRequest, allowed: Allowed
) -> NewGrant:
    if request.user_id is None or request.authenticated_at is None:
        raise LookupError("an approved request names who approved it, and when they signed in")
    client = allowed.client
    ends_with_session = request.session_id is not None and not request.offline
    return NewGrant(
        client_id=client.client_id,
        user_id=request.user_id,
        subject=await subject_of(
            work, envelope=parts.envelope, client=client, user_id=request.user_id
        ),
        scope=allowed.scope,
        resources=(allowed.resource.identifier,),
        authenticated_at=request.authenticated_at,
        acr=request.acr,
        amr=request.amr,
        session_id=request.session_id if ends_with_session else None,
        expires_at=request.session_ends_at if ends_with_session else None,
        refreshable=client.may_use("refresh_token"),
        authorization_details=allowed.details,
        bound_to=caller.grant_bound_to,
    )


def _over() -> OAuthRefusal:
    """Who agreed was locked out since: to the client that is a no, and final (N110)."""
    return OAuthRefusal("access_denied", "The user may have no tokens any more.")


def _unknown() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "The code is invalid, expired or was used before.")
