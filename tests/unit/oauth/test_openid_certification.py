"""What the certification of dynamic providers registers and sends, in one go."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx2
import pytest

from limen.db.work import Work, Works
from limen.kernel.site import Site
from limen.oauth.registry.register_client import NewClient, register_client
from limen.protocol.client_metadata import ClientMetadata
from limen.protocol.jwk import generate_key
from limen.protocol.jwt import peek
from limen.tenants.policy import TenantPolicy
from tests.client_assertions import assertion_claims, presented, signed
from tests.request_objects import object_claims, signed_object
from tests.unit.net.servers import answer, listening
from tests.unit.oauth.http_kit import Known, Server, serve, under
from tests.unit.oauth.journey_kit import Browser, answered, extend

pytestmark = pytest.mark.anyio

KEY = generate_key("RS256")
CALLBACK = "https://suite.example/test/a/limen/callback?dummy1=lorem&dummy2=ipsum"
POLICY = {
    "assertion_audience": "endpoints",
    "registration": {"mode": "open", "require_pkce": False},
}


@pytest.fixture
async def provider(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, under(site, TenantPolicy.read(POLICY)), extend=extend)
    yield made
    await made.close()


async def register(server: Server, **members: Any) -> httpx2.Response:
    sent = {
        "client_name": "suite",
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
        "contacts": ["certification@suite.example"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{**KEY.public.jwk(), "use": "sig"}]},
        "id_token_signed_response_alg": "RS256",
        "userinfo_signed_response_alg": "RS256",
        **members,
    }
    kept = {name: value for name, value in sent.items() if value is not None}
    return await server.http.post("/oauth2/register", json=kept)


async def redeem(server: Server, client: Known, **form: str) -> dict[str, Any]:
    audience = f"{server.site.issuer}/oauth2/token"
    claims = assertion_claims(client.id, audience=audience, now=server.works.clock.now())
    sent = {**form, **presented(signed(claims, KEY))}
    made = await server.http.post("/oauth2/token", data=sent)
    assert made.status_code == 200, made.text
    return dict(made.json())


async def test_a_dynamic_client_signs_people_in(provider: Server) -> None:
    async with (
        listening(answer(json.dumps([CALLBACK]).encode())) as sector,
        listening(answer(json.dumps({"keys": [KEY.public.jwk()]}).encode())) as keys,
    ):
        registered = await register(
            provider,
            jwks=None,
            jwks_uri=f"{keys.url}/jwks",
            subject_type="pairwise",
            sector_identifier_uri=f"{sector.url}/redirect_uris.json",
            request_object_signing_alg="RS256",
            logo_uri="https://suite.example/logo.png",
            policy_uri="https://suite.example/policy",
            tos_uri="https://suite.example/tos",
            backchannel_logout_uri=f"{keys.url}/backchannel_logout",
            backchannel_logout_session_required=True,
            frontchannel_logout_uri="https://suite.example/frontchannel_logout",
            frontchannel_logout_session_required=True,
            post_logout_redirect_uris=["https://suite.example/post_logout_redirect"],
        )
        assert registered.status_code == 201, registered.text
        told = registered.json()
        assert told["redirect_uris"] == [CALLBACK]
        assert "client_secret" not in told
        client, browser = Known(told["client_id"]), Browser(provider)
        asked: dict[str, str | None] = {
            "redirect_uri": CALLBACK,
            "scope": "openid offline_access",
            "prompt": "consent",
            "code_challenge": None,
            "code_challenge_method": None,
        }
        claims = object_claims(
            client.id,
            issuer=provider.site.issuer,
            now=provider.works.clock.now(),
            said={"response_type": "code", **{n: v for n, v in asked.items() if v}},
        )
        await browser.sign_in(await provider.person())
        page = await browser.get(
            (await browser.ask(client, **asked, request=signed_object(claims, KEY))).headers[
                "location"
            ]
        )
        allowed = await browser.decide(page, "allow")
        location = allowed.headers["location"]
        assert location.startswith(f"{CALLBACK}&code=")
        code = httpx2.URL(location).params["code"]
        made = await redeem(
            provider, client, grant_type="authorization_code", code=code, redirect_uri=CALLBACK
        )
        first = peek(made["id_token"])
        assert (first.header["alg"], first.claims["nonce"]) == ("RS256", "n-1")
        bearer = {"authorization": f"Bearer {made['access_token']}"}
        user = await provider.http.get("/oauth2/userinfo", headers=bearer)
        assert user.headers["content-type"] == "application/jwt"
        assert peek(user.text).claims == {
            "sub": first.claims["sub"],
            "iss": provider.site.issuer,
            "aud": client.id,
        }
        again = await redeem(
            provider, client, grant_type="refresh_token", refresh_token=made["refresh_token"]
        )
        second = peek(again["id_token"]).claims
        for name in ("iss", "sub", "aud", "auth_time"):
            assert second[name] == first.claims[name]
        assert again["access_token"] != made["access_token"]
        silent = {**asked, "prompt": "none", "id_token_hint": made["id_token"]}
        back = await browser.ask(client, **silent)
        assert "code" in httpx2.URL(back.headers["location"]).params


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"redirect_uris": ["https://suite.example/cb#fragment"]}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"sector_identifier_uri": "https://10.0.0.1/none"}, "invalid_client_metadata"),
        ({"response_types": ["id_token token"]}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"request_object_signing_alg": "none"}, "invalid_client_metadata"),
    ],
    ids=str,
)
async def test_what_is_not_registered_is_said_in_the_words_of_the_specification(
    provider: Server, members: dict[str, Any], error: str
) -> None:
    refused = await register(provider, **members)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


@pytest.mark.parametrize(("said", "error"), [(False, None), (True, "invalid_request")])
async def test_a_static_client_is_let_off_pkce_by_its_metadata(
    provider: Server, said: bool, error: str | None
) -> None:
    client = await provider.client(trusted=True, metadata={"require_pkce": said})
    browser = Browser(provider)
    await browser.sign_in(await provider.person())
    told = answered(await browser.ask(client, code_challenge=None, code_challenge_method=None))
    assert told.get("error") == error
    if error is None:
        made = await provider.redeem(client, told["code"], code_verifier="")
        assert made.status_code == 200, made.text


async def test_what_only_the_metadata_says_is_registered(provider: Server) -> None:
    goodbye = "https://suite.example/post_logout_redirect"
    said = {"post_logout_redirect_uris": [goodbye], "scope": "openid phone"}

    async def stored(work: Work, **named: Any) -> ClientMetadata:
        new = NewClient(name="suite", type="web", redirect_uris=(CALLBACK,), **named)
        return (await register_client(work, new=new)).client.metadata

    told = await provider.run(partial(stored, metadata=said))
    assert (told.post_logout_redirect_uris, told.scope) == ((goodbye,), ("openid", "phone"))
    apart = await provider.run(
        partial(
            stored,
            metadata={**said, "require_pkce": False},
            scope=("openid",),
            post_logout_redirect_uris=(CALLBACK,),
            require_pkce=True,
        )
    )
    assert (apart.post_logout_redirect_uris, apart.scope) == ((CALLBACK,), ("openid",))
    assert apart.require_pkce
    plain = await provider.run(partial(stored, metadata={"scope": "", "require_pkce": None}))
    assert (plain.scope, plain.require_pkce) == (TenantPolicy().default_scopes, True)
