"""Who asks and where the answer goes: verified before anything else is looked at."""

from __future__ import annotations

import dataclasses
from functools import partial

from limen.db.work import Work
from limen.kernel.errors import InvalidClient, OAuthRefusal
from limen.oauth.authorization.asked import Addressed, Desk
from limen.oauth.authorization.sent import Counted, read_sent
from limen.oauth.client_keys.recipient import Recipient, recipient_of
from limen.oauth.events import AuthorizationRefused
from limen.oauth.model import Client
from limen.protocol.authorization_request import parse_addressee, parse_client_id
from limen.protocol.client_metadata import SIGNED_MODES, ResponseMode
from limen.protocol.params import Params
from limen.protocol.redirect_uri import match_redirect_uri


async def address(work: Work, *, params: Params, desk: Desk) -> Addressed:
    """Verify who asks and where the answer would go; read what counts of what was sent.

    A request object or a handle that can't be read is no reason to lose the client: where the
    parameters beside it name a registered address, that one is told (``unreadable``).

    Raises:
        OAuthRefusal: For a page of ours, never for a redirect (N014).
    """
    try:
        client = await _known_client(work, client_id=parse_client_id(params), desk=desk)
    except OAuthRefusal as refusal:
        note_refusal(work, client_id="", refusal=refusal)
        raise
    try:
        return await _addressed(work, client, desk, params=params)
    except OAuthRefusal as refusal:
        note_refusal(work, client_id=client.client_id, refusal=refusal)
        raise


async def address_of(work: Work, *, client: Client, counted: Counted, desk: Desk) -> Addressed:
    """Verify where the answer to a known client would go.

    Raises:
        OAuthRefusal: ``invalid_redirect_uri``.
    """
    addressee = parse_addressee(counted.params)
    redirect = match_redirect_uri(addressee.redirect_uri, registered=client.redirect_uris)
    mode = answer_mode(client, asked=addressee.response_mode)
    return Addressed(
        client=client,
        redirect=redirect,
        mode=mode,
        state=addressee.state,
        params=counted.params,
        is_signed=counted.signed,
        pushed_hash=counted.pushed_hash,
        recipient=await recipient_for(work, client, desk, mode=mode),
    )


async def recipient_for(
    work: Work, client: Client, desk: Desk, *, mode: ResponseMode
) -> Recipient | None:
    """Return to whose key the answer in a mode is encrypted; ``None`` for nobody's.

    Raises:
        OAuthRefusal, Unavailable: As ``recipient_of``.
    """
    if mode not in SIGNED_MODES:
        return None
    return await recipient_of(work, keys=desk.client_keys, client=client, answer="authorization")


def answer_mode(client: Client, *, asked: ResponseMode | None) -> ResponseMode:
    """Return how a client is answered, errors too: as it asks, if it registered for that.

    Under message signing never in plain, whatever is registered (FAPI 2.0 MS section 5.4).
    """
    modes = client.metadata.response_modes
    if client.metadata.profile == "fapi2_message_signing":
        modes = tuple(each for each in modes if each in SIGNED_MODES) or SIGNED_MODES
    if asked in modes:
        return asked
    return "query" if "query" in modes or not modes else modes[0]


def note_refusal(work: Work, *, client_id: str, refusal: OAuthRefusal) -> None:
    """Record a refusal that is about to be raised; what was claimed to be a client is no id."""
    event = AuthorizationRefused(client_id=client_id, reason=refusal.code)
    work.even_if_refused(partial(Work.record, event=event))


async def _addressed(work: Work, client: Client, desk: Desk, *, params: Params) -> Addressed:
    try:
        counted = await read_sent(work, params=params, client=client, desk=desk)
    except OAuthRefusal as refusal:
        if client.metadata.is_fapi or params.first("redirect_uri") is None:
            # Beside a handle or an object nothing counts there.
            raise
        outside = await address_of(work, client=client, counted=Counted(params=params), desk=desk)
        return dataclasses.replace(outside, unreadable=refusal)
    return await address_of(work, client=client, counted=counted, desk=desk)


async def _known_client(work: Work, *, client_id: str, desk: Desk) -> Client:
    try:
        client = await desk.clients.find_presented(work, client_id)
    except InvalidClient as refusal:
        # Of a document that can't be used: the request is at fault here, no sign-in helps.
        raise OAuthRefusal(
            "invalid_client", refusal.public, detail=refusal.detail, field="client_id"
        ) from None
    if client is None or not client.is_active:
        raise OAuthRefusal("invalid_client", "This client is unknown.", field="client_id")
    return client
