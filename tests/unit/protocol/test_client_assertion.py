from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.secret import Secret
from limen.protocol.client_assertion import (
    ASSERTION_ALGS,
    FAPI_ALGS,
    KEY_ALGS,
    LEEWAY,
    SECRET_ALGS,
    Assertion,
    allowed_algorithms,
    verify_client_assertion,
)
from limen.protocol.jwk import KeySet, generate_key, import_public, secret_key_set
from limen.protocol.jwt import JwtRefused
from tests.client_assertions import assertion_claims, hashed, signed
from tests.unit.protocol.jose_kit import ED, ES, ISSUER, KEYS, NOW, RS, SECONDS, encode, header

CLIENT = "app"
TOKEN = f"{ISSUER}/oauth2/token"
SECRET = "s" * 43


def claims(**changes: Any) -> dict[str, Any]:
    return assertion_claims(CLIENT, audience=ISSUER, now=NOW, **{"jti": "j1", **changes})


def read(raw: str, keys: KeySet = KEYS, **changes: Any) -> Assertion:
    expected: dict[str, Any] = {
        "client_id": CLIENT,
        "audiences": frozenset({ISSUER}),
        "algorithms": KEY_ALGS,
        "now": NOW,
        **changes,
    }
    return verify_client_assertion(Secret(raw), keys, **expected)


def refused(raw: str, keys: KeySet = KEYS, **changes: Any) -> str:
    with pytest.raises(JwtRefused) as caught:
        read(raw, keys, **changes)
    return caught.value.reason


@pytest.mark.parametrize("key", [ES, RS, ED], ids=["es", "rs", "ed"])
def test_a_clients_own_signature_is_enough(key: Any) -> None:
    assert read(signed(claims(), key)) == Assertion(
        jti="j1", until=NOW + dt.timedelta(seconds=60) + LEEWAY
    )


def test_rfc_7523_3_claims_nobody_knows_are_ignored() -> None:
    said = claims(unheard_of={"a": [1]}, scope="x", acr=7)
    assert read(signed(said, ES)).jti == "j1"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", None])
def test_these_types_are_assertions(typ: str | None) -> None:
    assert read(signed(claims(), ES, typ=typ)).jti == "j1"


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "secevent+jwt", "", 1]
)
def test_n084_these_types_are_none(typ: object) -> None:
    assert refused(signed(claims(), ES, typ=typ)) == "typ"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "other"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": "other"}, "sub"),
        ({"sub": None}, "missing sub"),
        ({"sub": ""}, "sub"),
        ({"iss": "other", "sub": "other"}, "iss"),
        ({"jti": None}, "missing jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 513}, "jti"),
        ({"exp": None}, "missing exp"),
        ({"exp": SECONDS - 11}, "expired"),
        ({"exp": SECONDS + 311}, "exp"),
        ({"exp": str(SECONDS + 60)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": -1}, "exp"),
        ({"nbf": SECONDS + 11}, "nbf"),
        ({"nbf": "now"}, "nbf"),
        ({"iat": SECONDS + 11}, "iat"),
        ({"iat": "now"}, "iat"),
    ],
)
def test_n063_n064_n079_n082_what_it_must_say(changes: dict[str, Any], reason: str) -> None:
    assert refused(signed(claims(**changes), ES)) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": SECONDS + 300},
        {"exp": SECONDS + 0.5},
        {"nbf": SECONDS + 10, "iat": SECONDS + 10},
        {"iat": None},
        {"iat": SECONDS - 86_400},
        {"jti": "x" * 512},
        {"extra": [1]},
    ],
)
def test_a_clients_clock_may_differ_by_ten_seconds(changes: dict[str, Any]) -> None:
    assert read(signed(claims(**changes), ES)).jti


@pytest.mark.parametrize(
    "audience",
    [TOKEN, [ISSUER], [ISSUER, "https://other.example"], f"{ISSUER}/", "", None, 7, [], {}],
)
def test_n060_n078_only_the_issuer_as_one_string(audience: object) -> None:
    assert refused(signed(claims(aud=audience), ES)) == "aud"


def test_n060_an_endpoint_where_the_client_may_name_it_and_still_no_array() -> None:
    audiences = frozenset({ISSUER, TOKEN})
    assert read(signed(claims(aud=TOKEN), ES), audiences=audiences).jti == "j1"
    assert refused(signed(claims(aud=[TOKEN]), ES), audiences=audiences) == "aud"
    assert refused(signed(claims(aud=[ISSUER, TOKEN]), ES), audiences=audiences) == "aud"


