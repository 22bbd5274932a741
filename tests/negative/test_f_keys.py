"""Section F on keys: what nobody may register, publish or bring along."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from limen.kernel.errors import InvalidInput
from limen.oauth.trust.issuer import Trust
from limen.protocol.client_metadata import parse_client_metadata
from limen.protocol.jose import JwtRefused, parse_compact
from limen.protocol.jwe import encrypt, encryption_key
from limen.protocol.jwk import (
    PRIVATE_MEMBERS,
    InvalidKey,
    generate_key,
    import_key_set,
    import_public,
    public_key_der,
    thumbprint,
)
from limen.protocol.jwt import check_signature
from limen.protocol.sender.proof import ExpectedProof, verify_proof
from limen.protocol.sender.refusal import ProofRefused
from tests.unit.protocol.jose_kit import ED, ES, NOW, RS, SECONDS, encode, forge

P256 = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
FIELD = 2**255 - 19


def of(key: Any, *away: str, **members: Any) -> dict[str, Any]:
    """A good public key, with members changed or taken away."""
    shown = {**key.public.jwk(), **members}
    return {name: value for name, value in shown.items() if name not in {"alg", *away}}


def number(value: int, size: int = 0) -> str:
    return encode(value.to_bytes(max(size, (value.bit_length() + 7) // 8, 1), "big"))


def coordinates() -> tuple[int, int]:
    ec = ES.public.ec
    assert ec is not None
    found = ec.public_numbers()
    return found.x, found.y


def modulus() -> int:
    key = RS.key.public_key
    assert isinstance(key, rsa.RSAPublicKey)
    return key.public_numbers().n


def little(value: int) -> str:
    return encode(value.to_bytes(32, "little"))


X, Y = coordinates()
N = modulus()
# RFC 8032: y of the points of order 1, 2, 4 and 8, with either sign, and their other spellings.
EIGHTH = 55188659117513257062467267217118295137698188065244968500265048394206261417927
SMALL = [1, FIELD - 1, 0, EIGHTH, FIELD - EIGHTH, FIELD, FIELD + 1]
SMALL += [each | 2**255 for each in SMALL]

WEAK: dict[str, dict[str, Any]] = {
    "EC off the curve": of(ES, y=number(Y ^ 1, 32)),
    "EC at infinity": of(ES, x=number(0, 32), y=number(0, 32)),
    "EC with 0, 1": of(ES, x=number(0, 32), y=number(1, 32)),
    "EC beyond the field": of(ES, x=number(P256, 32), y=number(Y, 32)),
    "EC coordinate plus field": of(ES, y=number(Y + P256)),
    "EC swapped": of(ES, x=number(Y, 32), y=number(X, 32)),
    "EC of another curve": of(ES, crv="P-384"),
    "EC of a curve of bitcoins": of(ES, crv="secp256k1"),
    "EC of a curve unknown": of(ES, crv="P-192"),
    "EC without curve": of(ES, "crv"),
    "EC without y": of(ES, "y"),
    "EC of too few bytes": of(ES, x="AQ"),
    "EC that says OKP": of(ES, kty="OKP"),
    "EC that says RSA": of(ES, kty="RSA"),
    "RSA of 1024 bits": of(RS, n=number((1 << 1023) + 1)),
    "RSA of 2047 bits": of(RS, n=number(N >> 1 | 1)),
    "RSA of 16384 bits": of(RS, n=number((1 << 16383) + N)),
    "RSA even": of(RS, n=number(N + 1)),
    "RSA with a small factor": of(RS, n=number(N - N % 3)),
    "RSA with factor 751": of(RS, n=number((N >> 10) // 751 * 751 << 10 | 751)),
    "RSA of zero": of(RS, n=number(0)),
    "RSA with e 0": of(RS, e=number(0)),
    "RSA with e 1": of(RS, e=number(1)),
    "RSA with e 2": of(RS, e=number(2)),
    "RSA with e 3": of(RS, e=number(3)),
    "RSA with e 17": of(RS, e=number(17)),
    "RSA with e even": of(RS, e=number(65538)),
    "RSA with e as long as n": of(RS, e=number(N - 2)),
    "RSA with e beyond n": of(RS, e=number(N + 2)),
    "RSA with e of 257 bits": of(RS, e=number(2**256 + 1)),
    "RSA without e": of(RS, "e"),
    "OKP for agreement": of(ED, crv="X25519"),
    "OKP of 57 bytes": of(ED, crv="Ed448", x=encode(b"\1" * 57)),
    "OKP too short": of(ED, x=encode(b"\1" * 31)),
    "OKP too long": of(ED, x=encode(b"\1" * 33)),
    "OKP without x": of(ED, "x"),
    **{f"OKP of small order {n}": of(ED, x=little(y)) for n, y in enumerate(SMALL)},
    "a secret": {"kty": "oct", "k": encode(b"k" * 32)},
    "an empty secret": {"kty": "oct", "k": ""},
    "nothing": {},
    "a type unknown": {"kty": "AKP", "pub": "AAAA"},
    "a type in lower case": of(ES, kty="ec"),
}
PRIVATE = {
    "EC": dict(ES.key.as_dict(private=True)),
    "RSA": dict(RS.key.as_dict(private=True)),
    "OKP": dict(ED.key.as_dict(private=True)),
    **{f"with {name}": of(ES, **{name: "AAAA"}) for name in ("d", "k", "p", "q", "dp", "dq", "qi")},
    "with oth": of(RS, oth=[]),
}
UNFIT = {
    "for encryption": of(ES, use="enc"),
    "for nothing": of(ES, use=""),
    "for two uses": of(ES, use=["sig"]),
    "to sign alone": of(ES, key_ops=["sign"]),
    "to encrypt": of(ES, key_ops=["encrypt", "wrapKey"]),
    "to agree": of(ES, key_ops=["deriveKey"]),
    "to do nothing": of(ES, key_ops=[]),
    "for another algorithm": {**of(ES), "alg": "ES384"},
    "for a MAC": {**of(RS), "alg": "HS256"},
    "for encryption by alg": {**of(RS), "alg": "RSA-OAEP-256"},
    "for none": {**of(ES), "alg": "none"},
    "with a long kid": of(ES, kid="k" * 257),
    "with a number for a kid": of(ES, kid=7),
}
ALL = {**WEAK, **{f"private {k}": v for k, v in PRIVATE.items()}, **UNFIT}


def test_the_good_ones_are_good() -> None:
    for key in (ES, RS, ED):
        assert import_public(of(key)).algorithms
        assert import_public(of(key, key_ops=["verify"])).algorithms


@pytest.mark.parametrize("name", ALL)
def test_n069_n071_no_such_key_verifies(name: str) -> None:
    jwk = ALL[name]
    for reads in (import_public, thumbprint, public_key_der):
        with pytest.raises(InvalidKey):
            reads(jwk)
    assert len(import_key_set({"keys": [jwk]})) == 0


def _is_of_a_kind_we_use(jwk: dict[str, Any]) -> bool:
    """Say whether a registration looks at a key; others may stand beside ours (RFC 7517 §5)."""
    if jwk.get("kty") in {"RSA", "oct"} or PRIVATE_MEMBERS & jwk.keys():
        return True
    return "kty" in jwk and jwk.get("crv") in {"P-256", "P-384", "P-521", "Ed25519"}


REGISTERED = [name for name, jwk in ALL.items() if name not in UNFIT and _is_of_a_kind_we_use(jwk)]


@pytest.mark.parametrize("name", REGISTERED)
def test_n193_no_client_registers_such_a_key(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        register({"keys": [ALL[name]]})
    assert refused.value.field == "jwks"


def register(jwks: dict[str, Any]) -> object:
    given = {
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks,
    }
    return parse_client_metadata(given, client_type="web")


def test_a_good_key_is_registered() -> None:
    assert register({"keys": [of(ES), of(RS), of(ED)]})


@pytest.mark.parametrize("curve", [["P-256"], {}, 7, None], ids=json.dumps)
def test_a_curve_that_is_no_text_is_no_crash(curve: Any) -> None:
    assert register({"keys": [of(ES), of(ES, crv=curve)]})


@pytest.mark.parametrize("name", ALL)
def test_n111_no_issuer_is_trusted_by_such_a_key(name: str) -> None:
    with pytest.raises(InvalidInput):
        Trust.read({"jwks": {"keys": [ALL[name]]}})
    assert Trust.read({"jwks": {"keys": [ALL[name], of(ES)]}}).jwks is not None


@pytest.mark.parametrize("name", ALL)
def test_n101_no_such_key_comes_with_a_proof(name: str) -> None:
    url = "https://id.example/oauth2/token"
    head = {"typ": "dpop+jwt", "alg": "EdDSA" if "OKP" in name else "ES256", "jwk": ALL[name]}
    claims = {"jti": "p", "htm": "POST", "htu": url, "iat": SECONDS}
    raw = forge(head, claims, ED if "OKP" in name else ES)
    with pytest.raises(ProofRefused):
        verify_proof(raw, expected=_wanted(url), now=NOW)


def _wanted(url: str) -> ExpectedProof:
    return ExpectedProof(method="POST", targets=(url,), raw_access_token=None)


def test_n101_under_a_point_of_small_order_anybody_signs_and_nobody_is_believed() -> None:
    # R + h·A is the identity for one header in eight, and then S = 0 fits every message.
    url, small = "https://id.example/oauth2/token", encode((1).to_bytes(32, "little"))
    head = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": small}}
    claims = {"jti": "p", "htm": "POST", "htu": url, "iat": SECONDS}
    forged = encode((1).to_bytes(32, "little") + bytes(32))
    raw = f"{encode(head)}.{encode(claims)}.{forged}"
    with pytest.raises(ProofRefused):
        verify_proof(raw, expected=_wanted(url), now=NOW)


@pytest.mark.parametrize("name", [name for name in ALL if name not in UNFIT])
def test_nobody_is_encrypted_to_with_such_a_key(name: str) -> None:
    jwk = ALL[name]
    for alg in ("RSA-OAEP-256", "ECDH-ES"):
        with pytest.raises(InvalidKey):
            encrypt(b"x", encryption_key({"keys": [jwk]}, alg=alg), alg=alg)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "sig"},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"key_ops": "encrypt"},
        {"key_ops": 7},
        {"alg": "RSA-OAEP"},
        {"alg": "ES256"},
        {"d": "AAAA"},
        {"dp": "AAAA"},
        {"kid": "another"},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES"])
def test_a_key_for_something_else_is_not_encrypted_to(members: dict[str, Any], alg: Any) -> None:
    key = RSAKey.generate_key(2048) if alg == "RSA-OAEP-256" else ECKey.generate_key("P-256")
    good = {**key.as_dict(private=False), "kid": "k"}
    assert encryption_key({"keys": [good]}, alg=alg, kid="k")
    assert encryption_key({"keys": [{**good, "key_ops": ["wrapKey"]}]}, alg=alg, kid="k")
    with pytest.raises(InvalidKey):
        encryption_key({"keys": [{**good, **members}]}, alg=alg, kid="k")


def test_n069_a_key_verifies_its_own_family_alone() -> None:
    kinds = {"ES256": ES, "RS256": RS, "EdDSA": ED}
    for alg, signer in kinds.items():
        raw = forge({"alg": alg}, {"a": 1}, signer)
        for other in kinds.values():
            for named in (*kinds, "PS256", "HS256", "ES384", "RS512"):
                if other is signer and named in {alg, "Ed25519"}:
                    continue
                with pytest.raises(JwtRefused):
                    check_signature(parse_compact(raw), other.public, named)


def test_x25519_is_read_where_it_serves() -> None:
    agreed = OKPKey.generate_key("X25519").as_dict(private=False)
    assert encryption_key({"keys": [dict(agreed)]}, alg="ECDH-ES")
    with pytest.raises(InvalidKey):
        import_public(dict(agreed))


def test_two_keys_of_one_kid_are_no_choice() -> None:
    other = of(generate_key("ES256"), kid=ES.kid)
    keys = import_key_set({"keys": [of(ES), other]})
    with pytest.raises(JwtRefused, match="invalid_jwt"):
        keys.find(ES.kid, "ES256")
