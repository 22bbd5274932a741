"""What proves who we are at a provider, and how it is presented. Pure.

A shared secret is sent; a key never is: it signs, anew for each request.
"""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from limen.federation.provider import Operation
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.protocol.sign_assertion import AssertionAlgorithm, AssertionClaims, sign_assertion

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
APPLE_AUDIENCE: Final = "https://appleid.apple.com"
_ASSERTION_TTL: Final = dt.timedelta(minutes=5)
_APPLE_TTL: Final = dt.timedelta(minutes=5)
"""Apple takes up to six months; ours is made for the one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSecret:
    """A secret the provider knows too."""

    raw: Secret[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A private key whose public half the provider knows.

    Args:
        kind: ``assertion``: ``private_key_jwt``; ``signed_secret``: a JWT in the place of the
            client secret, as Apple has it.
        kid: As the provider names the key; empty where a certificate names it.
        x5t_s256: SHA-256 thumbprint of our certificate, base64url; Microsoft finds it by that.
        team_id: Apple's name for us; ``iss`` of the signed secret.
    """

    kind: Literal["assertion", "signed_secret"]
    raw_pem: Secret[str]
    alg: AssertionAlgorithm
    kid: str = ""
    x5t_s256: str = ""
    team_id: str = ""


Credential = SharedSecret | ClientKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAtProvider:
    """Who we are at a provider.

    Args:
        client_id: As registered there.
        credentials: Valid ones, newest first; tried in order when one is refused (F20).
        read_at: When they were read, a moment ago: what a key signs counts from then.
    """

    client_id: str
    credentials: tuple[Credential, ...]
    read_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request carries to say who we are."""

    headers: dict[str, str]
    fields: dict[str, str]


def present(
    operation: Operation, client: ClientAtProvider, credential: Credential | None
) -> Presented:
    """Return what proves who we are for one request of an operation.

    A key takes the place of the secret wherever the operation wants one.
    """
    if operation.client_auth == "bearer":
        return Presented({}, {})
    if credential is None or operation.client_auth == "none":
        return Presented({}, {"client_id": client.client_id})
    if isinstance(credential, ClientKey) and credential.kind == "assertion":
        signed = _assertion(credential, client, audience=operation.url)
        names = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
        return Presented({}, {"client_id": client.client_id, **names})
    if isinstance(credential, ClientKey):
        raw = _signed_secret(credential, client)
    else:
        raw = credential.raw.reveal()
    if operation.client_auth == "basic":
        # RFC 6749 section 2.3.1: both halves are form-encoded before Basic joins them.
        pair = f"{quote(client.client_id, safe='')}:{quote(raw, safe='')}"
        encoded = base64.b64encode(pair.encode()).decode()
        return Presented({"Authorization": f"Basic {encoded}"}, {})
    return Presented({}, {"client_id": client.client_id, "client_secret": raw})


def _assertion(key: ClientKey, client: ClientAtProvider, *, audience: str) -> str:
    """Sign ``private_key_jwt`` for one request: a new ``jti``, minutes of life."""
    claims = AssertionClaims(
        issuer=client.client_id,
        subject=client.client_id,
        audience=audience,
        now=client.read_at,
        ttl=_ASSERTION_TTL,
        jti=new_id(client.read_at),
    )
    header = {"x5t#S256": key.x5t_s256} if key.x5t_s256 else {"kid": key.kid}
    return sign_assertion(claims, key.raw_pem, alg=key.alg, header=header)


def _signed_secret(key: ClientKey, client: ClientAtProvider) -> str:
    claims = AssertionClaims(
        issuer=key.team_id,
        subject=client.client_id,
        audience=APPLE_AUDIENCE,
        now=client.read_at,
        ttl=_APPLE_TTL,
    )
    return sign_assertion(claims, key.raw_pem, alg="ES256", header={"kid": key.kid})
