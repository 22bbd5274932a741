from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from limen.testing.visitor import Page
from tests.installation import CALLBACK, Installation, Known, Person
from tests.oauth_client import Flow

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": "https://app.example"}


@pytest.fixture(params=[True, False], ids=["pages", "no-pages"])
async def headless(limen: Installation, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """The journey is the same whether the tenant has pages or not."""
    await limen.set_policy(pages=request.param)
    yield limen.at(await _current(limen))
    await limen.set_policy(pages=True)


async def _current(limen: Installation) -> Any:
    found = await limen.application.runtime.directory.by_id(limen.site.tenant_id)
    assert found is not None
    return found


async def ask(flow: Flow, headers: dict[str, str], **changes: str) -> Page:
    url = "/oauth2/authorize?" + urlencode(flow.asking(**changes))
    headers = {"Accept": "application/json", **headers}
    return await flow.limen.api.fetch("GET", url, headers=headers)


async def step(
    limen: Installation, path: str, headers: dict[str, str], body: object = None
) -> dict[str, Any]:
    answer = await limen.api.fetch(
        "POST", f"/api/v1/interactions/{path}", headers=headers, body=body
    )
    assert answer.status == 200, answer.text
    assert "set-cookie" not in answer.headers
    return dict(answer.json())


def told(done: dict[str, Any]) -> dict[str, str]:
    assert done["status"] == "complete"
    assert done["redirect_to"].partition("?")[0] == CALLBACK
    return dict(parse_qsl(urlsplit(done["redirect_to"]).query))


async def go(limen: Installation, client: Known, person: Person, front: dict[str, str]) -> Any:
    flow = Flow(limen, client)
    opened = await ask(flow, front)
    assert opened.status == 200, opened.text
    handle = opened.json()["id"]
    credentials = {"email": person.email, "password": person.password}
    state = await step(limen, f"{handle}/login", front, credentials)
    if state["status"] == "consent":
        state = await step(limen, f"{handle}/consent", front)
    redeemed = await flow.redeem(told(state)["code"])
    assert redeemed.status == 200, redeemed.text
    return redeemed.json()


async def test_scripts_of_a_registered_origin(headless: Installation) -> None:
    client, person = await headless.client("spa"), await headless.person()
    tokens = await go(headless, client, person, ORIGIN)
    assert await Flow(headless, await headless.api_client()).is_active(tokens["access_token"])


async def test_a_client_that_authenticates(headless: Installation) -> None:
    client, person = await headless.client(), await headless.person()
    assert "refresh_token" in await go(headless, client, person, client.basic)


async def test_our_own_application(headless: Installation) -> None:
    client, person = await headless.client("spa", first_party=True), await headless.person()
    assert "id_token" in await go(headless, client, person, {})


async def test_denying(headless: Installation) -> None:
    flow = Flow(headless, await headless.client())
    handle = (await ask(flow, ORIGIN)).json()["id"]
    assert told(await step(headless, f"{handle}/deny", ORIGIN))["error"] == "access_denied"


async def test_typed_errors(headless: Installation) -> None:
    flow = Flow(headless, await headless.client())
    wrong = await ask(flow, ORIGIN, scope="nonsense")
    assert (wrong.status, wrong.json()["error"]) == (400, "invalid_scope")
    nowhere = await ask(flow, ORIGIN, redirect_uri="https://evil.example/cb")
    assert (nowhere.status, nowhere.json()["error"]) == (400, "invalid_redirect_uri")
    foreign = await ask(flow, {"Origin": "https://evil.example"})
    assert foreign.status == 403
    handle = (await ask(flow, ORIGIN)).json()["id"]
    refused = await headless.api.fetch(
        "POST",
        f"/api/v1/interactions/{handle}/login",
        headers=ORIGIN,
        body={"email": "nobody@app.example", "password": "wrong"},
    )
    assert (refused.status, refused.json()["code"]) == (401, "invalid_credentials")


async def test_without_pages_there_are_none(limen: Installation) -> None:
    await limen.set_policy(pages=False)
    try:
        flow, browser = Flow(limen, await limen.client("spa", first_party=True)), limen.browser()
        answer = await browser.open(flow.url())
        assert (answer.status, answer.json()["status"]) == (200, "sign_in")
        for path in ("/sign-in", "/consent", "/oauth2/authorize/continue"):
            page = await browser.open(limen.issuer + path)
            assert page.status == 404
            assert "<html" not in page.text
    finally:
        await limen.set_policy(pages=True)
