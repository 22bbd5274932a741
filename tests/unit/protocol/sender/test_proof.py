from __future__ import annotations

import datetime as dt
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.secret import Secret
from limen.protocol.sender.proof import (
    FAPI_PROOF_ALGS,
    PROOF_ALGS,
    ExpectedProof,
    Proof,
    access_token_hash,
    is_thumbprint,
    read_proof,
    verify_proof,
)
from limen.protocol.sender.refusal import ProofRefused
from tests.dpop import DpopKey, encode

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone.utc)
SECONDS = int(NOW.timestamp())
URL = "https://id.example/oauth2/token"
KEY = DpopKey()
RSA = DpopKey("RS256")
ED = DpopKey("EdDSA")

# RFC 9449 sections 4.1 and 7.1, figures 2 and 12: the examples, unfolded.
_HEADER = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"  # fmt: skip
RFC_AT_TOKEN = f"{_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"  # fmt: skip
RFC_AT_RESOURCE = f"{_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"  # fmt: skip
RFC_TOKEN = Secret("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
RFC_JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RFC_NOW = dt.datetime.fromtimestamp(1562262618, dt.timezone.utc)


def wanted(**changes: Any) -> ExpectedProof:
    given_: dict[str, Any] = {
        "method": "POST",
        "targets": (URL,),
        "raw_access_token": None,
        **changes,
    }
    return ExpectedProof(**given_)


def verified(raw: str, **changes: Any) -> Proof:
    return verify_proof(raw, expected=wanted(**changes), now=NOW)


def made(key: DpopKey = KEY, **changes: Any) -> str:
    return key.proof("POST", URL, now=NOW, **changes)


def refused(raw: str, **changes: Any) -> ProofRefused:
    with pytest.raises(ProofRefused) as caught:
        verified(raw, **changes)
    assert caught.value.code == "invalid_dpop_proof"
    return caught.value


def test_rfc_9449_4_1_the_example_at_the_token_endpoint() -> None:
    expected = wanted(targets=("https://server.example.com/token",))
    proof = verify_proof(RFC_AT_TOKEN, expected=expected, now=RFC_NOW)
    assert (proof.jkt, proof.jti, proof.nonce) == (RFC_JKT, "-BwC3ESc6acc2lTc", None)


def test_rfc_9449_7_1_the_example_at_a_resource() -> None:
    expected = wanted(
        method="GET",
        targets=("https://resource.example.org/protectedresource",),
        raw_access_token=RFC_TOKEN,
    )
    proof = verify_proof(RFC_AT_RESOURCE, expected=expected, now=RFC_NOW)
    assert proof.jkt == RFC_JKT
    assert access_token_hash(RFC_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.parametrize("key", [KEY, RSA, ED], ids=lambda key: key.key.alg)
def test_takes_a_proof_of_every_kind_of_key(key: DpopKey) -> None:
    proof = verified(made(key, nonce="n"))
    assert (proof.jkt, proof.nonce) == (key.jkt, "n")
    assert is_thumbprint(proof.jkt)


@pytest.mark.parametrize(
    ("key", "alg"), [(RSA, "PS256"), (ED, "Ed25519")], ids=["PS256", "Ed25519"]
)
def test_takes_the_other_algorithm_of_a_key(key: DpopKey, alg: str) -> None:
    assert verified(made(key, header={"alg": alg})).jkt == key.jkt


def test_what_is_advertised_is_what_is_taken() -> None:
    assert set(PROOF_ALGS) == {"ES256", "PS256", "RS256", "EdDSA", "Ed25519"}
    assert frozenset(PROOF_ALGS) - {"RS256"} == FAPI_PROOF_ALGS
    refused(made(RSA), algorithms=FAPI_PROOF_ALGS)


def test_a_marker_outlives_the_proof_on_every_clock() -> None:
    assert verified(made()).until == NOW + dt.timedelta(seconds=70)


PRIVATE = KEY.key.key.as_dict(private=True)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": ""},
        {"typ": 7},
        {"alg": None},
        {"alg": "none"},
        {"alg": "NONE"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"crit": []},
        {"crit": ["b64"]},
        {"jwk": None},
        {"jwk": "x"},
        {"jwk": {}},
        {"jwk": PRIVATE},
        {"jwk": {**KEY.jwk, "d": "x"}},
        {"jwk": {**KEY.jwk, "k": "x"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {**KEY.jwk, "crv": "secp256k1"}},
        {"jwk": {**KEY.jwk, "x": "AAAA"}},
        {"jwk": {**KEY.jwk, "use": "enc"}},
        {"jwk": {**KEY.jwk, "alg": "ES384"}},
        {"jwk": DpopKey().jwk},
        {"jwk": RSA.jwk},
        {"jwk": None, "kid": "1"},
        {"jwk": None, "jku": "https://evil.example/jwks"},
    ],
)
def test_n101_refuses_a_header(header: dict[str, Any]) -> None:
    refused(made(header=header))


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_n101_refuses_whatever_is_private_of_a_key(member: str) -> None:
    for key in (KEY, RSA, ED):
        refused(made(key, header={"jwk": {**key.jwk, member: "x"}}))


def test_n101_refuses_a_mac_made_with_the_public_key() -> None:
    for head in (
        {"alg": "HS256", "jwk": KEY.jwk},
        {"alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}},
    ):
        text = f"{encode({'typ': 'dpop+jwt', **head})}.{encode(b'{}')}"
        mac = hmac.new(json.dumps(KEY.jwk).encode(), text.encode(), "sha256").digest()
        refused(f"{text}.{encode(mac)}")


@pytest.mark.parametrize(
    "claims",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
        {"htm": None},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": 1},
        {"htu": None},
        {"htu": ""},
        {"htu": 1},
        {"htu": "/oauth2/token"},
        {"htu": "https://evil.example/oauth2/token"},
        {"htu": "https://id.example:8443/oauth2/token"},
        {"htu": "http://id.example/oauth2/token"},
        {"htu": "https://id.example/oauth2/Token"},
        {"htu": "https://id.example/oauth2/token/"},
        {"htu": "https://id.example/?x=/oauth2/token"},
        {"htu": "https://id.example@evil.example/oauth2/token"},
        {"htu": "https://evil@id.example/oauth2/token"},
        {"htu": "https://id.example/oauth2%2Ftoken"},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": -1},
        {"iat": 1e300},
        {"iat": 2**31 + 1},
        {"iat": SECONDS - 60},
        {"iat": SECONDS + 11},
        {"iat": SECONDS + 61},
        {"exp": SECONDS - 10},
        {"exp": "x"},
        {"nbf": SECONDS + 11},
        {"nonce": ""},
        {"nonce": 7},
        {"nonce": "x" * 257},
    ],
    ids=lambda claims: str(claims)[:60],
)
def test_n101_n103_refuses_claims(claims: dict[str, Any]) -> None:
    refused(made(**claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": SECONDS - 59},
        {"iat": SECONDS + 10},
        {"iat": SECONDS - 0.5},
        {"exp": SECONDS + 1},
        {"nbf": SECONDS},
        {"htu": "HTTPS://ID.example:443/oauth2/token"},
        {"htu": f"{URL}?code=1#x"},
        {"more": {"is": "ignored"}},
    ],
    ids=str,
)
def test_takes_what_means_the_same(claims: dict[str, Any]) -> None:
    assert verified(made(**claims)).jkt == KEY.jkt


def test_each_of_our_addresses_will_do() -> None:
    proof = verified(made(), targets=("https://mtls.id.example/oauth2/token", URL))
    assert proof.jkt == KEY.jkt


@pytest.mark.parametrize("ath", [None, "", 7, access_token_hash(Secret("other")), "at"])
def test_n101_a_proof_is_for_one_token(ath: Any) -> None:
    refused(made(ath=ath), raw_access_token=Secret("at"))


def test_a_proof_is_short() -> None:
    assert verified(made(more="x" * 4000)).jkt == KEY.jkt
    assert refused(made(more="x" * 7000)).reason == "too long"


def test_a_proof_with_the_token_s_hash() -> None:
    assert verified(made(token="at"), raw_access_token=Secret("at")).jkt == KEY.jkt


def test_a_changed_proof_is_none() -> None:
    head, body, signature = made().split(".")
    other = encode({"jti": "x", "htm": "POST", "htu": URL, "iat": SECONDS})
    for raw in (
        "",
        "x",
        f"{head}.{body}.",
        f"{head}.{other}.{signature}",
        f"{head}.{body}.{signature}=",
        f"{head}.{body}.{signature[:-4]}",
        f"{head}.{body}.{signature}, {head}.{body}.{signature}",
        "a" * 8193,
    ):
        refused(raw)


def test_n101_several_headers_are_refused_and_none_is_none() -> None:
    assert read_proof([]) is None
    assert read_proof([" a.b.c "]) == "a.b.c"
    with pytest.raises(ProofRefused):
        read_proof(["a.b.c", "a.b.c"])


def test_a_verifier_that_expects_nothing_is_refused() -> None:
    nothing: tuple[dict[str, Any], ...] = ({"targets": ()}, {"algorithms": frozenset()})
    for changes in nothing:
        with pytest.raises(ValueError, match="nothing"):
            wanted(**changes)


def test_says_what_a_client_author_can_act_on() -> None:
    assert "clock" in refused(made(iat=SECONDS - 600)).public
    assert "htu" in refused(made(htu="https://x.example")).public
    assert "htm" in refused(made(htm="GET")).public


@pytest.mark.parametrize(
    ("value", "good"), [(RFC_JKT, True), ("", False), ("x" * 42, False), ("x" * 44, False), ("+" * 43, False)]
)  # fmt: skip
def test_the_form_of_a_thumbprint(value: str, good: bool) -> None:
    assert is_thumbprint(value) == good


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_MEMBERS = st.dictionaries(
    st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf"]), _JSON
)


@given(raw=st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else(raw: str) -> None:
    with pytest.raises(ProofRefused):
        verified(raw)


@given(
    claims=_MEMBERS, header=st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid"]), _JSON)
)
def test_any_claims_are_refused_or_good(claims: dict[str, Any], header: dict[str, Any]) -> None:
    try:
        proof = verified(made(header=header, **claims))
    except ProofRefused:
        return
    assert proof.jkt == KEY.jkt
    assert 0 < len(proof.jti) <= 256


def test_another_type_of_token_is_no_proof() -> None:
    refused(KEY.signed({"typ": "at+jwt", "alg": "ES256", "jwk": KEY.jwk}, {"jti": "1"}))
