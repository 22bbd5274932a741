"""What counts of what was sent: the parameters, a request object, a request pushed before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import NetRefused, OAuthRefusal, ProviderUnavailable, Unavailable
from limen.kernel.secret import Secret
from limen.net.client import Net
from limen.oauth.authorization.asked import Desk
from limen.oauth.authorization.pushed import URN, find_pushed
from limen.oauth.model import Client
from limen.protocol.jose import JwtRefused, read_kid
from limen.protocol.jwe import is_encrypted
from limen.protocol.params import Params
from limen.protocol.request_encryption import request_key
from limen.protocol.request_object import (
    RequestRules,
    invalid_object,
    merged,
    not_proven,
    rules_for,
    verify_request_object,
)
from limen.tenants.policy_of import policy_of

MAX_OBJECT_BYTES: Final = 32_768
REQUEST_ENCRYPTION: Final = "request_object_encryption"
"""What the key is derived for that clients encrypt to."""
_ACCEPT: Final = "application/oauth-authz-req+jwt, application/jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The parameters that count.

    Attributes:
        signed: Whether a request object said them.
        pushed_hash: Of the handle they were pushed under; ``None`` if they were not.
    """

    params: Params
    signed: bool = False
    pushed_hash: bytes | None = None


async def read_sent(work: Work, *, params: Params, client: Client, desk: Desk) -> Counted:
    """Return what counts at the authorization endpoint.

    Call it on a clean Work: keys and request objects may have to be fetched.

    Raises:
        OAuthRefusal: ``invalid_request_uri``: a handle that is unknown, another client's, used
            or expired, or an address that the client did not register.
            ``invalid_request_object``; ``invalid_request`` for two ways at once.
    """
    uri = params.one("request_uri")
    if uri is None:
        return await read_object(work, params=params, client=client, desk=desk)
    if "request" in params:
        raise OAuthRefusal("invalid_request", "Send request or request_uri.", field="request_uri")
    if uri.startswith(URN):
        pushed = await find_pushed(
            work, raw_uri=Secret(uri), client_id=client.client_id, envelope=desk.envelope
        )
        return Counted(params=pushed.params, signed=pushed.signed, pushed_hash=pushed.hashed)
    if uri not in client.metadata.request_uris:
        raise _unknown_uri("This request_uri is not registered.")
    await work.let_go()
    raw = await _fetch(desk.net, uri)
    return await _opened(work, raw=raw, params=params, client=client, desk=desk)


async def read_object(
    work: Work, *, params: Params, client: Client, desk: Desk, pushed: bool = False
) -> Counted:
    """Return what counts of parameters that may hold a request object by value.

    Raises:
        OAuthRefusal: ``invalid_request_object``.
    """
    raw = params.one("request")
    if raw is None:
        return Counted(params=params)
    return await _opened(work, raw=raw, params=params, client=client, desk=desk, pushed=pushed)


async def _opened(
    work: Work, *, raw: str, params: Params, client: Client, desk: Desk, pushed: bool = False
) -> Counted:
    must_sign = policy_of(work).authorization.require_signed
    rules = rules_for(client.metadata, params=params, pushed=pushed, must_sign=must_sign)
    if is_encrypted(raw):
        raw = await _decrypted(work, raw, client=client, desk=desk)
    inside = await open_object(work, raw=raw, rules=rules, client=client, desk=desk)
    return Counted(params=merged(params, inside, rules=rules), signed=True)


async def open_object(
    work: Work, *, raw: str, rules: RequestRules, client: Client, desk: Desk
) -> Params:
    """Verify a request object with its client's keys, and with no others (N065).

    Raises:
        OAuthRefusal: ``invalid_request_object``.
    """
    try:
        keys = await desk.client_keys.keys_of(work, client, kid=read_kid(raw))
    except JwtRefused as refusal:
        raise not_proven(refusal, issuer=work.site.issuer) from refusal
    except Unavailable as refusal:
        raise invalid_object(refusal.public) from refusal
    return verify_request_object(
        raw,
        keys,
        client_id=client.client_id,
        issuer=work.site.issuer,
        rules=rules,
        now=work.now,
    )


async def _decrypted(work: Work, raw: str, *, client: Client, desk: Desk) -> str:
    """Decrypt an object with our own key; what is in it has to be signed all the same."""
    key = request_key(await desk.envelope.derive(work, REQUEST_ENCRYPTION))
    registered = client.metadata
    try:
        return key.open(
            raw,
            alg=registered.request_object_encryption_alg,
            enc=registered.request_object_encryption_enc,
        )
    except JwtRefused as refusal:
        raise invalid_object("It can't be decrypted.", detail=refusal.reason) from refusal


async def _fetch(net: Net, uri: str) -> str:
    """Fetch a request object from an address its client registered (N213, N214)."""
    try:
        answer = await net.fetch(
            "GET", uri.partition("#")[0], headers={"accept": _ACCEPT}, max_bytes=MAX_OBJECT_BYTES
        )
    except (NetRefused, ProviderUnavailable) as refusal:
        raise _unknown_uri("The request object can't be fetched.") from refusal
    if answer.status != 200:
        raise _unknown_uri("There is no request object at this request_uri.")
    try:
        return answer.body.decode("ascii").strip()
    except UnicodeDecodeError:
        raise invalid_object("It is not a JWT.") from None


def _unknown_uri(public: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_request_uri", public, field="request_uri")
