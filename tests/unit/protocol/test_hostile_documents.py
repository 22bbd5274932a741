"""Tokens, keys and documents as strangers write them: read whole, or refused."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.protocol.client_assertion import KEY_ALGS, verify_client_assertion
from limen.protocol.client_document import parse_client_document
from limen.protocol.client_metadata import ClientType, parse_client_metadata
from limen.protocol.detail_types import parse_declarations
from limen.protocol.jose import decode_part, parse_compact, parse_object, read_kid
from limen.protocol.jwe import KEY_MANAGEMENT, decrypt, encrypt, encryption_key
from limen.protocol.jwk import (
    generate_key,
    import_key_set,
    import_public,
    public_key_der,
    secret_key_set,
    thumbprint,
)
from limen.protocol.jwt import peek, prove, sign, verify
from limen.protocol.jwt_bearer import profile_of
from limen.protocol.jwt_claims import read_moment
from limen.protocol.request_encryption import request_key
from limen.protocol.request_object import RequestRules, verify_request_object
from limen.protocol.sender.confirmation import from_cnf
from limen.protocol.sender.proof import ExpectedProof, verify_proof
from limen.protocol.sign_assertion import read_signing_key
from limen.tokens.verify_access_token import verify_access_token, verify_for_any
from tests.unit.hostile import FEW, JSON, TEXTS, near, objects, read_or_refused
from tests.unit.protocol.jose_kit import (
    API,
    ED,
    ES,
    ISSUER,
    KEYS,
    NOW,
    RS,
    SECONDS,
    claims,
    encode,
    expected,
    forge,
    header,
)

HONEST = sign({**claims(), "client_id": "app"}, ES, typ="at+jwt")
OURS = request_key(Secret(b"k" * 32))
SEALED = encrypt(HONEST.encode(), OURS.jwk, alg="ECDH-ES+A128KW")
RULES = RequestRules(algorithms=KEY_ALGS, dated=False, alone=True)
PROOF = ExpectedProof(method="GET", targets=(API,), raw_access_token=None)
RAW = TEXTS | near(HONEST, SEALED)


def _token_parsers(raw: str) -> None:
    """Everything that takes a token."""
    wanted: dict[str, Any] = {"client_id": "app", "now": NOW}
    for parse in (decode_part, parse_compact, read_kid, peek):
        read_or_refused(parse, raw)
    read_or_refused(prove, raw, KEYS, expected=expected())
    read_or_refused(verify, raw, KEYS, expected=expected(), now=NOW)
    read_or_refused(decrypt, raw, OURS._private)
    read_or_refused(OURS.open, raw, alg=None, enc=None)
    read_or_refused(OURS.open, raw, alg="ECDH-ES", enc="A128GCM")
    read_or_refused(verify_proof, raw, expected=PROOF, now=NOW)
    read_or_refused(verify_request_object, raw, KEYS, issuer=ISSUER, rules=RULES, **wanted)
    secret = Secret(raw)
    read_or_refused(
        verify_client_assertion,
        secret,
        KEYS,
        audiences=frozenset({ISSUER}),
        algorithms=KEY_ALGS,
        **wanted,
    )
    read_or_refused(verify_access_token, secret, KEYS, issuer=ISSUER, audience=API, now=NOW)
    read_or_refused(verify_for_any, secret, KEYS, issuer=ISSUER, now=NOW)


@FEW
@given(RAW)
def test_any_text_is_a_token_or_refused(raw: str) -> None:
    _token_parsers(raw)


@FEW
@given(objects(header()), objects({**claims(), "client_id": "app"}))
def test_any_header_and_claims_well_signed_are_read_or_refused(
    head: Mapping[str, Any], said: Mapping[str, Any]
) -> None:
    _token_parsers(forge(_json(head), _json(said)))


@FEW
@given(objects({"typ": "dpop+jwt", "alg": "ES256", "jwk": ES.public.jwk()}), JSON)
def test_any_proof_well_signed_is_read_or_refused(head: Mapping[str, Any], jti: Any) -> None:
    said = {"jti": jti, "htm": "GET", "htu": API, "iat": SECONDS}
    _token_parsers(forge(_json(head), _json(said)))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_honest_ones_are_read() -> None:
    raw = Secret(HONEST)
    assert verify_access_token(raw, KEYS, issuer=ISSUER, audience=API, now=NOW)["sub"] == "ada"
    assert OURS.open(SEALED, alg=None, enc=None) == HONEST
    assert read_kid(HONEST) == ES.kid


@FEW
@given(st.binary(min_size=1, max_size=60))
def test_what_is_encoded_is_decoded_and_has_one_spelling(raw: bytes) -> None:
    assert decode_part(encode(raw)) == raw
    for other in (encode(raw) + "=", encode(raw) + "\n", " " + encode(raw)):
        assert isinstance(read_or_refused(decode_part, other), Refusal)


@FEW
@given(st.binary(max_size=60) | JSON.map(_json) | near('{"a": 1, "b": [true]}').map(str.encode))
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    found = read_or_refused(parse_object, raw)
    if not isinstance(found, Refusal):
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    read_or_refused(parse_client_document, raw, url="https://app.example/id")


@FEW
@given(st.dictionaries(st.text(max_size=8).map("x".__add__), JSON, max_size=4))
def test_what_is_signed_is_verified_again(said: Mapping[str, Any]) -> None:
    """Of claims that no specification names: what ``nonce`` may be is looked at besides."""
    text = json.dumps(said)
    if "Infinity" in text or "\\u0000" in text:
        return
    made = {**said, **claims()}
    assert verify(sign(made, ED, typ="at+jwt"), KEYS, expected=expected(), now=NOW) == made


@FEW
@given(objects(ES.public.jwk()) | objects(RS.public.jwk()) | objects(ED.public.jwk()), JSON)
def test_any_key_is_read_or_refused(jwk: dict[str, Any], other: Any) -> None:
    for parse in (import_public, thumbprint, public_key_der):
        read_or_refused(parse, jwk)
    for keys in ([jwk, other], other, [other], None):
        read_or_refused(import_key_set, {"keys": keys})
        for alg in KEY_MANAGEMENT:
            read_or_refused(encryption_key, {"keys": keys}, alg=alg)
    for alg in KEY_MANAGEMENT:
        read_or_refused(encrypt, b"x", {n: v for n, v in jwk.items() if n != "use"}, alg=alg)


@FEW
@given(TEXTS, st.sampled_from(["ES256", "RS256", "PS256"]))
def test_any_text_is_a_private_key_or_refused(text: str, alg: Any) -> None:
    pem = generate_key("ES256").key.as_pem(private=True).decode()
    for raw in (text, pem + text, pem.replace("A", text[:3]), text.join(pem.splitlines())):
        read_or_refused(read_signing_key, Secret(raw), alg)
        read_or_refused(secret_key_set, Secret(raw))


@FEW
@given(st.sampled_from(["exp", "nbf", "iat"]), JSON)
def test_any_date_is_a_moment_or_refused(name: str, value: Any) -> None:
    found = read_or_refused(read_moment, {name: value}, name)
    if isinstance(found, dt.datetime):
        assert dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc) <= found
        assert found.year < 2039


@FEW
@given(JSON)
def test_what_a_token_is_bound_to_is_read_or_unknown(cnf: Any) -> None:
    assert isinstance(from_cnf({"cnf": cnf}), str)
    assert profile_of({"typ": cnf}) in {"jwt", "id-jag"}


REGISTRATION: dict[str, Any] = {
    "client_name": "App",
    "redirect_uris": ["https://app.example/cb", "com.example.app:/cb", "http://127.0.0.1/cb"],
    "post_logout_redirect_uris": ["https://app.example/bye"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "ES256",
    "jwks": {"keys": [ES.public.jwk()]},
    "jwks_uri": "https://app.example/jwks",
    "scope": "openid email",
    "subject_type": "pairwise",
    "sector_identifier_uri": "https://app.example/sector",
    "id_token_signed_response_alg": "RS256",
    "id_token_encrypted_response_alg": "ECDH-ES",
    "id_token_encrypted_response_enc": "A128GCM",
    "request_object_signing_alg": "ES256",
    "request_uris": ["https://app.example/r#x"],
    "default_max_age": 60,
    "require_auth_time": True,
    "default_acr_values": ["aal2"],
    "initiate_login_uri": "https://app.example/login",
    "client_uri": "https://app.example",
    "logo_uri": "https://app.example/logo",
    "contacts": ["ada@app.example"],
    "allowed_origins": ["https://app.example"],
    "backchannel_logout_uri": "https://app.example/out",
    "frontchannel_logout_uri": "https://app.example/out",
    "tls_client_auth_subject_dn": "CN=app",
    "dpop_bound_access_tokens": False,
    "profile": "",
    "authorization_details_types": ["payment"],
    "backchannel_token_delivery_mode": "poll",
}


@FEW
@given(objects(REGISTRATION), st.sampled_from(get_args(ClientType)))
def test_any_registration_is_a_client_or_refused(members: dict[str, Any], kind: Any) -> None:
    read_or_refused(parse_client_metadata, members, client_type=kind)
    for name, value in list(members.items()):
        if isinstance(value, list) and value:
            changed = {**members, name: [*value, value[0], 7]}
            read_or_refused(parse_client_metadata, changed, client_type=kind)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"type": "string", "maxLength": 9, "enum": ["1"]}},
    "required": ["amount"],
}


@FEW
@given(objects(SCHEMA), objects({"type": "array", "items": {"type": "string"}, "maxItems": 3}))
def test_any_declaration_is_read_or_refused(schema: Any, inner: Any) -> None:
    nested = {**SCHEMA, "properties": {"a": schema, "b": inner}}
    for said in (schema, inner, nested):
        read_or_refused(parse_declarations, {"payment": {"schema": said}})
        read_or_refused(parse_declarations, {"payment": said})


def test_a_good_declaration_is_read() -> None:
    assert parse_declarations({"payment": {"schema": SCHEMA, "description": "Pay"}})


@pytest.mark.parametrize("odd", [[], {}, ["object"], 7, None])
def test_a_type_that_is_no_text_is_refused(odd: Any) -> None:
    schema = {**SCHEMA, "properties": {"a": {"type": odd}}}
    found = read_or_refused(parse_declarations, {"payment": {"schema": schema}})
    assert isinstance(found, Refusal)
