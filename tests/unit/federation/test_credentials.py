"""What proves who we are: presented as each operation wants it, tried in order, never shown."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from limen.federation.clients.credentials import (
    ClientAtProvider,
    ClientKey,
    Credential,
    SharedSecret,
    present,
)
from limen.federation.clients.make_key import GivenKey, make_key, take_key
from limen.federation.provider import ClientAuth, Operation
from limen.kernel.clock import UTC
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKEN = "https://login.microsoftonline.com/common/oauth2/v2.0/token"


def presented(auth: ClientAuth, credential: Credential | None) -> Any:
    held = () if credential is None else (credential,)
    client = ClientAtProvider(client_id="us/1", credentials=held, read_at=NOW)
    return present(Operation(url=TOKEN, client_auth=auth), client, credential)


def pem_of(key: Any) -> Secret[str]:
    raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Secret(raw.decode())


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    head, claims, signature = token.split(".")

    def plain(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    signed = f"{head}.{claims}".encode()
    return json.loads(plain(head)), json.loads(plain(claims)), signed, plain(signature)


def test_a_secret_travels_as_the_operation_wants_it() -> None:
    secret = SharedSecret(raw=Secret("p:w/ä"))
    basic = presented("basic", secret)
    sent = base64.b64decode(basic.headers["Authorization"].removeprefix("Basic ")).decode()
    assert sent == "us%2F1:p%3Aw%2F%C3%A4"
    assert basic.fields == {}
    assert presented("post", secret).fields == {"client_id": "us/1", "client_secret": "p:w/ä"}
    assert presented("none", secret).fields == {"client_id": "us/1"}
    assert presented("bearer", secret).fields == {}
    assert "p:w" not in repr(secret)


def test_microsoft_gets_an_assertion_it_can_verify() -> None:
    made = make_key(name="Limen", now=NOW)
    key = made.credential
    assert isinstance(key, ClientKey)
    assert "PRIVATE" not in repr(made)
    sent = presented("post", key)
    assert "client_secret" not in sent.fields
    assert sent.fields["client_assertion_type"].endswith(":jwt-bearer")
    head, claims, signed, signature = parts_of(sent.fields["client_assertion"])
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).decode().rstrip("=")
    assert head == {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
    assert claims.pop("jti")
    at = int(NOW.timestamp())
    assert claims == {
        "iss": "us/1",
        "sub": "us/1",
        "aud": TOKEN,
        "iat": at,
        "nbf": at,
        "exp": at + 300,
    }
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    salted = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    public.verify(signature, signed, salted, SHA256())
    assert made.expires_at == certificate.not_valid_after_utc
    again = parts_of(presented("post", key).fields["client_assertion"])[1]
    assert again["jti"] != parts_of(sent.fields["client_assertion"])[1]["jti"]


def test_apple_gets_a_secret_signed_for_the_one_request() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    key = ClientKey(
        kind="signed_secret", raw_pem=pem_of(private), alg="ES256", kid="ABC", team_id="TEAM"
    )
    head, claims, signed, signature = parts_of(presented("post", key).fields["client_secret"])
    assert head == {"alg": "ES256", "typ": "JWT", "kid": "ABC"}
    at = int(NOW.timestamp())
    assert claims == {
        "iss": "TEAM",
        "sub": "us/1",
        "aud": "https://appleid.apple.com",
        "iat": at,
        "exp": at + 300,
    }
    assert claims["exp"] - claims["iat"] <= 15_777_000
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    private.public_key().verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))


def test_a_key_and_its_certificate_are_a_pair() -> None:
    made, other = make_key(name="a", now=NOW), make_key(name="b", now=NOW)
    assert isinstance(made.credential, ClientKey)
    pem = made.credential.raw_pem
    taken = take_key(GivenKey(raw_pem=pem, certificate=made.certificate))
    assert taken == made
    for certificate in (other.certificate, "no certificate", ""):
        with pytest.raises(InvalidInput, match="client_key_invalid"):
            take_key(GivenKey(raw_pem=pem, certificate=certificate))


@pytest.mark.parametrize(
    "raw_pem",
    [
        Secret("no key"),
        Secret(""),
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
    ],
    ids=["text", "empty", "another curve", "too small"],
)
def test_a_key_that_can_not_sign_is_refused(raw_pem: Secret[str]) -> None:
    certificate = make_key(name="a", now=NOW).certificate
    with pytest.raises(InvalidInput, match="invalid_key"):
        take_key(GivenKey(raw_pem=raw_pem, certificate=certificate))
