"""How a client says who it is: read from the request, one method, nothing checked yet."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Literal

from limen.kernel.errors import InvalidClient, OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.jwt import JwtRefused, peek
from limen.protocol.params import Params, form_decode

MAX_AUTHORIZATION_CHARACTERS: Final = 8192
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

SecretMethod = Literal["client_secret_basic", "client_secret_post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCredentials:
    """A client that presents a secret."""

    client_id: str
    raw_secret: Secret[str]
    method: SecretMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionCredentials:
    """A client that presents a JWT it signed (RFC 7523 section 2.2).

    Attributes:
        client_id: Whom it claims to be from, believed of nobody yet.
    """

    client_id: str
    raw_assertion: Secret[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCredentials:
    """A client that only names itself: a public one, or one known by its TLS certificate."""

    client_id: str


Credentials = SecretCredentials | AssertionCredentials | NamedCredentials


def parse_client_credentials(authorization: str | None, params: Params) -> Credentials:
    """Read the one way in which a client authenticates (RFC 6749 section 2.3).

    Args:
        authorization: The ``Authorization`` header, if there was one.
        params: The form; the query of a token request is never read.

    Raises:
        OAuthRefusal: ``invalid_request``: two methods at once (N055), an assertion without its
            type or the other way round, or a ``client_id`` beside a secret that is another's
            (N059).
        InvalidClient: Nobody is named, or what names somebody can't be read (N068).
    """
    client_id = params.one("client_id")
    raw_secret = params.secret("client_secret")
    raw_assertion = _assertion(params)
    if sum(way is not None for way in (authorization, raw_secret, raw_assertion)) > 1:
        raise OAuthRefusal("invalid_request", "The client authenticates in more than one way.")
    if raw_assertion is not None:
        return _from_assertion(raw_assertion, client_id=client_id)
    if authorization is not None:
        return _from_header(authorization, client_id=client_id)
    if client_id is None:
        raise InvalidClient(public="The client did not say who it is.")
    if raw_secret is None:
        return NamedCredentials(client_id=client_id)
    return SecretCredentials(
        client_id=client_id, raw_secret=raw_secret, method="client_secret_post"
    )


def _assertion(params: Params) -> Secret[str] | None:
    """Return the assertion; half of the pair is overlooked never, or a name alone would do."""
    raw_assertion = params.secret("client_assertion")
    kind = params.one("client_assertion_type")
    if (raw_assertion is None) != (kind is None) or kind not in (None, ASSERTION_TYPE):
        raise OAuthRefusal(
            "invalid_request",
            f"Send client_assertion with client_assertion_type {ASSERTION_TYPE}.",
            field="client_assertion_type",
        )
    return raw_assertion


def _from_assertion(raw_assertion: Secret[str], *, client_id: str | None) -> AssertionCredentials:
    """Learn whose keys to verify with: from ``sub``, and ``client_id`` if it is there as well.

    Raises:
        InvalidClient: They disagree (RFC 7521 section 4.2), or it is no JWT. In the words of
            every other failure (N064).
    """
    try:
        named = peek(raw_assertion.reveal()).claims.get("sub")
    except JwtRefused:
        named = None
    if not isinstance(named, str) or not named or client_id not in (None, named):
        raise failed()
    return AssertionCredentials(client_id=named, raw_assertion=raw_assertion)


def _from_header(authorization: str, *, client_id: str | None) -> SecretCredentials:
    credentials = parse_basic(authorization)
    if client_id is not None and client_id != credentials.client_id:
        raise OAuthRefusal(
            "invalid_request",
            "client_id is not the client that authenticates.",
            field="client_id",
        )
    return credentials


def parse_basic(authorization: str) -> SecretCredentials:
    """Read HTTP Basic as RFC 6749 section 2.3.1 writes it: both halves form-encoded.

    A client that forgot the form-encoding is understood as long as its secret has nothing to
    encode; ours never have.

    Raises:
        InvalidClient: Whatever is wrong; one text for all of it.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > MAX_AUTHORIZATION_CHARACTERS:
        raise _unreadable()
    try:
        decoded = base64.b64decode(encoded.strip(" "), validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable() from None
    raw_id, colon, raw_secret = decoded.partition(b":")
    try:
        client_id, secret = form_decode(raw_id), form_decode(raw_secret)
    except OAuthRefusal:
        raise _unreadable() from None
    if not colon or not client_id or not secret:
        raise _unreadable()
    return SecretCredentials(
        client_id=client_id, raw_secret=Secret(secret), method="client_secret_basic"
    )


FAILED: Final = "Client authentication failed."
"""All that a stranger reads."""


def failed(public: str = FAILED, *, detail: str = "") -> InvalidClient:
    """Return the refusal of every proof that does not hold: nothing tells which part (N064).

    Args:
        public: More than that, for a caller who has shown to hold the client's key.
        detail: Which part, for the log alone.
    """
    return InvalidClient(public=public, detail=detail)


def _unreadable() -> InvalidClient:
    return InvalidClient(
        public="The Authorization header is not HTTP Basic with an id and a secret."
    )
