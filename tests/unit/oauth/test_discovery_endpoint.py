from __future__ import annotations

import pytest

from limen.oauth.authorization.assurance import WantedAcr, reached_acr
from limen.protocol.client_metadata import CIBA
from limen.protocol.jwk import import_key_set
from limen.protocol.jwt import peek
from limen.protocol.jwt_bearer import ID_JAG_PROFILE
from limen.protocol.token_exchange import ID_JAG
from limen.tenants.policies.assurance import AssurancePolicy
from tests.unit.oauth.http_kit import Server

pytestmark = pytest.mark.anyio

NAMES = ("openid-configuration", "oauth-authorization-server")


async def test_both_names_answer_with_one_document(server: Server) -> None:
    answers = [await server.http.get(f"/.well-known/{name}") for name in NAMES]
    assert answers[0].content == answers[1].content
    document = answers[0].json()
    assert document["issuer"] == server.site.issuer
    assert "no-store" not in answers[0].headers["cache-control"]


async def test_n022_every_address_it_names_exists(server: Server) -> None:
    document = (await server.http.get(f"/.well-known/{NAMES[0]}")).json()
    for name, url in document.items():
        if name == "authorization_endpoint" or not name.endswith(("_endpoint", "_uri")):
            continue
        answer = await server.http.get(url)
        assert answer.status_code != 404, name


async def test_n022_what_it_names_is_accepted_and_the_rest_is_not(server: Server) -> None:
    document = (await server.http.get(f"/.well-known/{NAMES[0]}")).json()
    client = await server.client("web")
    for grant in (*document["grant_types_supported"], "password", "urn:x"):
        answer = await server.post("/oauth2/token", client, grant_type=grant)
        known = answer.json()["error"] != "unsupported_grant_type"
        assert known == (grant in document["grant_types_supported"])


async def test_ciba_4_says_what_is_offered(server: Server) -> None:
    document = (await server.http.get(f"/.well-known/{NAMES[0]}")).json()
    assert document["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert document["backchannel_user_code_parameter_supported"] is False
    algs = document["backchannel_authentication_request_signing_alg_values_supported"]
    for alg in algs:
        members = {"backchannel_authentication_request_signing_alg": alg}
        await server.client("machine", grant_types=(CIBA,), metadata=members)


async def test_the_keys_verify_what_we_sign(server: Server) -> None:
    answer = await server.http.get("/oauth2/jwks")
    assert answer.status_code == 200
    assert "no-store" not in answer.headers["cache-control"]
    published = answer.json()
    for key in published["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
    keys = import_key_set(published)
    client = await server.client("machine")
    made = await server.post("/oauth2/token", client, grant_type="client_credentials")
    header = peek(made.json()["access_token"]).header
    assert keys.find(header["kid"], header["alg"]).kid == header["kid"]


async def test_takes_no_connection_once_the_keys_are_known(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.http.get("/oauth2/jwks")
    await server.http.get(f"/.well-known/{NAMES[0]}")

    async def refuse() -> object:
        raise AssertionError("a connection was taken")

    monkeypatch.setattr(server.works.database, "acquire", refuse)
    assert (await server.http.get("/oauth2/jwks")).status_code == 200
    assert (await server.http.get(f"/.well-known/{NAMES[0]}")).status_code == 200


async def test_it_names_what_introspection_signs_with_and_what_is_asserted(server: Server) -> None:
    document = (await server.http.get(f"/.well-known/{NAMES[1]}")).json()
    for alg in document["introspection_signing_alg_values_supported"]:
        client = await server.client("machine", metadata={"introspection_signed_response_alg": alg})
        answer = await server.http.post(
            "/oauth2/introspect",
            data={"token": "x"},
            headers={**client.basic, "accept": "application/token-introspection+jwt"},
        )
        assert peek(answer.text).header["alg"] == alg
    assert document["identity_chaining_requested_token_types_supported"] == [ID_JAG]
    assert document["authorization_grant_profiles_supported"] == [ID_JAG_PROFILE]


async def test_n022_every_acr_value_it_names_can_be_reached(server: Server) -> None:
    document = (await server.http.get(f"/.well-known/{NAMES[0]}")).json()
    rules = AssurancePolicy().acr
    assert document["acr_values_supported"] == list(rules)
    for value in document["acr_values_supported"]:
        wanted = WantedAcr(values=(value,))
        assert reached_acr(wanted, ("pwd", "otp", "mfa"), rules=rules) == value
