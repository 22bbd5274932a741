"""Clients that register themselves, from the first request to the last."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from limen.oauth.registration.initial_tokens import create_initial_token
from limen.testing.visitor import Page
from tests.installation import CALLBACK, Installation, Known
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE
from tests.unit.net.servers import answer, listening

pytestmark = EACH_ONCE


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def register(limen: Installation, **members: Any) -> Page:
    made = await limen.run(create_initial_token)
    document = (await limen.api.fetch("GET", "/.well-known/openid-configuration")).json()
    body = {"redirect_uris": [CALLBACK], **members}
    limen.origins.add("https://app.example")
    return await limen.api.fetch(
        "POST",
        document["registration_endpoint"],
        body=body,
        headers=bearer(made.raw_token.reveal()),
    )


async def test_the_answer_has_the_defaults_of_rfc_7591(limen: Installation) -> None:
    answer = await register(limen, unheard_of=True, client_name="App")
    assert answer.status == 201, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    secrets = {"client_id", "client_secret", "registration_access_token"}
    assert all(made.pop(name) for name in secrets)
    assert made.pop("client_id_issued_at") > 0
    uri = made.pop("registration_client_uri")
    assert uri.startswith(f"{limen.issuer}/oauth2/register/")
    assert made == {
        "client_name": "App",
        "client_secret_expires_at": 0,
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
        "scope": "openid profile email address phone offline_access",
        "subject_type": "public",
        "id_token_signed_response_alg": "RS256",
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
async def test_a_client_registers_works_and_leaves(limen: Installation, method: str) -> None:
    made = (
        await register(
            limen,
            token_endpoint_auth_method=method,
            grant_types=["authorization_code", "refresh_token"],
        )
    ).json()
    assert ("client_secret" in made) is (method != "none")
    assert ("client_secret_expires_at" in made) is (method != "none")
    flow = Flow(limen, Known(made["client_id"], made.get("client_secret", "")))
    tokens = await flow.tokens(await limen.person())
    refreshed = (await flow.refresh(tokens["refresh_token"])).json()
    assert (await flow.userinfo(refreshed["access_token"])).status == 200
    headers = bearer(made["registration_access_token"])
    uri = made["registration_client_uri"]
    shown = (await limen.api.fetch("GET", uri, headers=headers)).json()
    assert shown["registration_access_token"] == made["registration_access_token"]
    assert shown["redirect_uris"] == [CALLBACK]
    gone = await limen.api.fetch("DELETE", uri, headers=headers)
    assert (gone.status, gone.text) == (204, "")
    assert (await flow.userinfo(refreshed["access_token"])).status == 401
    last = refreshed.get("refresh_token", tokens["refresh_token"])
    assert (await flow.refresh(last)).status == 401


async def test_a_replacement_counts_at_once(limen: Installation) -> None:
    made = (await register(limen)).json()
    other = "https://app.example/other"
    body = {"client_id": made["client_id"], "redirect_uris": [other], "client_name": "New"}
    replaced = await limen.api.fetch(
        "PUT",
        made["registration_client_uri"],
        body=body,
        headers=bearer(made["registration_access_token"]),
    )
    assert replaced.status == 200, replaced.text
    assert replaced.json()["client_name"] == "New"
    assert "client_secret" not in replaced.json()
    flow = Flow(limen, Known(made["client_id"], made["client_secret"], other))
    assert (await flow.tokens(await limen.person(), scope="openid"))["id_token"]
    before = Flow(limen, Known(made["client_id"], made["client_secret"], CALLBACK))
    assert (await limen.browser().fetch("GET", before.url())).status == 400


async def test_a_change_of_method_brings_its_own_secret(limen: Installation) -> None:
    made = (await register(limen, token_endpoint_auth_method="none")).json()
    token = made["registration_access_token"]
    seen = set()
    for method in ("client_secret_post", "client_secret_jwt", "none"):
        body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK]}
        answer = await limen.api.fetch(
            "PUT",
            made["registration_client_uri"],
            body={**body, "token_endpoint_auth_method": method},
            headers=bearer(token),
        )
        assert answer.status == 200, answer.text
        token = answer.json()["registration_access_token"]
        seen.add(answer.json().get("client_secret"))
    assert len(seen) == 3
    assert None in seen


async def test_any_origin_may_register(limen: Installation) -> None:
    origin = {"Origin": "https://anywhere.example"}
    asked = {"Access-Control-Request-Method": "POST"}
    allowed = await limen.api.fetch("OPTIONS", "/oauth2/register", headers={**origin, **asked})
    assert allowed.headers["access-control-allow-origin"] == "*"
    refused = await limen.api.fetch("POST", "/oauth2/register", body={}, headers=origin)
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]
    assert (await limen.api.fetch("GET", "/oauth2/register")).status == 405


async def test_discovery_says_that_clients_may_register(limen: Installation) -> None:
    document = (await limen.api.fetch("GET", "/.well-known/openid-configuration")).json()
    assert document["registration_endpoint"] == f"{limen.issuer}/oauth2/register"
    assert document["client_id_metadata_document_supported"] is True


async def test_only_ways_that_discovery_names_are_registered(limen: Installation) -> None:
    document = (await limen.api.fetch("GET", "/.well-known/openid-configuration")).json()
    assert "tls_client_auth" not in document["token_endpoint_auth_methods_supported"]
    answer = await register(
        limen,
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_san_dns="app.example",
    )
    assert (answer.status, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_its_logo_and_links_are_on_the_pages_that_lead_to_it(limen: Installation) -> None:
    links = {f"{name}_uri": f"https://app.example/{name}" for name in ("client", "policy", "tos")}
    out = io.BytesIO()
    Image.new("RGB", (300, 100), "teal").save(out, "PNG")
    async with listening(answer(out.getvalue())) as theirs:
        made = await register(limen, logo_uri=f"{theirs.url}/logo.png", client_name="Shop", **links)
        assert made.status == 201, made.text
        await limen.settle()
        flow = Flow(limen, Known(made.json()["client_id"], made.json()["client_secret"]))
        person = await limen.person()
        page = await person.browser.open(flow.url())
        assert page.has("sign-in-submit")
        assert "<strong>Shop</strong> at app.example" in page.text
        [path] = re.findall(r'<img class="logo" id="sign-in-logo" src="([^"]+)" alt="">', page.text)
        assert all(
            f'href="{link}" rel="noreferrer noopener"' in page.text for link in links.values()
        )
        # The link to sign in names nobody in another browser: it was not sent for there.
        assert "Shop" not in (await limen.browser().open(page.url)).text
        page = await person.browser.sign_in(person.email, person.password, at=page)
        assert page.has("consent-allow")
        assert f'id="consent-logo" src="{path}"' in page.text
        assert all(
            f'href="{link}" rel="noreferrer noopener"' in page.text for link in links.values()
        )
        shown = await limen.api.fetch("GET", limen.root + path)
        assert (shown.status, shown.headers["content-type"]) == (200, "image/webp")
        assert len(theirs.requests) == 1
