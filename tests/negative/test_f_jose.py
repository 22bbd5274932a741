"""Section F of the negative catalogue: what a verifier of JWTs must refuse."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from limen.kernel.ids import b64url
from limen.kernel.json_depth import MAX_JSON_DEPTH
from limen.kernel.secret import Secret
from limen.protocol.jwk import (
    InvalidKey,
    KeyAlgorithm,
    KeySet,
    SigningKey,
    generate_key,
    import_public,
    secret_key_set,
)
from limen.protocol.jwt import UNTYPED, AuthorizedParty, JwtRefused, sign, verify
from tests.unit.protocol.jose_kit import (
    API,
    ES,
    KEYS,
    NOW,
    RS,
    SECONDS,
    claims,
    encode,
    expected,
    forge,
    forge_hmac,
    header,
)


def refused(raw: str, keys: KeySet = KEYS, **changes: Any) -> str:
    with pytest.raises(JwtRefused) as caught:
        verify(raw, keys, expected=expected(**changes), now=NOW)
    return caught.value.reason


def public_texts() -> list[bytes]:
    key = RS.key.public_key
    return [
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(RS.public.jwk()).encode(),
    ]


@pytest.mark.parametrize("secret", public_texts(), ids=["pem", "der", "jwk"])
@pytest.mark.parametrize("algorithms", [{"RS256"}, {"RS256", "HS256"}], ids=["rs", "rs+hs"])
def test_n069_a_public_key_is_no_shared_secret(secret: bytes, algorithms: set[str]) -> None:
    raw = forge_hmac(header(RS, alg="HS256"), claims(), secret)
    # Even a caller that wrongly allows HS256 is saved by the key, which does not.
    wanted = "alg" if algorithms == {"RS256"} else "unknown_key"
    assert refused(raw, algorithms=frozenset(algorithms)) == wanted


def test_n069_a_public_key_is_not_imported_as_a_secret() -> None:
    with pytest.raises(InvalidKey):
        secret_key_set(Secret(public_texts()[0].decode()))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 0, ["ES256"], "es256"])
@pytest.mark.parametrize("signature", ["", "AAAA", "real"])
def test_n070_unsigned_in_any_spelling(alg: object, signature: str) -> None:
    head = header() | {"alg": alg}
    if alg is None:
        del head["alg"]
    raw = forge(head, claims())
    if signature != "real":
        raw = raw[: raw.rindex(".") + 1] + signature
    assert refused(raw) in {"alg", "encoding"}


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_n070_a_signature_without_its_leading_zero(alg: KeyAlgorithm) -> None:
    # One of 256 begins so; OpenSSL still believes it under PSS when the zero is left out.
    key = SigningKey(RS.key, alg)
    keys = KeySet([key.public])
    begins = next(
        raw
        for number in itertools.count()
        if decoded(raw := sign(claims() | {"jti": f"{number}"}, key, typ="at+jwt"))[0] == 0
    )
    allowed = frozenset({alg})
    assert verify(begins, keys, expected=expected(algorithms=allowed), now=NOW)
    text, _, _ = begins.rpartition(".")
    assert refused(f"{text}.{b64url(decoded(begins)[1:])}", keys, algorithms=allowed) == "signature"


def decoded(raw: str) -> bytes:
    signature = raw.rpartition(".")[2]
    return base64.urlsafe_b64decode(f"{signature}==")


def test_n070_an_empty_signature() -> None:
    raw = sign(claims(), ES, typ="at+jwt")
    assert refused(raw[: raw.rindex(".") + 1]) == "encoding"
    assert refused(raw[: raw.rindex(".")]) == "shape"


@pytest.mark.parametrize("secret", ["", "short", "k" * 31])
def test_n071_an_empty_or_short_secret_never_becomes_a_key(secret: str) -> None:
    with pytest.raises(InvalidKey):
        secret_key_set(Secret(secret))


def test_n071_without_keys_nothing_verifies() -> None:
    raw = forge_hmac(header(alg="HS256"), claims(), b"")
    assert refused(raw, KeySet([]), algorithms=frozenset({"HS256"})) == "unknown_key"
    assert refused(sign(claims(), ES, typ="at+jwt"), KeySet([])) == "unknown_key"


@pytest.mark.parametrize("named", ["jwk", "jku", "x5u", "x5c", "all"])
@pytest.mark.parametrize("kid", ["own", "theirs", "none"])
def test_n072_a_key_in_the_header_is_not_used(named: str, kid: str) -> None:
    mallory = generate_key("ES256")
    carried: dict[str, Any] = {
        "jwk": mallory.public.jwk(),
        "jku": "https://mallory.example/jwks",
        "x5u": "https://mallory.example/x5u",
        "x5c": ["MIIB"],
    }
    if named != "all":
        carried = {named: carried[named]}
    kids = {"own": ES.kid, "theirs": mallory.kid, "none": None}
    raw = forge(header(mallory, kid=kids[kid], **carried), claims(), mallory)
    assert refused(raw) in {"signature", "unknown_key"}


@pytest.mark.parametrize(
    "crit", [[], ["exp"], ["b64"], ["unknown"], ["alg"], "exp", None, [7], {"a": 1}], ids=str
)
@pytest.mark.parametrize("present", [True, False])
def test_n073_crit(crit: object, present: bool) -> None:
    head = header() | {"crit": crit}
    if present and isinstance(crit, list):
        head |= {str(name): True for name in crit if name != "alg"}
    assert refused(forge(head, claims())) == "crit"


@pytest.mark.parametrize("zip_", ["DEF", None])
def test_n074_n075_an_encrypted_token_is_not_read(zip_: str | None) -> None:
    head = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "p2s": "AAAA", "zip": zip_}
    raw = f"{encode(head)}.AAAA.AAAA.AAAA.AAAA"
    assert refused(raw) == "shape"


def test_n076_rsa_without_a_signature_algorithm() -> None:
    assert refused(forge(header(alg="RSA1_5"), claims())) == "alg"


@pytest.mark.parametrize(
    "aud", [None, "", "other", API + "/", [API], [API, "x"], [], [[API]], {"a": API}, 7, True, [7, API]],
    ids=str,
)  # fmt: skip
def test_n078_another_audience(aud: object) -> None:
    made = claims() | {"aud": aud}
    if aud is None:
        del made["aud"]
    assert refused(forge(header(), made)) == "aud"


@pytest.mark.parametrize("aud", [[API, "x"], ["x"], [], None, "", [API, 7]], ids=str)
def test_n078_an_id_token_for_several_without_azp(aud: object) -> None:
    assert refused(forge(header(), claims() | {"aud": aud}), audience=AuthorizedParty(API)) == "aud"


def test_n079_missing_and_future_times() -> None:
    assert refused(forge(header(), claims(exp=None))) == "missing exp"
    assert refused(forge(header(), claims() | {"exp": None})) == "missing exp"
    assert refused(forge(header(), claims(nbf=SECONDS + 60))) == "nbf"
    assert refused(forge(header(), claims(iat=None)), required=("exp", "iat")) == "missing iat"


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("change", ["=", "==", " ", "\n", "+", "/", "%3D", "é", "\0"])
def test_n080_another_spelling(part: int, change: str) -> None:
    parts = sign(claims(), ES, typ="at+jwt").split(".")
    parts[part] += change
    assert refused(".".join(parts)) == "encoding"


def test_n080_loose_bits_after_the_end() -> None:
    raw = sign(claims(), ES, typ="at+jwt")  # 64 bytes end in a character with four loose bits
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    index = alphabet.index(raw[-1])
    assert refused(raw[:-1] + alphabet[index | 1]) == "encoding"


def test_n080_surroundings() -> None:
    raw = sign(claims(), ES, typ="at+jwt")
    for variant in (raw + ".", "." + raw, raw + "\n", " " + raw, raw + "." + raw, raw * 2):
        refused(variant)


def test_n080_more_than_anyone_needs_is_not_read() -> None:
    assert refused(forge(header(), claims(filler="x" * 40_000))) == "too_long"
    assert refused(forge(header(filler="x" * 40_000), claims())) == "too_long"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    ['"1900000000"', "-1", "0", "1e300", "NaN", "Infinity", "-Infinity", "2147483649", "true",
     "[1]", "{}", "null", '"soon"', "1e400", "9" * 5000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_n082_odd_numeric_dates(name: str, value: str) -> None:
    members = {key: json.dumps(each) for key, each in claims().items()} | {name: value}
    payload = "{" + ",".join(f'"{key}":{text}' for key, text in members.items()) + "}"
    assert refused(forge(header(), payload.encode())) in {name, f"missing {name}", "json"}


def test_n082_a_fraction_is_fine() -> None:
    raw = forge(header(), claims(exp=SECONDS + 0.5, iat=SECONDS - 0.5))
    assert verify(raw, KEYS, expected=expected(), now=NOW)["exp"] == SECONDS + 0.5


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "' OR 1=1 --", "a\0b", "k" * 10_240, "", 7, None, ["a"], {}], ids=lambda v: repr(v)[:16]
)  # fmt: skip
def test_n083_a_hostile_kid(kid: object) -> None:
    assert refused(forge(header() | {"kid": kid}, claims())) in {"unknown_key", "kid", "json"}


TYPES = [
    "at+jwt",
    "JWT",
    "logout+jwt",
    "dpop+jwt",
    "oauth-authz-req+jwt",
    "client-authentication+jwt",
]


@pytest.mark.parametrize(("made", "wanted"), list(itertools.permutations(TYPES, 2)))
def test_n084_one_kind_of_token_as_another(made: str, wanted: str) -> None:
    raw = sign(claims(), ES, typ=made)
    assert refused(raw, typ=(wanted,)) == "typ"
    if made != "JWT":
        assert refused(raw, typ=("JWT", UNTYPED)) == "typ"


@pytest.mark.parametrize(
    ("head", "payload"),
    [
        (b'{"alg":"none","alg":"ES256","typ":"at+jwt"}', None),
        (None, b'{"iss":"https://id.example","iss":"mallory","aud":"https://api.example","exp":1900000000}'),
        (None, b'{"iss":"https://id.example","aud":"https://api.example","exp":1900000000,"a":{"b":1,"b":2}}'),
        (None, b'{"iss":"https://id.example","aud":"https://api.example","exp":1900000000,"sub":"a\\u0000b"}'),
        (None, b'{"iss":"https://id.example","aud":"https://api.example","exp":1900000000,"sub":"\\ud800"}'),
        (None, b'{"iss":"https://id.example","aud":"https://api.example","exp":1900000000,"a":NaN}'),
        (None, b'{"iss":"https://id.example","aud":"https://api.example","exp":1900000000,"a":[-Infinity]}'),
        (None, b"[1]"),
        (None, b'"text"'),
        (None, b"\xff\xfe"),
        (None, b'{"a":' * 4000 + b"1" + b"}" * 4000),
        (None, b"{} {}"),
    ],
    ids=str,
)  # fmt: skip
def test_ambiguous_json_is_refused(head: bytes | None, payload: bytes | None) -> None:
    raw = forge(header() if head is None else head, claims() if payload is None else payload)
    assert refused(raw) in {"json", "too_long"}


@pytest.mark.parametrize("levels", [MAX_JSON_DEPTH - 1, MAX_JSON_DEPTH])
def test_n236_claims_nest_so_deep_and_no_deeper(levels: int) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = [deep]
    raw = forge(header(), claims(deep=deep))
    if levels < MAX_JSON_DEPTH:
        assert verify(raw, KEYS, expected=expected(), now=NOW)
    else:
        assert refused(raw) == "json"


@pytest.mark.parametrize("name", ["sub", "jti", "azp", "client_id", "nonce"])
@pytest.mark.parametrize("value", [7, True, ["ada"], {"a": 1}, None, ""], ids=repr)
def test_a_name_that_is_no_text(name: str, value: object) -> None:
    assert refused(forge(header(), claims() | {name: value})) == name


def test_a_weak_rsa_key_verifies_nothing() -> None:
    with pytest.raises(InvalidKey):
        import_public({"kty": "RSA", "n": encode(b"\xff" * 128), "e": "AQAB"})


def test_a_token_of_another_issuer_or_a_tampered_one() -> None:
    raw = sign(claims(), ES, typ="at+jwt")
    assert refused(raw, issuer="https://id.example/") == "iss"
    head, _, signature = raw.split(".")
    assert refused(f"{head}.{encode(claims(sub='mallory'))}.{signature}") == "signature"