@pytest.mark.parametrize("audiences", [frozenset[str](), frozenset({""})])
def test_a_verifier_that_expects_no_audience_is_a_mistake(audiences: frozenset[str]) -> None:
    with pytest.raises(ValueError, match="expects nothing"):
        read(signed(claims(), ES), audiences=audiences)


def test_n065_another_clients_key_under_the_same_kid() -> None:
    theirs = generate_key("ES256")
    assert refused(signed(claims(), theirs, kid=ES.kid)) == "signature"
    assert refused(signed(claims(), theirs)) == "unknown_key"


def test_n069_n070_the_algorithm_is_not_the_tokens_to_choose() -> None:
    public = RS.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for text in (public.decode(), json.dumps(RS.public.jwk())):
        assert refused(hashed(claims(), text, kid=RS.kid)) == "alg"
    for alg in ("none", "None", "NONE", None, "", "HS512", "RS1", 5):
        assert refused(signed(claims(), ES, alg=alg)) == "alg"
    assert refused(f"{encode(header(ES, typ='JWT'))}.{encode(claims())}.") == "encoding"


def test_n072_n073_keys_and_extensions_in_the_header_count_for_nothing() -> None:
    theirs = generate_key("ES256")
    for name, value in {
        "jwk": theirs.public.jwk(),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/x5u",
        "x5c": ["MIIB"],
    }.items():
        assert refused(signed(claims(), theirs, kid=ES.kid, **{name: value})) == "signature"
    for crit in (["exp"], [], ["b64"], "exp"):
        assert refused(signed(claims(), ES, crit=crit)) == "crit"


def test_n080_one_way_to_write_it() -> None:
    raw = signed(claims(), ES)
    for other in (f"{raw}=", f"{raw} ", f" {raw}", raw[:-1] + "\n", raw.replace(".", "..", 1)):
        assert refused(other)


def test_a_secret_signs_for_clients_that_share_one() -> None:
    keys = secret_key_set(Secret(SECRET))
    assert read(hashed(claims(), SECRET), keys, algorithms=SECRET_ALGS).jti == "j1"
    assert refused(hashed(claims(), "t" * 43), keys, algorithms=SECRET_ALGS) == "signature"
    assert refused(hashed(claims(), SECRET), KEYS, algorithms=KEY_ALGS) == "alg"
    assert refused(signed(claims(), ES), keys, algorithms=SECRET_ALGS) == "alg"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"secret": False, "registered": None, "is_fapi": False}, KEY_ALGS),
        ({"secret": False, "registered": "ES256", "is_fapi": False}, {"ES256"}),
        ({"secret": False, "registered": "EdDSA", "is_fapi": True}, {"EdDSA", "Ed25519"}),
        ({"secret": False, "registered": None, "is_fapi": True}, FAPI_ALGS),
        ({"secret": False, "registered": "RS256", "is_fapi": True}, set()),
        ({"secret": True, "registered": None, "is_fapi": False}, SECRET_ALGS),
        ({"secret": True, "registered": None, "is_fapi": True}, set()),
    ],
)
def test_which_algorithms_a_client_may_use(given: dict[str, Any], expected: set[str]) -> None:
    assert allowed_algorithms(**given) == expected


def test_fapi_knows_no_rs256_and_discovery_all_of_them() -> None:
    assert "RS256" not in FAPI_ALGS
    assert refused(signed(claims(), RS), algorithms=FAPI_ALGS) == "alg"
    assert set(ASSERTION_ALGS) == KEY_ALGS | SECRET_ALGS


def test_ps256_with_an_rsa_key() -> None:
    jwk = RS.public.jwk()
    jwk["alg"] = "PS256"
    keys = KeySet([import_public(jwk)])
    assert refused(signed(claims(), RS), keys) == "unknown_key"


@given(
    st.one_of(
        st.text(),
        st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()).map(
            lambda payload: signed(payload, ES)
        ),
        st.dictionaries(
            st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]),
            st.none()
            | st.floats(allow_nan=False)
            | st.integers()
            | st.text()
            | st.lists(st.text()),
        ).map(lambda changes: signed({**claims(), **changes}, ES)),
    )
)
def test_anything_is_read_whole_or_refused(raw: str) -> None:
    try:
        read(raw)
    except JwtRefused:
        return
