"""Keys: what is imported, what is refused, and the published form."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.protocol.client_metadata import parse_client_metadata
from limen.protocol.jose import JwtRefused
from limen.protocol.jwk import (
    InvalidKey,
    KeyAlgorithm,
    KeySet,
    bare_key,
    bare_key_set,
    generate_key,
    import_key_set,
    import_private,
    import_public,
    secret_key_set,
    thumbprint,
)
from limen.protocol.jwt import sign, verify
from tests.unit.protocol.jose_kit import ED, ES, NOW, RS, claims, encode, expected

RFC7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_F"
    "DW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4v"
    "MQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def rsa_jwk(bits: int, e: int = 65537) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    size = (bits + 7) // 8
    return {
        "kty": "RSA",
        "kid": "r",
        "n": encode(numbers.n.to_bytes(size, "big")),
        "e": encode(e.to_bytes(4, "big").lstrip(b"\0") or b"\0"),
    }


def public(**changes: Any) -> dict[str, Any]:
    made = {**ES.public.jwk(), **changes}
    return {name: value for name, value in made.items() if value is not None}


def test_thumbprint_is_that_of_rfc7638() -> None:
    assert thumbprint(RFC7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_thumbprint_of_rfc8037() -> None:
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(okp) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("key", [ES, RS, ED], ids=lambda key: key.alg)
def test_a_published_key_shows_no_private_member_and_imports_again(key: Any) -> None:
    shown = key.public.jwk()
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & shown.keys()
    assert shown["use"] == "sig"
    assert shown["kid"] == key.kid == thumbprint(shown)
    again = import_public(shown)
    assert key.alg in again.algorithms


def test_an_ed25519_key_shows_no_alg_so_that_both_names_fit() -> None:
    assert "alg" not in ED.public.jwk()
    assert ES.public.jwk()["alg"] == "ES256"
    assert RS.public.jwk()["alg"] == "RS256"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_an_exported_private_key_signs_as_before(alg: KeyAlgorithm) -> None:
    made = generate_key(alg)
    again = import_private(made.export(), alg)
    assert again.kid == made.kid
    raw = sign(claims(), again, typ="at+jwt")
    assert verify(raw, KeySet([made.public]), expected=expected(), now=NOW)["sub"] == "ada"


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
        {"kty": "EC"},
        {"kty": ["EC"]},
        {"kty": "OKP", "crv": "Ed448", "x": "AAAA"},
        {"kty": "OKP", "crv": "X25519", "x": encode(b"\1" * 32)},
        public(crv="P-521"),
        public(crv="secp256k1"),
        public(x="AAAA"),
        public(x=7),
        public(use="enc"),
        public(key_ops=["encrypt"]),
        public(kid=7),
        public(kid="k" * 300),
        public(alg="ES384"),
        public(alg="HS256"),
        public(alg="none"),
        public(d="AAAA"),
        dict(ES.key.as_dict(private=True)),
        dict(RS.key.as_dict(private=True)),
        rsa_jwk(1024),
        {**rsa_jwk(2048), "e": "AQ"},
        {**rsa_jwk(2048), "n": ""},
    ],
)
def test_an_unfit_key_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(InvalidKey):
        import_public(jwk)


def test_a_key_without_alg_serves_every_algorithm_of_its_kind() -> None:
    key = import_public(rsa_jwk(2048))
    assert {"RS256", "PS256"} <= key.algorithms
    assert import_public({**rsa_jwk(2048), "alg": "PS256"}).algorithms == {"PS256"}


def test_a_key_set_leaves_out_what_it_can_not_use() -> None:
    keys = import_key_set({"keys": [public(), public(use="enc"), {"kty": "new"}, 7, None]})
    assert len(keys) == 1
    assert ES.kid in keys


@pytest.mark.parametrize("jwks", [{}, {"keys": {}}, {"keys": [public()] * 65}])
def test_what_is_no_key_set_is_refused(jwks: dict[str, Any]) -> None:
    with pytest.raises(InvalidKey):
        import_key_set(jwks)


def test_without_kid_only_a_single_fitting_key_is_found() -> None:
    other = generate_key("ES256")
    assert KeySet([ES.public, RS.public]).find(None, "ES256") is ES.public
    with pytest.raises(JwtRefused, match="invalid_jwt"):
        KeySet([ES.public, other.public]).find(None, "ES256")


def test_a_secret_verifies_hs256_alone() -> None:
    keys = secret_key_set(Secret("s" * 32))
    assert keys.find(None, "HS256").algorithms == {"HS256"}
    with pytest.raises(JwtRefused):
        keys.find(None, "RS256")
    with pytest.raises(InvalidKey):
        keys.jwks()


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops"]),
        st.one_of(
            st.none(),
            st.integers(),
            st.text(max_size=50),
            st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB"]),
            st.lists(st.text(max_size=5), max_size=3),
        ),
    )
)
def test_any_members_are_a_key_or_refused(jwk: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidKey):
        import_public(jwk)
    assert json.dumps(jwk)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_NAMES = st.sampled_from(["kty", "crv", "x", "y", "kid", "use", "key_ops", "x5c", "junk", "ext"])


@given(jwk=st.dictionaries(_NAMES, _ANY), more=_ANY)
def test_n234_a_bare_key_is_short_texts_and_lists_of_them(jwk: dict[str, Any], more: Any) -> None:
    bare = bare_key(jwk)
    kept = [] if bare is None else [bare]
    assert bare_key_set({"keys": [jwk, more], "more": more})["keys"][: len(kept)] == kept
    for name, value in (bare or {}).items():
        assert value == jwk[name]
        texts = value if name in {"key_ops", "x5c"} else [value]
        assert isinstance(texts, list)
        assert all(isinstance(each, str) for each in texts)
    assert not {"junk", "ext"} & (bare or {}).keys()


def test_n234_of_registered_keys_nothing_else_is_kept() -> None:
    key = ES.public.jwk()
    given_ = {"keys": [{**key, "junk": [[]] * 1000}], "more": [[]] * 1000}
    members = {
        "token_endpoint_auth_method": "private_key_jwt",
        "redirect_uris": ["https://app.example/cb"],
        "jwks": given_,
    }
    assert parse_client_metadata(members, client_type="web").jwks == {"keys": [key]}
    for odd in ({"crv": ["P-256"]}, {"key_ops": "verify"}, {"x5c": [1]}, {"x5c": [""] * 21}):
        wrong = {**members, "jwks": {"keys": [{**key, **odd}]}}
        with pytest.raises(InvalidInput, match="invalid_client_metadata") as refused:
            parse_client_metadata(wrong, client_type="web")
        assert refused.value.field == "jwks"
        assert "RFC 7517" in refused.value.public
