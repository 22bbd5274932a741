"""Signing and verifying: the RFCs' vectors, agreement with joserfc, and every expectation."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from typing import Any

import joserfc.jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from limen.protocol.jose import parse_compact
from limen.protocol.jwk import KeySet, SigningKey, import_public
from limen.protocol.jwt import (
    ANY_AUDIENCE,
    EXPIRED_IS_FINE,
    UNTYPED,
    AmongAudiences,
    AuthorizedParty,
    JwtRefused,
    peek,
    sign,
    verify,
)
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

RFC7515_CLAIMS = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
RFC7515_A3 = (
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
    "bS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
    "KTUJqPP3-Kg6NU1Q"
)
RFC7515_A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def refused(raw: str, **changes: Any) -> str:
    with pytest.raises(JwtRefused) as caught:
        verify(raw, KEYS, expected=expected(**changes), now=NOW)
    return caught.value.reason


def accepted(raw: str, **changes: Any) -> dict[str, Any]:
    return verify(raw, KEYS, expected=expected(**changes), now=NOW)


def test_the_signature_of_rfc7515_a3_verifies() -> None:
    token = parse_compact(RFC7515_A3)
    key = import_public(RFC7515_A3_KEY)
    assert token.claims == json.loads(RFC7515_CLAIMS)
    long_ago = dt.datetime(2011, 3, 22, tzinfo=dt.timezone.utc)
    wanted = expected(issuer="joe", typ=(UNTYPED,), audience=ANY_AUDIENCE)
    with pytest.raises(JwtRefused) as caught:
        verify(RFC7515_A3, KeySet([key]), expected=wanted, now=long_ago)
    assert caught.value.reason == "aud"  # the signature was good; the vector names no audience
    tampered = RFC7515_A3[:-8] + "AAAAAAA" + RFC7515_A3[-1]
    with pytest.raises(JwtRefused) as caught:
        verify(tampered, KeySet([key]), expected=wanted, now=long_ago)
    assert caught.value.reason == "signature"


def test_the_signature_of_rfc8037_a4_is_made_again() -> None:
    seed = OKPKey.import_key(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    )
    key = SigningKey(seed, "EdDSA")
    # The vector signs a text that is no JSON: its signature is what is compared.
    signing_input = f"{encode({'alg': 'EdDSA'})}.{encode(b'Example of Ed25519 signing')}".replace(
        " ", ""
    )
    raw = forge(b'{"alg":"EdDSA"}', b"Example of Ed25519 signing", key)
    assert raw.startswith("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
    assert raw.endswith(
        ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    assert signing_input


@pytest.mark.parametrize(
    ("key", "kind"), [(ES, ECKey), (RS, RSAKey), (ED, OKPKey)], ids=["ES256", "RS256", "Ed25519"]
)
def test_what_we_sign_joserfc_reads_and_the_other_way_round(key: SigningKey, kind: Any) -> None:
    alg = "Ed25519" if key is ED else key.alg
    ours = sign(claims(), key, typ="at+jwt", alg=alg)
    public = kind.import_key(key.public.jwk())
    read = joserfc.jwt.decode(ours, public, algorithms=[alg])
    assert read.claims == claims()
    assert read.header == {"alg": alg, "typ": "at+jwt", "kid": key.kid}
    theirs = joserfc.jwt.encode(header(key, alg=alg), claims(), key.key, algorithms=[alg])
    assert accepted(theirs) == claims()


def test_signing_many_times_keeps_every_signature_64_bytes() -> None:
    for _ in range(300):  # r or s starts with a zero byte about once in 128
        token = parse_compact(sign(claims(), ES, typ="at+jwt"))
        assert len(token.signature) == 64
        assert accepted(sign(claims(), ES, typ="at+jwt"))


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_both_names_of_ed25519_are_taken_without_a_warning(alg: str) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert accepted(sign(claims(), ED, typ="at+jwt", alg=alg))["sub"] == "ada"
    assert not seen


def test_a_key_signs_no_algorithm_but_its_own() -> None:
    with pytest.raises(ValueError, match="does not sign"):
        sign(claims(), ES, typ="at+jwt", alg="RS256")
    with pytest.raises(ValueError, match="JSON"):
        sign(claims(exp=float("nan")), ES, typ="at+jwt")


@pytest.mark.parametrize(
    ("typ", "wanted"),
    [
        ("at+jwt", ("at+jwt",)),
        ("AT+JWT", ("at+jwt",)),
        ("application/at+jwt", ("at+jwt",)),
        ("JWT", ("JWT", UNTYPED)),
        (None, ("JWT", UNTYPED)),
    ],
)
def test_media_types_compare_as_rfc7515_says(typ: str | None, wanted: tuple[str, ...]) -> None:
    assert accepted(forge(header(typ=typ), claims()), typ=wanted)


@pytest.mark.parametrize("typ", [None, "", "JWT", "at", "at+jwtx", "x/at+jwt", ["at+jwt"], 7])
def test_another_type_is_refused(typ: object) -> None:
    head = header() | {"typ": typ}
    if typ is None:
        del head["typ"]
    assert refused(forge(head, claims())) == "typ"


def test_an_empty_type_is_not_an_absent_one() -> None:
    assert refused(forge(header() | {"typ": ""}, claims()), typ=("JWT", UNTYPED)) == "typ"


def test_times_are_compared_at_the_moment_given() -> None:
    assert accepted(forge(header(), claims(exp=SECONDS + 1)))
    assert refused(forge(header(), claims(exp=SECONDS))) == "expired"
    assert refused(forge(header(), claims(nbf=SECONDS + 1))) == "nbf"
    assert accepted(forge(header(), claims(nbf=SECONDS)))
    minute = dt.timedelta(minutes=1)
    assert accepted(forge(header(), claims(exp=SECONDS - 59)), leeway=minute)
    assert refused(forge(header(), claims(exp=SECONDS - 60)), leeway=minute) == "expired"
    assert accepted(forge(header(), claims(nbf=SECONDS + 60)), leeway=minute)


def test_an_expired_hint_is_fine_where_the_caller_says_so() -> None:
    assert accepted(forge(header(), claims(exp=SECONDS - 9)), expiry=EXPIRED_IS_FINE)


def test_a_life_longer_than_wanted_is_refused() -> None:
    minutes = dt.timedelta(minutes=5)
    assert accepted(forge(header(), claims(exp=SECONDS + 300)), longest=minutes)
    assert refused(forge(header(), claims(exp=SECONDS + 301)), longest=minutes) == "exp"


@pytest.mark.parametrize("name", ["sub", "jti", "iat", "client_id"])
@pytest.mark.parametrize("value", [None, "", "absent"])
def test_a_required_claim_must_be_there(name: str, value: str | None) -> None:
    made = claims() | {name: value}
    if value == "absent":
        made.pop(name)
    refused(forge(header(), made), required=("exp", name))


def test_audiences_by_the_rule_the_caller_names() -> None:
    both = forge(header(), claims(aud=[API, "b"]))
    assert refused(both) == "aud"
    assert refused(both, audience=ANY_AUDIENCE) == "aud"
    assert accepted(both, audience=AmongAudiences("b"))
    assert refused(both, audience=AmongAudiences("c")) == "aud"
    assert refused(both, audience=AuthorizedParty(API)) == "aud"
    party = forge(header(), claims(aud=[API, "b"], azp=API))
    assert accepted(party, audience=AuthorizedParty(API))
    assert accepted(forge(header(), claims(aud=[API])), audience=AuthorizedParty(API))
    wrong = forge(header(), claims(azp="mallory"))
    assert refused(wrong, audience=AuthorizedParty(API)) == "aud"
    assert accepted(forge(header(), claims(aud="any")), audience=ANY_AUDIENCE)


@pytest.mark.parametrize(
    "hole", [{"algorithms": frozenset()}, {"typ": ()}, {"issuer": ""}, {"audience": ""}]
)
def test_a_verifier_that_expects_nothing_can_not_be_made(hole: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="anything"):
        expected(**hole)


def test_unknown_header_members_are_ignored() -> None:
    assert accepted(forge(header(x5t="abc", extra={"a": 1}), claims()))


def test_peek_parses_and_believes_nothing() -> None:
    unsigned = f"{encode(header())}.{encode(claims(iss='mallory'))}.AAAA"
    assert peek(unsigned).claims["iss"] == "mallory"
    with pytest.raises(JwtRefused):
        peek("a.b")


def test_every_refusal_reads_the_same_in_public() -> None:
    with pytest.raises(JwtRefused) as one:
        accepted(forge(header(), claims(iss="other")))
    with pytest.raises(JwtRefused) as two:
        accepted(sign(claims(), ES, typ="at+jwt")[:-4] + "AAAA")
    assert (one.value.code, one.value.public) == (two.value.code, two.value.public)


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(alphabet=st.sampled_from('abcAB01-_=.{}"\\ \n é'), max_size=200))
def test_any_text_is_refused_and_never_breaks(raw: str) -> None:
    assert refused(raw)


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "azp"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=9),
            st.lists(st.text(max_size=3), max_size=3),
            st.sampled_from([ISSUER, API]),
        ),
    )
)
def test_any_claims_are_verified_or_refused(made: dict[str, Any]) -> None:
    try:
        read = accepted(forge(header(), json.dumps(made).encode()))
    except JwtRefused:
        return
    assert (read["iss"], read["aud"]) == (ISSUER, API)
    assert read["exp"] > SECONDS
