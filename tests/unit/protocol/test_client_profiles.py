from __future__ import annotations

from typing import Any

import pytest

from limen.kernel.errors import InvalidInput
from limen.protocol.client_metadata import (
    CIBA,
    DEVICE_CODE,
    ClientMetadata,
    ClientType,
    left_by,
    parse_client_metadata,
    under_profile,
)
from limen.protocol.jwk import generate_key
from limen.protocol.redirect_uri import PrivateUse

CB = "https://app.example/cb"
KEYS: dict[str, Any] = {"keys": [generate_key("ES256").public.jwk()]}
RSA_1024 = {
    "kty": "RSA",
    "e": "AQAB",
    "n": "xjlCRBqkOd8d9mA9FKKJqQOEjbMyaCL9X0KyYA-hRvJN2xEyxGZQ7oQv1cN9rVuQ6nXQxJcTKlVzEzYEt"
    "r3eCGkgw4X5lBYBvNnyQ2QmGvmQ4Yz0OWg1o0nVZDNSQjmPzs0gFAZ2nJdXMuYIBM6wq1m7cBpRZ-FqEjLsW3s",
}


def parse(client_type: ClientType = "web", /, **members: Any) -> ClientMetadata:
    if client_type != "machine":
        members = {"redirect_uris": [CB], **members}
    return parse_client_metadata(members, client_type=client_type)


def refused(client_type: ClientType = "web", /, **members: Any) -> str:
    with pytest.raises(InvalidInput) as refusal:
        parse(client_type, **members)
    assert refusal.value.code in {"invalid_client_metadata", "invalid_redirect_uri"}
    return refusal.value.field


@pytest.mark.parametrize(
    ("jwks", "kept"),
    [
        (KEYS, True),
        ({"keys": [*KEYS["keys"], {"kty": "EC", "crv": "secp256k1", "x": "a", "y": "b"}]}, True),
        ({"keys": [*KEYS["keys"], {"kty": "OKP", "crv": "X25519", "x": "AAAA"}]}, True),
        ({}, False),
        ({"keys": []}, False),
        ({"keys": KEYS["keys"] * 21}, False),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"}]}, False),
        ({"keys": [{**KEYS["keys"][0], "d": "AAAA"}]}, False),
        ({"keys": [{**KEYS["keys"][0], "x": "AAAA"}]}, False),
        ({"keys": [{**KEYS["keys"][0], "kid": 7}]}, False),
        ({"keys": [RSA_1024]}, False),
        ({"keys": ["x"]}, False),
        ({"keys": [{}]}, False),
        ([], False),
        ("{}", False),
        ({"keys": [{"kty": "EC", "crv": "x", "x5c": ["a" * 70_000]}]}, False),
        ({"keys": [{"kty": "EC", "crv": "x", "kid": "\x00"}]}, False),
    ],
)
def test_keys_are_public_and_strong(jwks: object, kept: bool) -> None:
    if kept:
        assert parse(jwks=jwks).jwks == jwks
    else:
        assert refused(jwks=jwks) == "jwks"


def test_keys_come_one_way() -> None:
    assert refused(jwks=KEYS, jwks_uri="https://app.example/jwks") == "jwks"
    assert refused(jwks_uri="http://app.example/jwks") == "jwks_uri"
    for method in ("private_key_jwt", "self_signed_tls_client_auth"):
        assert refused(token_endpoint_auth_method=method) == "jwks"
        assert not parse(token_endpoint_auth_method=method, jwks=KEYS).has_secret


def test_a_certificate_has_one_name() -> None:
    named = {"tls_client_auth_subject_dn": "CN=a"}
    other = {"tls_client_auth_san_dns": "a.example"}
    method = {"token_endpoint_auth_method": "tls_client_auth"}
    assert parse(**method, **named).tls_client_auth_subject_dn == "CN=a"
    assert refused(**method).startswith("tls_client_auth")
    assert refused(**method, **named, **other) == "tls_client_auth_san_dns"
    assert parse(**named).tls_client_auth_subject_dn is None


