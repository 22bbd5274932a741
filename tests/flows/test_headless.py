from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from limen.testing.visitor import Page
from tests.installation import CALLBACK, Installation
from tests.oauth_client import Flow

JSON = {"Accept": "application/json"}


async def _open(flow: Flow, **changes: str) -> Page:
    headers = {**JSON, **flow.client.basic}
    return await flow.limen.api.fetch("GET", flow.url(**changes), headers=headers)


async def _step(flow: Flow, handle: str, step: str, body: Any = None) -> Page:
    url = f"/api/v1/interactions/{handle}"
    method = "POST" if step else "GET"
    return await flow.limen.api.fetch(
        method, f"{url}/{step}".rstrip("/"), body=body, headers=flow.client.basic
    )


def _query(redirect: str) -> dict[str, str]:
    return Page(0, redirect, "", {}).query


async def test_a_front_end_leads_the_way_over_json(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    opened = (await _open(flow)).json()
    assert opened["status"] == "sign_in"
    handle = opened["id"]
    shown = (await _step(flow, handle, "")).json()
    assert shown["client"]["client_id"] == flow.client.id
    wrong = {"email": person.email, "password": "not the password at all"}
    assert (await _step(flow, handle, "login", wrong)).status == 401
    right = {"email": person.email, "password": person.password}
    signed = await _step(flow, handle, "login", right)
    assert (signed.status, signed.json()["status"]) == (200, "consent"), signed.text
    done = (await _step(flow, handle, "consent")).json()
    assert done["status"] == "complete"
    assert done["redirect_to"].startswith(CALLBACK)
    assert _query(done["redirect_to"])["iss"] == limen.issuer
    redeemed = await flow.redeem(_query(done["redirect_to"])["code"])
    assert redeemed.status == 200, redeemed.text
    again = await _step(flow, handle, "consent")
    assert again.status in {400, 404}


async def test_the_interaction_opens_with_json_too_and_can_be_denied(limen: Installation) -> None:
    flow = Flow(limen, await limen.client())
    opened = await limen.api.fetch(
        "POST", "/api/v1/interactions", body=flow.asking(), headers=flow.client.basic
    )
    done = (await _step(flow, opened.json()["id"], "deny")).json()
    assert _query(done["redirect_to"])["error"] == "access_denied"


async def test_it_is_for_who_opened_it(limen: Installation) -> None:
    flow, other = Flow(limen, await limen.client()), Flow(limen, await limen.client())
    handle = (await _open(flow)).json()["id"]
    assert (await _step(other, handle, "")).status in {401, 403, 404}
    bare = await limen.api.fetch("GET", f"/api/v1/interactions/{handle}")
    assert bare.status in {401, 403, 404}
    unknown = await limen.api.fetch("GET", flow.url(), headers=JSON)
    assert (unknown.status, "error" in unknown.json()) == (403, True)


async def test_bad_requests_are_told_in_json(limen: Installation) -> None:
    flow = Flow(limen, await limen.client())
    answer = await _open(flow, redirect_uri="https://evil.example/cb")
    assert answer.status == 400
    assert answer.json()["error"] in {"invalid_redirect_uri", "invalid_request"}
    assert "redirect_to" not in answer.json()
    answer = await _open(flow, code_challenge="")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["redirect_to"].startswith(CALLBACK)


@pytest.fixture
async def without_pages(limen: Installation) -> AsyncIterator[None]:
    await limen.set_policy(pages=False)
    yield
    await limen.set_policy(pages=None)


@pytest.mark.usefixtures("without_pages")
async def test_a_tenant_without_pages_answers_in_json_alone(limen: Installation) -> None:
    flow = Flow(limen, await limen.client(first_party=True))
    for path in ("/sign-in", "/sign-up", "/account", "/forgot-password"):
        page = await limen.api.fetch("GET", path, headers={"Accept": "text/html"})
        assert page.status in {401, 404}, path
        assert page.headers["content-type"] == "application/problem+json", path
    opened = await limen.api.fetch("GET", flow.url(), headers={"Accept": "text/html"})
    assert (opened.status, opened.json()["status"]) == (200, "sign_in")
    person = await limen.person()
    body = {"email": person.email, "password": person.password}
    done = await limen.api.fetch(
        "POST", f"/api/v1/interactions/{opened.json()['id']}/login", body=body
    )
    assert "code" in _query(done.json()["redirect_to"]), done.text
