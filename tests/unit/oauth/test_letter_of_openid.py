"""Rules of OpenID Connect that no single feature owns, as its certification asks about them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from limen.protocol.jwt import peek
from tests.request_objects import object_claims, signed_object
from tests.unit.oauth.hint_kit import id_token_for
from tests.unit.oauth.http_kit import Known, Server
from tests.unit.oauth.journey_kit import STATE, Browser, answered, request_of
from tests.unit.oauth.request_kit import KEY, signing_client

pytestmark = pytest.mark.anyio

NICETIES: list[dict[str, str | None]] = [
    {"nonce": None},
    {"nonce": "n" * 64},
    {"state": None},
    {"state": "s" * 1000},
    {"scope": "email openid"},
    {"scope": "openid unheard_of email"},
    {"display": "page"},
    {"display": "popup"},
    {"display": "hologram"},
    {"ui_locales": "se"},
    {"ui_locales": "no-such-language-at-all x"},
    {"claims_locales": "se"},
    {"login_hint": "somebody@else.example"},
    {"acr_values": "urn:mace:incommon:iap:silver 1"},
    {"claims": '{"userinfo": {"name#de": null, "x": {"essential": true}}, "elsewhere": 7}'},
    {"max_age": "10000"},
    {"response_mode": "query"},
    {"extra": "foobar"},
]


async def test_oidc_core_15_1_what_a_server_may_leave_alone_fails_no_request(
    journey: Server,
) -> None:
    client, browser = await journey.client(trusted=True), Browser(journey)
    await browser.sign_in(await journey.person())
    for changes in NICETIES:
        told = answered(await browser.ask(client, **changes))
        assert told.pop("code"), changes
        wanted = request_of(client, **changes).get("state")
        assert told == ({} if wanted is None else {"state": wanted}), changes


async def test_oidc_core_2_an_id_token_says_the_nonce_that_was_sent_and_no_other(
    journey: Server,
) -> None:
    client, browser = await journey.client(trusted=True), Browser(journey)
    await browser.sign_in(await journey.person())
    for nonce in (None, "ü&=+ n-0S6_WzA2Mj", "n" * 64):
        code = answered(await browser.ask(client, nonce=nonce))["code"]
        made = (await journey.redeem(client, code)).json()
        claims = peek(made["id_token"]).claims
        assert claims.get("nonce") == nonce
        assert "acr" not in claims
        told = await journey.http.get(
            "/oauth2/userinfo", headers={"authorization": f"Bearer {made['access_token']}"}
        )
        assert told.json()["sub"] == claims["sub"]
        assert claims["sub"].isascii()
        assert len(claims["sub"]) <= 255


async def test_oidc_core_3_1_2_1_a_hint_names_who_alone_will_do_without_a_page(
    journey: Server,
) -> None:
    client, browser = await journey.client(trusted=True), Browser(journey)
    ada, eve = await journey.person(), await journey.person("eve@app.example")
    hint = await id_token_for(journey, client, ada)
    silent = {"prompt": "none", "id_token_hint": hint}
    assert answered(await browser.ask(client, **silent))["error"] == "login_required"
    await browser.sign_in(ada)
    assert "code" in answered(await browser.ask(client, **silent))
    assert "code" in answered(await browser.ask(client, prompt="none"))
    await browser.sign_in(eve)
    assert answered(await browser.ask(client, **silent)) == {
        "error": "login_required",
        "error_description": "Somebody else is signed in.",
        "state": STATE,
    }


async def test_oidc_core_6_1_the_redirect_uri_of_the_object_is_the_one_that_counts(
    journey: Server,
) -> None:
    client, browser = await signing_client(journey, trusted=True), Browser(journey)
    await browser.sign_in(await journey.person())
    said = object_claims(
        client.id,
        issuer=journey.site.issuer,
        now=journey.works.clock.now(),
        said=request_of(client),
    )
    raw = signed_object(said, KEY)
    elsewhere = "https://app.example/unregistered"
    assert "code" in answered(await browser.ask(client, request=raw, redirect_uri=elsewhere))


async def test_oidc_discovery_3_what_is_required_is_there(server: Server) -> None:
    said = (await server.http.get("/.well-known/openid-configuration")).json()
    assert said.keys() >= {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "scopes_supported",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "claims_supported",
    }
    assert "openid" in said["scopes_supported"]
    for what in ("id_token", "userinfo", "request_object"):
        assert "RS256" in said[f"{what}_signing_alg_values_supported"]
    assert "RS256" in said["token_endpoint_auth_signing_alg_values_supported"]
    assert "authorization_code" in said["grant_types_supported"]


async def consent_of(server: Server, browser: Browser, client: Known) -> str:
    page = await browser.get((await browser.ask(client)).headers["location"])
    return page.text


async def test_oidc_registration_2_consent_links_to_what_the_client_registered(
    journey: Server,
) -> None:
    links: dict[str, Any] = {
        "client_uri": "https://app.example/about",
        "policy_uri": "https://app.example/privacy",
        "tos_uri": "https://app.example/terms",
    }
    logo = "https://app.example/logo.png"
    client = await journey.client(metadata={**links, "logo_uri": logo})
    plain, browser = await journey.client(), Browser(journey)
    await browser.sign_in(await journey.person())
    shown = await consent_of(journey, browser, client)
    followed = re.findall(r'<a href="(https://[^"]+)" rel="noreferrer noopener">', shown)
    assert sorted(followed) == sorted(links.values())
    # Loading it would tell the client who is looking.
    assert logo not in shown
    assert "noreferrer noopener" not in await consent_of(journey, browser, plain)


async def test_oidc_core_16_19_a_secret_that_is_shared_has_256_bits(server: Server) -> None:
    for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt"):
        made = [await server.client(auth_method=method) for _ in range(2)]
        random = [client.secret.split("_", 2)[2] for client in made]
        assert random[0] != random[1]
        # 43 characters of base64url are 256 bits.
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43,}", one) for one in random), method
