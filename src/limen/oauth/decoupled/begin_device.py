"""Take the request of a device: nobody is asked yet, somebody has to come with its code."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal, Unavailable
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.oauth.authorization.asked import Desk
from limen.oauth.decoupled.allowed import check_allowed
from limen.oauth.decoupled.events import ApprovalRequested
from limen.oauth.model import Client
from limen.oauth.pending import store
from limen.oauth.pending.model import DecoupledRequest
from limen.protocol.client_metadata import DEVICE_CODE
from limen.protocol.decoupled.device import DeviceRequest
from limen.protocol.decoupled.user_code import new_user_code
from limen.tenants.policy_of import policy_of

KIND: Final = "lmd"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunDevice:
    """A request taken, with both codes, which its row does not hold."""

    request: DecoupledRequest
    raw_device_code: Secret[str]
    raw_user_code: Secret[str]


async def begin_device(
    work: Work,
    *,
    client: Client,
    asked: DeviceRequest,
    bound_to: str,
    requested_from: str,
    desk: Desk,
) -> BegunDevice:
    """Check what a device asks for, and keep it under two codes.

    Args:
        work: The transaction.
        client: Authenticated, or public and named.
        asked: Well-formed.
        bound_to: The key of the request's DPoP proof, which redeems the code; empty for none.
        requested_from: The device's address, shown to whoever approves.
        desk: Of the server.

    Raises:
        OAuthRefusal: ``unauthorized_client``, or as ``check_allowed``.

    Spec: RFC 8628 sections 3.1 and 3.2.
    """
    if not client.may_use(DEVICE_CODE):
        raise OAuthRefusal("unauthorized_client", "This client may not use device codes.")
    allowed = await check_allowed(
        work,
        client=client,
        scope=asked.scope,
        resource=asked.resource,
        details=asked.authorization_details,
        desk=desk,
    )
    policy = policy_of(work).approvals
    raw_device_code = mint(KIND, work.tenant_id)
    for _ in range(_TRIES):
        raw_user_code = new_user_code()
        request = DecoupledRequest(
            id=new_id(work.now),
            kind="device",
            request_hash=token_hash(raw_device_code),
            user_code_hash=await user_code_hash(work, desk.envelope, raw_user_code),
            client_id=client.client_id,
            scope=allowed.scope,
            resource=allowed.resource.identifier,
            authorization_details=allowed.details,
            acr_values=asked.acr_values or client.metadata.default_acr_values,
            requested_from=requested_from,
            bound_to=bound_to,
            authenticated_after=sign_in_after(work, client),
            interval_seconds=policy.interval_seconds,
            created_at=work.now,
            expires_at=work.now + dt.timedelta(seconds=policy.device_seconds),
        )
        if await store.add_request(work, request):
            await note_request(work, request)
            return BegunDevice(
                request=request, raw_device_code=raw_device_code, raw_user_code=raw_user_code
            )
    raise Unavailable(detail="no free user code")


def sign_in_after(work: Work, client: Client) -> dt.datetime | None:
    """Return when whoever approves must have signed in since; ``None`` if any sign-in will do."""
    max_age = client.metadata.default_max_age
    return None if max_age is None else work.now - dt.timedelta(seconds=max_age)


async def note_request(work: Work, request: DecoupledRequest) -> None:
    """Record that something is to be approved."""
    await work.record(
        ApprovalRequested(
            request_id=request.id,
            kind=request.kind,
            client_id=request.client_id,
            user_id=request.user_id,
            scope=request.scope,
        )
    )


async def user_code_hash(work: Work, envelope: Envelope, raw_code: Secret[str]) -> bytes:
    """Return what is kept of a user code: a MAC, for a copy of the rows could be tried against."""
    key = await envelope.derive(work, "user code")
    return hmac.digest(key.reveal(), raw_code.reveal().encode(), "sha256")
