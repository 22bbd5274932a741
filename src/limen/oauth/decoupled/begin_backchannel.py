"""Take the request of a server that knows whom it wants to be asked (CIBA)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.accounts.user import User
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal, Throttled
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.oauth.authorization.asked import Desk
from limen.oauth.authorization.sent import open_object
from limen.oauth.decoupled.allowed import check_allowed
from limen.oauth.decoupled.begin_device import note_request, sign_in_after
from limen.oauth.decoupled.hinted_user import hinted_user
from limen.oauth.decoupled.ping import seal_notification
from limen.oauth.decoupled.tell_person import tell_person
from limen.oauth.model import Client
from limen.oauth.pending import store
from limen.oauth.pending.model import DecoupledRequest
from limen.protocol.client_metadata import CIBA
from limen.protocol.decoupled.backchannel import (
    BackchannelRequest,
    must_sign,
    parse_backchannel_request,
    signed_rules,
)
from limen.protocol.params import Params
from limen.tenants.policy_of import policy_of

KIND: Final = "lmb"
MAX_WAITING: Final = 5
"""Requests of one client that wait for one person: more would tire them into saying yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunBackchannel:
    """A request taken, with its ``auth_req_id``, which its row does not hold."""

    request: DecoupledRequest
    raw_request_id: Secret[str]


async def begin_backchannel(
    work: Work, *, client: Client, params: Params, desk: Desk
) -> BegunBackchannel:
    """Check a request, keep it, and tell the person that they are asked.

    Args:
        work: Clean: the client's keys may have to be fetched.
        client: Authenticated.
        params: The form.
        desk: Of the server.

    Raises:
        OAuthRefusal: In the words of CIBA section 13.
        Throttled: ``too_many_requests``: too much of this client waits for this person.

    Spec: CIBA Core 1.0 sections 7.1 to 7.3.
    """
    if client.is_public or not client.may_use(CIBA):
        raise OAuthRefusal("unauthorized_client", "This client may not use CIBA.")
    ping = client.metadata.backchannel_token_delivery_mode == "ping"  # noqa: S105 -- a mode
    counted = await _counted(work, client, params, desk=desk)
    asked = parse_backchannel_request(counted, ping=ping)
    user = await hinted_user(work, client=client, asked=asked, desk=desk)
    waiting = await store.count_waiting(work, user_id=user.id, client_id=client.client_id)
    if waiting >= MAX_WAITING:
        raise Throttled(
            "too_many_requests",
            "Too many requests of this client wait for this person.",
            retry_after_seconds=60,
        )
    raw_request_id = mint(KIND, work.tenant_id)
    request = await _request(
        work, client=client, asked=asked, user=user, raw_request_id=raw_request_id, desk=desk
    )
    await store.add_request(work, request)
    await note_request(work, request)
    await tell_person(work, request=request, client=client, user=user, envelope=desk.envelope)
    return BegunBackchannel(request=request, raw_request_id=raw_request_id)


async def _counted(work: Work, client: Client, params: Params, *, desk: Desk) -> Params:
    """Return what counts: all that a signed request says, else the form."""
    raw = params.one("request")
    if raw is not None:
        rules = signed_rules(client.metadata)
        try:
            return await open_object(work, raw=raw, rules=rules, client=client, desk=desk)
        except OAuthRefusal as refusal:
            # Section 13 knows no code of its own for a bad object.
            raise OAuthRefusal(
                "invalid_request", refusal.public, detail=refusal.detail, field="request"
            ) from None
    if must_sign(client.metadata):
        raise OAuthRefusal("invalid_request", "Send a signed request.", field="request")
    return params


async def _request(
    work: Work,
    *,
    client: Client,
    asked: BackchannelRequest,
    user: User,
    raw_request_id: Secret[str],
    desk: Desk,
) -> DecoupledRequest:
    allowed = await check_allowed(
        work,
        client=client,
        scope=asked.scope,
        resource=asked.resource,
        details=asked.authorization_details,
        desk=desk,
    )
    policy = policy_of(work).approvals
    seconds = min(
        asked.requested_seconds or policy.backchannel_seconds, policy.backchannel_most_seconds
    )
    request_id = new_id(work.now)
    sealed = None
    if asked.raw_notification_token is not None:
        sealed = await seal_notification(
            work,
            envelope=desk.envelope,
            request_id=request_id,
            raw_request_id=raw_request_id,
            raw_token=asked.raw_notification_token,
        )
    return DecoupledRequest(
        id=request_id,
        kind="ciba",
        request_hash=token_hash(raw_request_id),
        client_id=client.client_id,
        user_id=user.id,
        scope=allowed.scope,
        resource=allowed.resource.identifier,
        authorization_details=allowed.details,
        acr_values=asked.acr_values or client.metadata.default_acr_values,
        binding_message=asked.binding_message,
        authenticated_after=sign_in_after(work, client),
        sealed_notification=sealed,
        interval_seconds=policy.interval_seconds,
        created_at=work.now,
        expires_at=work.now + dt.timedelta(seconds=seconds),
    )