@pytest.mark.parametrize(
    ("method", "alg", "kept"),
    [
        ("private_key_jwt", "PS256", "PS256"),
        ("private_key_jwt", "Ed25519", "EdDSA"),
        ("private_key_jwt", None, None),
        ("client_secret_jwt", "HS256", None),
        ("client_secret_basic", "whatever", None),
    ],
)
def test_assertions_have_algorithms(method: str, alg: str | None, kept: str | None) -> None:
    members = {"token_endpoint_auth_method": method, "jwks": KEYS}
    metadata = parse(**members, token_endpoint_auth_signing_alg=alg)
    assert metadata.token_endpoint_auth_signing_alg == kept
    assert metadata.seals_secret is (method == "client_secret_jwt")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("request_object_signing_alg", "none"),
        ("request_object_signing_alg", "HS256"),
        ("userinfo_signed_response_alg", "none"),
        ("userinfo_signed_response_alg", "HS256"),
        ("authorization_signed_response_alg", "none"),
        ("introspection_signed_response_alg", "HS256"),
        ("id_token_encrypted_response_alg", "RSA1_5"),
        ("id_token_encrypted_response_alg", "dir"),
        ("id_token_encrypted_response_alg", "RSA-OAEP-256"),
        ("id_token_encrypted_response_enc", "A128CBC-HS256"),
        ("subject_type", "private"),
        ("sector_identifier_uri", "x:y"),
        ("backchannel_logout_uri", "http://app.example/x"),
        ("backchannel_logout_uri", "https://app.example/x#y"),
        ("frontchannel_logout_uri", "https://other.example/x"),
        ("frontchannel_logout_uri", "https://app.example:8443/x"),
        ("frontchannel_logout_uri", "https://app.example/x#y"),
        ("initiate_login_uri", "http://app.example/x"),
        ("request_uris", ["http://app.example/x"]),
        ("request_uris", "https://app.example/x"),
        ("dpop_bound_access_tokens", "true"),
        ("require_pushed_authorization_requests", 1),
        ("default_acr_values", [1]),
        ("profile", "fapi1"),
        ("assertion_audience", "anybody"),
        ("software_id", ["x"]),
    ],
)
def test_no_member_takes_what_it_is_not(member: str, value: object) -> None:
    assert refused(**{member: value}) == member


def test_encryption_has_keys_and_a_default() -> None:
    metadata = parse(jwks=KEYS, id_token_encrypted_response_alg="ECDH-ES")
    assert metadata.id_token_encrypted_response_enc == "A128CBC-HS256"
    assert metadata.userinfo_encrypted_response_alg is None


def test_pairwise_subjects_have_one_sector() -> None:
    two = [CB, "https://other.example/cb"]
    assert refused(redirect_uris=two, subject_type="pairwise") == "sector_identifier_uri"
    sector = "https://app.example/sector"
    metadata = parse(redirect_uris=two, subject_type="pairwise", sector_identifier_uri=sector)
    assert metadata.sector_identifier_uri == sector
    assert parse(subject_type="pairwise").sector_identifier_uri is None
    # A sector is a host, whatever the port.
    ports = [CB, "https://app.example:8443/cb"]
    assert parse(redirect_uris=ports, subject_type="pairwise").redirect_uris == tuple(ports)


def test_ciba_4_a_pairwise_client_proves_the_keys_of_its_sector() -> None:
    keys_at = "https://app.example/keys"
    sent: dict[str, Any] = {
        "redirect_uris": None,
        "grant_types": [CIBA],
        "subject_type": "pairwise",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": keys_at,
    }
    assert parse(**sent).jwks_uri == keys_at
    assert refused(**{**sent, "jwks_uri": None, "jwks": KEYS}) == "jwks_uri"
    by_secret = {**sent, "token_endpoint_auth_method": "client_secret_basic"}
    assert refused(**by_secret) == "token_endpoint_auth_method"
    signing = {"backchannel_authentication_request_signing_alg": "ES256"}
    assert parse(**by_secret, **signing).subject_type == "pairwise"
    both = {"grant_types": [CIBA, "authorization_code"], "redirect_uris": ["https://b.example/cb"]}
    assert refused(**{**sent, **both}) == "sector_identifier_uri"


def test_grants_that_need_no_browser() -> None:
    assert (
        parse_client_metadata(
            {"grant_types": [DEVICE_CODE, "refresh_token"]}, client_type="native"
        ).redirect_uris
        == ()
    )
    poll = parse_client_metadata({"grant_types": [CIBA]}, client_type="web")
    assert poll.backchannel_token_delivery_mode == "poll"
    assert refused("machine", grant_types=[CIBA], backchannel_token_delivery_mode="ping") == (
        "backchannel_client_notification_endpoint"
    )
    assert refused("machine", grant_types=[CIBA], backchannel_token_delivery_mode="push")
    assert refused("machine", grant_types=["refresh_token"]) == "grant_types"


@pytest.mark.parametrize("profile", ["fapi2", "fapi2_message_signing"])
def test_fapi_switches_on_what_it_requires(profile: str) -> None:
    metadata = parse(profile=profile, jwks=KEYS)
    assert metadata.is_fapi
    assert metadata.token_endpoint_auth_method == "private_key_jwt"
    assert metadata.require_pushed_authorization_requests
    assert metadata.require_pkce
    assert metadata.dpop_bound_access_tokens
    assert metadata.assertion_audience == "issuer"
    assert metadata.id_token_signed_response_alg == "ES256"
    assert metadata.require_signed_request_object is (profile == "fapi2_message_signing")


def test_fapi_binds_to_the_certificate_a_client_has() -> None:
    metadata = parse(
        profile="fapi2",
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_san_dns="app.example",
    )
    assert metadata.tls_client_certificate_bound_access_tokens
    assert not metadata.dpop_bound_access_tokens


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("token_endpoint_auth_method", "client_secret_basic"),
        ("token_endpoint_auth_method", "client_secret_jwt"),
        ("dpop_bound_access_tokens", False),
        ("require_pushed_authorization_requests", False),
        ("require_pkce", False),
        ("assertion_audience", "endpoints"),
        ("id_token_signed_response_alg", "RS256"),
        ("userinfo_signed_response_alg", "RS256"),
        ("authorization_signed_response_alg", "RS256"),
        ("token_endpoint_auth_signing_alg", "RS256"),
        ("request_object_signing_alg", "RS256"),
        ("redirect_uris", ["http://localhost/cb"]),
    ],
)
def test_fapi_refuses_the_rest(member: str, value: object) -> None:
    members = {"profile": "fapi2", "jwks": KEYS, member: value}
    assert refused(**members) == member


