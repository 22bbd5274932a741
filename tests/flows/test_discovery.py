from __future__ import annotations

from urllib.parse import urlsplit

from limen.protocol.client_metadata import ClientType
from limen.protocol.jwk import generate_key
from tests.installation import Installation
from tests.oauth_client import Flow, claims_in

KEY_METHODS = {"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
PUBLISHED = {"keys": [generate_key("ES256").public.jwk()]}
NAMES = ("openid-configuration", "oauth-authorization-server")


def _addresses(limen: Installation) -> list[str]:
    path = urlsplit(limen.issuer).path
    suffixed = [f"{limen.issuer}/.well-known/{name}" for name in NAMES]
    return suffixed + [f"{limen.root}/.well-known/{name}{path}" for name in NAMES]


async def test_every_form_of_discovery_is_the_same_bytes(limen: Installation) -> None:
    told = [await limen.api.fetch("GET", url) for url in _addresses(limen)]
    assert [page.status for page in told] == [200] * 4
    assert len({page.text for page in told}) == 1
    document = told[0].json()
    assert document["issuer"] == limen.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True


async def test_every_endpoint_it_names_is_there_and_under_the_issuer(limen: Installation) -> None:
    document = (await limen.api.fetch("GET", _addresses(limen)[0])).json()
    named = {key: url for key, url in document.items() if key.endswith(("_endpoint", "_uri"))}
    assert {"token_endpoint", "jwks_uri", "end_session_endpoint"} <= set(named)
    for key, url in named.items():
        assert url.startswith(limen.issuer + "/"), key
        assert (await limen.api.fetch("GET", url)).status != 404, key


async def test_rfc_9728_our_own_api_says_what_its_tokens_are_asked_for_with(
    limen: Installation,
) -> None:
    name, path = "/.well-known/oauth-protected-resource", urlsplit(limen.issuer).path
    inserted = f"{limen.root}{name}{path}/api/v1"
    told = [await limen.api.fetch("GET", url) for url in (inserted, f"{limen.issuer}{name}/api/v1")]
    assert told[0].text == told[1].text
    document = told[0].json()
    assert document["resource"] == f"{limen.issuer}/api/v1"
    assert document["authorization_servers"] == [limen.issuer]
    assert "limen:full" not in document["scopes_supported"]
    page = await limen.api.fetch("GET", "/api/v1/auth/me")
    assert f'resource_metadata="{inserted}"' in page.headers["www-authenticate"]
    scope = ("openid", *document["scopes_supported"])
    flow = Flow(limen, await limen.client(scope=scope))
    person = await limen.person()
    made = await flow.tokens(person, scope=" ".join(scope), resource=document["resource"])
    assert (await person.api("GET", "/api/v1/consents", made["access_token"])).status == 200


async def test_nothing_weak_is_offered_and_what_is_offered_works(limen: Installation) -> None:
    document = (await limen.api.fetch("GET", _addresses(limen)[0])).json()
    assert document["response_types_supported"] == ["code"]
    assert "password" not in document["grant_types_supported"]
    for key, values in document.items():
        if key.endswith("alg_values_supported"):
            # A client that shares a secret may sign its assertions with it, and nothing else.
            weak = {"none"} if "_auth_signing_" in key else {"none", "HS256"}
            assert not weak & set(values), key
    person = await limen.person()
    for algorithm in document["id_token_signing_alg_values_supported"]:
        client = await limen.client(metadata={"id_token_signed_response_alg": algorithm})
        made = await Flow(limen, client).tokens(person, scope="openid")
        assert claims_in(made["id_token"])["iss"] == limen.issuer
    for method in document["token_endpoint_auth_methods_supported"]:
        kind: ClientType = "spa" if method == "none" else "web"
        keys = {"jwks": PUBLISHED} if method in KEY_METHODS else {}
        await limen.client(kind, auth_method=method, metadata=keys)
    for mode in document["response_modes_supported"]:
        client = await limen.client(metadata={"response_modes": [mode]})
        page = await Flow(limen, client).authorize(person, response_mode=mode)
        assert page.status == 0 or page.has("form-post-submit"), mode


async def test_scripts_of_other_origins(limen: Installation) -> None:
    flow = Flow(limen, await limen.client("spa"))
    own, foreign = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
    for path in ("/.well-known/openid-configuration", "/oauth2/jwks"):
        page = await limen.api.fetch("GET", path, headers=foreign)
        assert page.headers["access-control-allow-origin"] == "*"
        asks = {
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "mcp-protocol-version",
        }
        page = await limen.api.fetch("OPTIONS", path, headers={**foreign, **asks})
        allowed = page.headers["access-control-allow-headers"].lower().split(", ")
        assert "mcp-protocol-version" in allowed
    for path in ("/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/userinfo"):
        asks = {"Access-Control-Request-Method": "POST"}
        good = await limen.api.fetch("OPTIONS", path, headers={**own, **asks})
        assert good.headers["access-control-allow-origin"] == "https://app.example", path
        allowed = good.headers["access-control-allow-headers"].lower().split(", ")
        assert {"authorization", "dpop"} <= set(allowed)
        for origin in ("https://evil.example", "null", "https://app.example.evil.example"):
            bad = await limen.api.fetch("OPTIONS", path, headers={"Origin": origin, **asks})
            assert "access-control-allow-origin" not in bad.headers, (path, origin)
        assert "access-control-allow-credentials" not in good.headers
    for path in ("/oauth2/authorize", "/oauth2/logout", "/sign-in", "/account"):
        page = await limen.api.fetch("GET", path, headers=own)
        assert "access-control-allow-origin" not in page.headers, path
    answer = await limen.api.fetch(
        "POST", "/oauth2/token", form={"client_id": flow.client.id}, headers=own
    )
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"WWW-Authenticate", "DPoP-Nonce"} <= set(exposed.split(", "))
    answer = await limen.api.fetch("GET", "/api/v1/auth/me", headers=own)
    assert "access-control-allow-origin" not in answer.headers  # the tenant named no origin


async def test_a_machine_acts_for_itself(limen: Installation) -> None:
    machine = await limen.client("machine")
    flow = Flow(limen, machine)
    made = (await limen.post("/oauth2/token", machine, grant_type="client_credentials")).json()
    claims = claims_in(made["access_token"])
    assert (claims["sub"], claims["iss"], claims["aud"]) == (machine.id, limen.issuer, limen.issuer)
    assert "refresh_token" not in made
    assert await flow.is_active(made["access_token"])
    assert (await flow.userinfo(made["access_token"])).status == 403
