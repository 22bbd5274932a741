"""Take an authorization request that a client pushes, once it has passed every check."""

from __future__ import annotations

import dataclasses

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash
from limen.oauth.authorization.address import address_of
from limen.oauth.authorization.asked import Addressed, Desk
from limen.oauth.authorization.checks import check
from limen.oauth.authorization.pushed import PushedRequest, keep_pushed, new_handle
from limen.oauth.authorization.sent import read_object
from limen.oauth.events import AuthorizationPushed
from limen.oauth.model import Client
from limen.protocol.params import Params

_OF_THE_CALL: frozenset[str] = frozenset(
    {"client_secret", "client_assertion", "client_assertion_type"}
)


async def push_request(
    work: Work, *, params: Params, client: Client, jkt: str | None, desk: Desk
) -> Secret[str]:
    """Check a request as the authorization endpoint would, and keep it under a handle.

    Args:
        work: Clean: keys may have to be fetched.
        params: The form, the client's authentication among it.
        client: Authenticated.
        jkt: Thumbprint of the key that a DPoP proof came with (RFC 9449 section 10.1).
        desk: Of the server.

    Returns:
        The handle, which is shown once and kept as a hash.

    Raises:
        OAuthRefusal: What the authorization endpoint would have said; ``invalid_request`` for
            a ``request_uri`` and for another client's ``client_id`` (RFC 9126 section 2.1).
    """
    raw_handle = new_handle(work)
    try:
        to = await address_pushed(work, params=params, client=client, jkt=jkt, desk=desk)
    except OAuthRefusal as refusal:
        raise _in_words_of_par(refusal) from None
    to = dataclasses.replace(to, pushed_hash=token_hash(raw_handle))
    await check(work, to=to, desk=desk)
    pushed = PushedRequest(hashed=token_hash(raw_handle), params=to.params, signed=to.is_signed)
    await keep_pushed(work, pushed=pushed, client_id=client.client_id, envelope=desk.envelope)
    await work.record(AuthorizationPushed(client_id=client.client_id))
    return raw_handle


async def address_pushed(
    work: Work, *, params: Params, client: Client, jkt: str | None, desk: Desk
) -> Addressed:
    """Return a request that an authenticated client sends itself, addressed and unchecked.

    Raises:
        OAuthRefusal: As ``push_request``.
    """
    counted = await read_object(
        work, params=_request_of(params, client), client=client, desk=desk, pushed=True
    )
    counted = dataclasses.replace(counted, params=_bound_to(counted.params, jkt))
    return await address_of(work, client=client, counted=counted, desk=desk)


def _request_of(params: Params, client: Client) -> Params:
    """Return the request without what authenticated the call."""
    params.refuse_repeated(may_repeat=("resource",))
    if "request_uri" in params:
        raise OAuthRefusal("invalid_request", "request_uri is not taken here.", field="request_uri")
    # Whose ``client_id`` stands in the form was settled when the client authenticated (N059).
    said = [pair for pair in params.pairs if pair[0] not in {"client_id", *_OF_THE_CALL}]
    return Params((("client_id", client.client_id), *said))


def _bound_to(params: Params, jkt: str | None) -> Params:
    """Bind the code to the key of the proof; ``dpop_jkt`` beside it must be the same."""
    if jkt is None or params.one("dpop_jkt") == jkt:
        return params
    if "dpop_jkt" in params:
        raise OAuthRefusal(
            "invalid_request", "dpop_jkt is not the key of the DPoP proof.", field="dpop_jkt"
        )
    return Params((*params.pairs, ("dpop_jkt", jkt)))


def _in_words_of_par(refusal: OAuthRefusal) -> OAuthRefusal:
    """Say ``invalid_request`` of a redirect URI: no other code is defined here (RFC 9126 2.3)."""
    if refusal.code != "invalid_redirect_uri":
        return refusal
    return OAuthRefusal(
        "invalid_request", refusal.public, detail=refusal.detail, field="redirect_uri"
    )