def test_fapi_takes_no_device_codes() -> None:
    both = ["authorization_code", DEVICE_CODE]
    given = {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS, "grant_types": both}
    assert refused(**given, profile="fapi2") == "grant_types"
    bound, problems = under_profile(parse(**given), "fapi2")
    assert (bound.grant_types, problems) == (("authorization_code",), [])
    bound, _ = under_profile(parse(**given), "mcp")
    assert DEVICE_CODE in bound.grant_types


def test_fapi_is_not_for_public_clients() -> None:
    assert refused("spa", profile="fapi2", jwks=KEYS) == "token_endpoint_auth_method"
    assert refused("native", profile="fapi2", jwks=KEYS, token_endpoint_auth_method="none")


def test_message_signing_needs_signatures() -> None:
    members = {"profile": "fapi2_message_signing", "jwks": KEYS}
    assert refused(**members, require_signed_request_object=False)
    by_certificate = {
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "app.example",
    }
    assert refused(profile="fapi2_message_signing", **by_certificate) == "jwks"


def test_mcp_refuses_what_it_does_not_know() -> None:
    native = parse("native", profile="mcp", redirect_uris=["http://localhost/cb"])
    assert native.require_pkce
    assert native.assertion_audience == "issuer"
    assert refused(profile="mcp", require_pkce=False) == "require_pkce"
    assert refused(profile="mcp", assertion_audience="endpoints") == "assertion_audience"
    assert refused(profile="mcp", token_endpoint_auth_method="client_secret_jwt")
    private = {"profile": "mcp", "redirect_uris": ["com.example.app:/cb"]}
    assert refused("native", **private) == "redirect_uris"
    allowed = parse_client_metadata(
        private, client_type="native", private_use=PrivateUse(under_mcp=True)
    )
    assert allowed.public
    named = {"profile": "mcp", "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"]}
    by_name = PrivateUse(schemes=frozenset({"cursor"}))
    assert parse_client_metadata(named, client_type="native", private_use=by_name).public
    with pytest.raises(InvalidInput):
        parse_client_metadata(private, client_type="native", private_use=by_name)
    under_mcp = PrivateUse(under_mcp=True)
    with pytest.raises(InvalidInput):
        parse_client_metadata(named, client_type="native", private_use=under_mcp)


def test_another_profile_brings_its_own_defaults() -> None:
    members = {"redirect_uris": [CB], "jwks": KEYS, "require_pkce": True} | {
        "id_token_signed_response_alg": "RS256",
        "token_endpoint_auth_method": "private_key_jwt",
    }
    left = left_by("fapi2", members)
    assert "id_token_signed_response_alg" not in left
    assert left["token_endpoint_auth_method"] == "private_key_jwt"
    assert parse(**{**left, "profile": "fapi2"}).id_token_signed_response_alg == "ES256"


def test_a_tenants_profile_switches_on_what_it_can_and_names_the_rest() -> None:
    able = parse(token_endpoint_auth_method="private_key_jwt", jwks=KEYS, require_pkce=False)
    bound, problems = under_profile(able, "fapi2")
    assert problems == []
    assert (bound.profile, bound.require_pkce, bound.dpop_bound_access_tokens) == (
        "fapi2",
        True,
        True,
    )
    assert bound.require_pushed_authorization_requests
    assert bound.id_token_signed_response_alg == "ES256"
    assert (bound.token_endpoint_auth_method, bound.jwks) == ("private_key_jwt", KEYS)
    _, problems = under_profile(parse(redirect_uris=["http://localhost/cb"]), "fapi2")
    assert {field for field, _ in problems} == {"token_endpoint_auth_method", "redirect_uris"}
    by_key = parse(
        token_endpoint_auth_method="private_key_jwt",
        jwks=KEYS,
        token_endpoint_auth_signing_alg="RS256",
        id_token_signed_response_alg="EdDSA",
    )
    bound, problems = under_profile(by_key, "fapi2")
    assert [field for field, _ in problems] == ["token_endpoint_auth_signing_alg"]
    assert bound.id_token_signed_response_alg == "EdDSA"


def test_a_stricter_profile_of_its_own_stays() -> None:
    own = parse(token_endpoint_auth_method="private_key_jwt", jwks=KEYS, profile="fapi2")
    assert under_profile(own, "mcp") == (own, [])
    assert under_profile(own, "fapi2") == (own, [])
    bound, _ = under_profile(own, "fapi2_message_signing")
    assert bound.require_signed_request_object
    assert all("jwt" in mode for mode in bound.response_modes)
