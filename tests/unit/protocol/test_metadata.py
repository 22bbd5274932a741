from __future__ import annotations

import json

from limen.protocol.metadata import PATHS, Offers, discovery_document

OFFERS = Offers(
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    assertion_algs=("ES256",),
    auth_methods=("client_secret_basic", "client_secret_post", "none"),
    response_modes=("query", "form_post"),
    prompts=("none", "login"),
    signing_algs=("RS256", "ES256"),
    scopes=("openid", "email"),
)


def test_every_address_hangs_from_the_issuer() -> None:
    for issuer in ("https://id.example", "https://id.example/base/t/acme"):
        document = discovery_document(issuer, offers=OFFERS)
        assert document["issuer"] == issuer
        urls = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
        assert len(urls) == len(PATHS)
        assert all(url.startswith(f"{issuer}/oauth2/") for url in urls)


def test_n022_offers_nothing_dangerous() -> None:
    document = discovery_document("https://id.example", offers=OFFERS)
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "none" not in document["id_token_signing_alg_values_supported"]
    assert not {"implicit", "password"} & set(document["grant_types_supported"])
    assert document["require_request_uri_registration"] is True
    assert "none" not in document["request_object_signing_alg_values_supported"]


def test_promises_what_the_specifications_name() -> None:
    document = discovery_document("https://id.example", offers=OFFERS)
    promised = {name for name, value in document.items() if value is True}
    assert promised >= {
        "authorization_response_iss_parameter_supported",  # RFC 9207 section 3
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
    }


def test_introspection_is_for_clients_with_a_secret() -> None:
    document = discovery_document("https://id.example", offers=OFFERS)
    assert "none" in document["token_endpoint_auth_methods_supported"]
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]


def test_is_json_and_says_acr_values_only_if_there_are_any() -> None:
    document = discovery_document("https://id.example", offers=OFFERS)
    assert json.loads(json.dumps(document)) == document
    assert "acr_values_supported" not in document
