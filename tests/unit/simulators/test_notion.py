"""The simulated Notion keeps Notion's habits."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.simulators.state import State, Store
from tests.simulated import NOTION_ADA, Simulated, query_of

pytestmark = pytest.mark.anyio
CALLBACK = "http://localhost:9999/cb"
BASIC = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
VERSION = {"notion-version": "2022-06-28"}


async def callback_of(simulated: Simulated, **changes: str) -> str:
    params = {
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "owner": "user",
        "state": "st",
        **changes,
    }
    url = f"{simulated.base_url}/notion/v1/oauth/authorize?{urlencode(params)}"
    return await simulated.approve(url, account=NOTION_ADA)


async def ask(simulated: Simulated, what: str, body: Any, **headers: str) -> httpx2.Response:
    return await simulated.http.post(
        f"{simulated.base_url}/notion/v1/oauth/{what}",
        json=body,
        headers={"authorization": BASIC, **headers},
    )


async def connected(simulated: Simulated) -> dict[str, Any]:
    code = query_of(await callback_of(simulated))["code"]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = await ask(simulated, "token", body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def refreshed(simulated: Simulated, raw: str) -> httpx2.Response:
    body = {"grant_type": "refresh_token", "refresh_token": raw}
    return await ask(simulated, "token", body)


async def test_it_says_neither_when_tokens_expire_nor_what_they_may(simulated: Simulated) -> None:
    told = await connected(simulated)
    assert "expires_in" not in told
    assert "scope" not in told
    assert told["bot_id"]
    assert told["owner"]["user"]["person"]["email"] == "ada@example.test"


async def test_refresh_tokens_rotate_and_work_once(simulated: Simulated) -> None:
    first = await connected(simulated)
    second = (await refreshed(simulated, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    again = await refreshed(simulated, first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await refreshed(simulated, second["refresh_token"])).status_code == 200


async def test_a_form_is_not_taken(simulated: Simulated) -> None:
    answer = await simulated.http.post(
        f"{simulated.base_url}/notion/v1/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": "x"},
        headers={"authorization": BASIC},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_body_authenticates_nobody(simulated: Simulated) -> None:
    body = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    answer = await simulated.http.post(f"{simulated.base_url}/notion/v1/oauth/token", json=body)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_revoking_needs_a_version(simulated: Simulated) -> None:
    told = await connected(simulated)
    body = {"token": told["access_token"]}
    assert (await ask(simulated, "revoke", body)).json()["error"] == "invalid_request"
    assert (await ask(simulated, "revoke", body, **VERSION)).status_code == 200
    assert (await refreshed(simulated, told["refresh_token"])).status_code == 400


async def test_reconnecting_ends_the_older_tokens(simulated: Simulated) -> None:
    older = await connected(simulated)
    await connected(simulated)
    assert (await refreshed(simulated, older["refresh_token"])).status_code == 400


async def test_a_token_opens_the_api(simulated: Simulated) -> None:
    told = await connected(simulated)
    headers = {"authorization": f"Bearer {told['access_token']}", **VERSION}
    answer = await simulated.http.get(f"{simulated.base_url}/notion/v1/users/me", headers=headers)
    assert answer.json()["id"] == told["bot_id"]
    active = await ask(simulated, "introspect", {"token": told["access_token"]})
    assert active.json()["active"] is True


async def test_owner_user_is_required(simulated: Simulated) -> None:
    with pytest.raises(RuntimeError, match="refused: 400"):
        await callback_of(simulated, owner="workspace")


async def test_a_cut_connection_comes_after_the_work(simulated: Simulated) -> None:
    raw = (await connected(simulated))["refresh_token"]
    await simulated.order("notion", faults={"refresh": [{"kind": "drop"}]})
    with pytest.raises(httpx2.HTTPError):
        await refreshed(simulated, raw)
    assert (await refreshed(simulated, raw)).json()["error"] == "invalid_grant"


async def test_a_cut_before_the_work_leaves_it_undone(simulated: Simulated) -> None:
    raw = (await connected(simulated))["refresh_token"]
    await simulated.order("notion", faults={"refresh": [{"kind": "drop_before"}]})
    with pytest.raises(httpx2.HTTPError):
        await refreshed(simulated, raw)
    assert (await refreshed(simulated, raw)).status_code == 200


def test_a_file_is_shared_between_processes(tmp_path: Any) -> None:
    path = tmp_path / "notion.sqlite"
    one, other = Store(State(), path=path), Store(State(), path=path)
    with one.change() as state:
        state.calls["refresh"] = 3
    with other.change() as state:
        assert state.calls == {"refresh": 3}
    other.reset()
    with one.change() as state:
        assert state.calls == {}
