from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from limen.accounts.ending.disable_user import disable_user
from limen.embed import Limen
from limen.kernel.errors import ConfigurationError
from limen.testing.visitor import Page
from limen.web.csrf import HEADER
from tests.hosts import host_with_routes
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.patience import SECONDS
from tests.standings import Plan, copied, settings_of, standing

Answer = tuple[int, dict[str, str], Any]


@pytest.fixture(scope="module")
async def limen(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    folder = tmp_path_factory.mktemp("limen")
    plan = Plan(
        folder=folder,
        database_url=copied(prepared, folder),
        standing="mounted",
        host=host_with_routes(),
    )
    async with standing(plan) as running:
        yield running


async def ask(
    limen: Installation, path: str, token: str = "", *, method: str = "GET", **headers: str
) -> Answer:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with limen.plain.request(method, limen.root + path, headers=headers) as answer:
        found = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, found, await answer.json()


async def test_the_hosts_own_routes_stay_its_own(limen: Installation) -> None:
    assert (await ask(limen, "/own"))[2] == {"from": "host"}
    status, headers, _ = await ask(limen, "/nothing-here")
    assert (status, "content-security-policy" in headers) == (404, False)


async def test_current_user_by_a_first_party_token(limen: Installation) -> None:
    person = await limen.person()
    status, headers, _ = await ask(limen, "/who")
    assert (status, headers["www-authenticate"]) == (401, f'Bearer realm="{limen.issuer}"')
    token = (await limen.login(person))["access_token"]
    status, _, told = await ask(limen, "/who", token)
    assert (status, told["id"]) == (200, person.id)
    assert (await ask(limen, "/do", token, method="POST"))[0] == 200
    for bad in (token + "x", token[:-2], token.swapcase(), "x.y.z"):
        status, headers, _ = await ask(limen, "/who", bad)
        assert (status, 'error="invalid_token"' in headers["www-authenticate"]) == (401, True)


async def test_current_user_by_the_browsers_session(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    page = await person.browser.fetch("GET", limen.root + "/who")
    assert (page.status, page.json()["id"]) == (200, person.id)
    page = await person.browser.open("/sign-out")
    await person.browser.press(page, "logout-yes")
    assert (await person.browser.fetch("GET", limen.root + "/who")).status == 401


async def test_n180_a_session_does_nothing_on_the_host_without_its_token(
    limen: Installation,
) -> None:
    person = await limen.person()
    page = await person.sign_in()
    page = await person.browser.open("/account/password")
    csrf = dict(page.form_with("password-submit").fields)["csrf"]
    for headers in (
        {},
        {HEADER: "forged"},
        {HEADER: csrf, "Sec-Fetch-Site": "cross-site"},
        {HEADER: csrf, "Sec-Fetch-Site": "same-site"},
    ):
        refused = await person.browser.fetch("POST", limen.root + "/do", headers=headers)
        assert refused.status in {401, 403}, headers
    good = {HEADER: csrf, "Sec-Fetch-Site": "same-origin"}
    done = await person.browser.fetch("POST", limen.root + "/do", headers=good)
    assert (done.status, done.json()["id"]) == (200, person.id)


@pytest.mark.parametrize("path", ["/form", "/read"])
async def test_a_hosts_form_is_read_by_the_host_and_by_us(limen: Installation, path: str) -> None:
    person = await limen.person()
    await person.sign_in()
    page = await person.browser.open("/account/password")
    csrf = dict(page.form_with("password-submit").fields)["csrf"]
    sender = {"Sec-Fetch-Site": "same-origin"}

    async def send(**fields: str) -> Page:
        sent = person.browser.fetch("POST", limen.root + path, form=fields, headers=sender)
        # A body that nobody sends twice would be waited for until the browser hangs up.
        return await asyncio.wait_for(sent, SECONDS)

    done = await send(note="hello", csrf=csrf)
    assert (done.status, done.json()["note"], done.json()["id"]) == (200, "hello", person.id)
    for forged in ({}, {"csrf": "forged"}, {"csrf": ""}):
        assert (await send(note="hello", **forged)).status == 403


async def test_a_form_that_the_host_streamed_proves_nothing(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    page = await person.browser.open("/account/password")
    csrf = dict(page.form_with("password-submit").fields)["csrf"]
    for headers, status in (({}, 403), ({HEADER: csrf}, 200)):
        sent = person.browser.fetch(
            "POST", limen.root + "/stream", form={"csrf": csrf}, headers=headers
        )
        assert (await asyncio.wait_for(sent, SECONDS)).status == status, headers


async def test_a_disabled_persons_token_is_dead_at_once(limen: Installation) -> None:
    person = await limen.person()
    token = (await limen.login(person))["access_token"]
    await limen.run(lambda work: disable_user(work, user_id=person.id))
    assert (await ask(limen, "/who", token))[0] == 401


async def test_require_scope_by_a_clients_token(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    status, headers, _ = await ask(limen, "/things")
    assert (status, headers["www-authenticate"].startswith("Bearer")) == (401, True)
    narrow = (await flow.tokens(person, scope="openid email"))["access_token"]
    status, headers, _ = await ask(limen, "/things", narrow)
    assert status == 403
    assert 'error="insufficient_scope"' in headers["www-authenticate"]


async def test_n087_n093_a_token_for_another_or_in_the_query_is_none(limen: Installation) -> None:
    resource = await limen.resource()
    machine = await limen.client("machine")
    form = {"grant_type": "client_credentials", "scope": "read", "resource": resource}
    made = (await limen.post("/oauth2/token", machine, **form)).json()
    assert made["scope"] == "read"
    status, _, _ = await ask(limen, "/things", made["access_token"])
    assert status == 401
    status, _, _ = await ask(limen, f"/things?access_token={made['access_token']}")
    assert status == 401


async def test_an_id_token_is_no_access_token(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    made = await flow.tokens(person)
    for raw in (made["id_token"], made["refresh_token"]):
        assert (await ask(limen, "/who", raw))[0] == 401
        assert (await ask(limen, "/things", raw))[0] == 401


def test_it_is_mounted_where_its_base_url_says(tmp_path: Path) -> None:
    plan = Plan(folder=tmp_path, database_url="sqlite:///unused.db")
    settings = settings_of(plan, base_url="http://localhost:8000/auth")
    with pytest.raises(ConfigurationError):
        Limen(settings).mount(FastAPI(), "/elsewhere")
