"""Encrypted tokens: what we encrypt another library opens, and the other way round."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from limen.kernel.ids import b64url
from limen.protocol.jose import JwtRefused
from limen.protocol.jwe import (
    CONTENT_ENCRYPTION,
    KEY_MANAGEMENT,
    ContentEncryption,
    KeyManagement,
    decrypt,
    encrypt,
    encryption_key,
    is_encrypted,
)
from limen.protocol.jwk import InvalidKey

with warnings.catch_warnings():
    # Deprecated there in favour of the library we use; as a second opinion it still serves.
    warnings.simplefilter("ignore")
    from authlib.jose import JsonWebEncryption, JsonWebKey

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
X = OKPKey.generate_key("X25519", {"kid": "x"})
SMALL = {
    "kty": "RSA",
    "n": b64url(
        rsa.generate_private_key(65537, 1024).public_key().public_numbers().n.to_bytes(128, "big")
    ),
    "e": "AQAB",
}
PLAIN = b"eyJhbGciOiJub25lIn0.e30."


def key_for(alg: str) -> RSAKey | ECKey:
    return RSA if alg == "RSA-OAEP-256" else EC


def public(key: RSAKey | ECKey | OKPKey, **members: object) -> dict[str, Any]:
    return {**key.as_dict(private=False), **members}


@pytest.mark.parametrize("alg", KEY_MANAGEMENT)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
def test_another_library_opens_what_we_encrypt(alg: KeyManagement, enc: ContentEncryption) -> None:
    key = key_for(alg)
    raw = encrypt(PLAIN, public(key), alg=alg, enc=enc)
    assert is_encrypted(raw)
    opened = JsonWebEncryption().deserialize_compact(
        raw, JsonWebKey.import_key(key.as_dict(private=True))
    )
    assert opened["payload"] == PLAIN
    assert (opened["header"]["cty"], opened["header"]["kid"]) == ("JWT", key.kid)


def test_rfc_7519_5_3_whose_and_for_whom_may_stand_in_the_header() -> None:
    key = key_for("ECDH-ES")
    raw = encrypt(PLAIN, public(key), alg="ECDH-ES", issuer="https://id.example")
    opened = JsonWebEncryption().deserialize_compact(
        raw, JsonWebKey.import_key(key.as_dict(private=True))
    )
    assert opened["header"]["iss"] == "https://id.example"
    said = {"alg": "ECDH-ES", "enc": "A256GCM", "iss": "s6BhdRkqt3", "aud": ["https://id.example"]}
    theirs = JsonWebEncryption().serialize_compact(said, PLAIN, JsonWebKey.import_key(public(key)))
    assert decrypt(theirs.decode(), key) == PLAIN


@pytest.mark.parametrize("alg", KEY_MANAGEMENT)
def test_we_open_what_another_library_encrypts(alg: KeyManagement) -> None:
    key = key_for(alg)
    raw = JsonWebEncryption().serialize_compact(
        {"alg": alg, "enc": "A256GCM"}, PLAIN, JsonWebKey.import_key(public(key))
    )
    assert decrypt(raw.decode(), key) == PLAIN


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "RSA1_5", "enc": "A128GCM"}, "alg"),
        ({"alg": "RSA-OAEP", "enc": "A128GCM"}, "alg"),
        ({"alg": "dir", "enc": "A128GCM"}, "alg"),
        ({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_000_000_000}, "header"),
        ({"alg": "RSA-OAEP-256", "enc": "A128GCM", "zip": "DEF"}, "header"),
        ({"alg": "RSA-OAEP-256", "enc": "A128GCM", "crit": []}, "header"),
        ({"alg": "RSA-OAEP-256", "enc": "none"}, "alg"),
        ({"enc": "A128GCM"}, "alg"),
        ({}, "alg"),
    ],
)
def test_n074_n075_n076_a_header_asks_for_what_we_do_not_do(
    header: dict[str, object], reason: str
) -> None:
    raw = ".".join([b64url(json.dumps(header).encode()), *(b64url(b"x" * 16) for _ in range(4))])
    with pytest.raises(JwtRefused) as caught:
        decrypt(raw, RSA)
    assert caught.value.reason == reason


def test_an_altered_token_is_refused_whatever_part_was_altered() -> None:
    parts = encrypt(PLAIN, public(RSA), alg="RSA-OAEP-256").split(".")
    for index in range(1, 5):
        altered = list(parts)
        altered[index] = ("A" if altered[index][0] != "A" else "B") + altered[index][1:]
        with pytest.raises(JwtRefused) as caught:
            decrypt(".".join(altered), RSA)
        assert caught.value.reason == "decryption"


def test_another_key_does_not_open_it() -> None:
    raw = encrypt(PLAIN, public(RSA), alg="RSA-OAEP-256")
    with pytest.raises(JwtRefused):
        decrypt(raw, RSAKey.generate_key(2048))
    with pytest.raises(JwtRefused):
        decrypt(raw, EC)


@given(st.text(alphabet="abcAZ09-_.", max_size=300))
def test_what_is_no_jwe_is_refused(raw: str) -> None:
    with pytest.raises(JwtRefused):
        decrypt(raw, RSA)


def test_the_key_of_a_set_that_fits_is_chosen() -> None:
    keys = {"keys": [public(EC, use="sig"), public(X), public(RSA), public(EC, use="enc")]}
    assert encryption_key(keys, alg="RSA-OAEP-256")["kid"] == "rsa"
    assert encryption_key(keys, alg="ECDH-ES")["kid"] == "x"
    assert encryption_key(keys, alg="ECDH-ES", kid="ec")["use"] == "enc"


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": None},
        {"keys": ["text", None, 1]},
        {"keys": [public(EC)]},
        {"keys": [public(RSA, use="sig")]},
        {"keys": [public(RSA, alg="RS256")]},
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [SMALL]},
        {"keys": [OctKey.generate_key(256).as_dict()]},
        {"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]},
    ],
)
def test_a_set_without_a_key_that_fits(jwks: dict[str, Any]) -> None:
    with pytest.raises(InvalidKey):
        encryption_key(jwks, alg="RSA-OAEP-256")


def test_a_key_that_does_not_fit_encrypts_nothing() -> None:
    with pytest.raises(InvalidKey):
        encrypt(PLAIN, public(EC), alg="RSA-OAEP-256")
    with pytest.raises(InvalidKey):
        encrypt(PLAIN, {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}, alg="ECDH-ES")


def test_bare_json_carries_no_content_type() -> None:
    raw = encrypt(b"{}", public(RSA), alg="RSA-OAEP-256", cty="")
    opened = JsonWebEncryption().deserialize_compact(
        raw, JsonWebKey.import_key(RSA.as_dict(private=True))
    )
    assert "cty" not in opened["header"]
