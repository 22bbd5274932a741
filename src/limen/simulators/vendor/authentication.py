"""How a vendor knows the client: each operation in its own way, and in no other."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from starlette.requests import Request

from limen.federation.catalogue.operation_entry import OperationEntry
from limen.simulators import wire
from limen.simulators.state import Client, State
from limen.simulators.vendor.shape import Shape

_LONGEST_SECRET_SECONDS: Final = 15_777_000
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a vendor reads it.

    Args:
        fields: Of the form, the JSON object or the query; ``None``: in another format.
    """

    request: Request
    fields: dict[str, Any] | None

    def text(self, name: str) -> str:
        """Return a field as text; empty if it is not there."""
        value = (self.fields or {}).get(name, "")
        return value if isinstance(value, str) else ""


async def read(request: Request, operation: OperationEntry) -> Sent:
    """Read a request in the one format its operation takes."""
    if request.method == "GET":
        return Sent(request, dict(request.query_params))
    if not await request.body():
        return Sent(request, dict(request.query_params))
    kind = request.headers.get("content-type", "").partition(";")[0]
    if operation.body == "json":
        return Sent(request, _object(await request.body()) if kind == "application/json" else None)
    return Sent(request, await wire.read_form(request) if kind == _FORM else None)


def token_of(sent: Sent, operation: OperationEntry) -> str:
    """Return the token a request is about: in a parameter, in the path, or the bearer."""
    if operation.token_param:
        return sent.text(operation.token_param)
    return str(sent.request.path_params.get("token") or wire.bearer(sent.request))


def problem_of(sent: Sent, operation: OperationEntry) -> str:
    """Say what of a request is not as the vendor demands; empty if nothing."""
    if sent.fields is None:
        return f"The body must be {operation.body}."
    for name, value in operation.headers.items():
        if name.lower() != "accept" and not sent.request.headers.get(name):
            return f"{name} header should be defined, {value} say."
    for name, value in operation.params.items():
        if sent.fields.get(name) != value:
            return f"{name} must be {value}."
    return ""


def client_of(
    state: State, sent: Sent, operation: OperationEntry, *, shape: Shape
) -> Client | None:
    """Return who asks, if it proves so in the operation's own way."""
    if operation.client_auth == "none":
        return state.clients.get(sent.text("client_id"))
    basic = wire.basic_credentials(sent.request)
    entry, now = shape.entry, shape.stage.now(state).timestamp()
    if operation.client_auth == "basic" or (shape.habits.takes_basic and basic is not None):
        return None if basic is None else _by_secret(state, *basic)
    if basic is not None:
        return None
    client = state.clients.get(sent.text("client_id"))
    if client is None:
        return None
    raw_jwt = sent.text("client_assertion")
    if raw_jwt and "assertion" in entry.client_keys:
        return client if _is_signed(client, raw_jwt, audience="", now=now) else None
    if "signed_secret" in entry.client_keys and client.public_keys:
        raw_jwt = sent.text("client_secret")
        audience = entry.identity.issuer
        return client if _is_signed(client, raw_jwt, audience=audience, now=now) else None
    return _by_secret(state, client.client_id, sent.text("client_secret"))


def _by_secret(state: State, client_id: str, secret: str) -> Client | None:
    client = state.clients.get(client_id)
    if client is None or state.lies.secret_expired:
        return None
    known = [client.secret, *client.older_secrets]
    is_right = any(secrets.compare_digest(one.encode(), secret.encode()) for one in known)
    return client if is_right else None


def _is_signed(client: Client, raw_jwt: str, *, audience: str, now: float) -> bool:
    """Check a JWT in the place of a secret: by hand, with no library of ours."""
    parts = raw_jwt.split(".")
    try:
        header, claims = (json.loads(decoded(part)) for part in parts[:2])
        signature = decoded(parts[2])
    except (ValueError, IndexError):
        return False
    until = claims.get("exp", 0)
    is_fresh = now < until <= now + _LONGEST_SECRET_SECONDS
    is_ours = claims.get("sub") == client.client_id
    is_for_us = not audience or claims.get("aud") == audience
    signed = ".".join(parts[:2]).encode()
    return (
        is_fresh
        and is_ours
        and is_for_us
        and any(
            verifies(pem, header.get("alg"), signed=signed, signature=signature)
            for pem in client.public_keys
        )
    )


def verifies(pem: str, alg: object, *, signed: bytes, signature: bytes) -> bool:
    """Say whether a public key made a signature."""
    key = serialization.load_pem_public_key(pem.encode())
    try:
        if isinstance(key, rsa.RSAPublicKey) and alg == "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, signed, pss, hashes.SHA256())
        elif isinstance(key, rsa.RSAPublicKey) and alg == "RS256":
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and alg == "ES256":
            halves = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            key.verify(utils.encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def decoded(part: str) -> bytes:
    """Return a part of a JWT; ``ValueError`` if it is none."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError(part) from error


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
