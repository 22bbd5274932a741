from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.oauth.authorization.assurance import WantedAcr, reached_acr
from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from limen.protocol.jwk import import_key_set
from limen.protocol.jwt import peek
from limen.protocol.jwt_bearer import ID_JAG_PROFILE
from limen.protocol.token_exchange import ID_JAG
from limen.tenants.policies.assurance import AssurancePolicy
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.unit.oauth.http_kit import Server, serve

pytestmark = pytest.mark.anyio

NAMES = ("openid-configuration", "oauth-authorization-server")
UNPUSHED = {"device_authorization_endpoint", "authorization_challenge_endpoint"}


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


async def profiled(works: Works, site: Site, profile: str = "", **members: Any) -> dict[str, Any]:
    """The document of a tenant whose every client keeps to a profile."""
    policy = TenantPolicy.read({"profile": profile, **members})
    fields = dataclasses.asdict(site)
    tenant = Tenant(**fields, name="T", host=None, policy=policy, version=1, state="active")
    server = await serve(works, tenant)
    answer = await server.http.get(f"/.well-known/{NAMES[1]}")
    await server.close()
    return dict(answer.json())


@pytest.mark.parametrize("profile", ["fapi2", "fapi2_message_signing"])
async def test_n022_a_tenant_under_fapi_offers_what_fapi_allows(
    works: Works, site: Site, profile: str
) -> None:
    document = await profiled(works, site, profile)
    signs = profile == "fapi2_message_signing"
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["require_pushed_authorization_requests"] is True
    assert document["require_signed_request_object"] is signs
    assert ("query" in document["response_modes_supported"]) is not signs
    algs = [
        value for name, value in document.items() if name.endswith("signing_alg_values_supported")
    ]
    assert len(algs) == 10
    assert not any({"RS256", "HS256", "none"} & set(each) for each in algs)
    assert all("ES256" in each for each in algs)
    assert DEVICE_CODE not in document["grant_types_supported"]
    assert not UNPUSHED & document.keys()


async def test_n022_where_requests_are_pushed_no_challenge_is_offered(
    works: Works, site: Site
) -> None:
    pushes = await profiled(works, site, authorization={"require_pushed": True})
    assert UNPUSHED & pushes.keys() == {"device_authorization_endpoint"}
    assert DEVICE_CODE in pushes["grant_types_supported"]
    assert (await profiled(works, site, "mcp")).keys() >= UNPUSHED


async def test_n022_a_tenant_under_mcp_offers_no_secret_that_signs(
    works: Works, site: Site
) -> None:
    document = await profiled(works, site, "mcp")
    methods = document["token_endpoint_auth_methods_supported"]
    assert "client_secret_jwt" not in methods
    assert {"none", "client_secret_basic", "private_key_jwt"} <= set(methods)
    assert "HS256" not in document["token_endpoint_auth_signing_alg_values_supported"]
    assert document["require_pushed_authorization_requests"] is False
