"""Credentials of people's own over HTTP: given, used by the proxy, replaced, and never told."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from limen.client import ME, Limen, NotShared, Outgoing
from limen.federation.catalogue.key_provider import KeyProvider
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from tests.at_provider import order
from tests.giving import ADAS_KEY, ADAS_PAIR, KEY
from tests.installation import Installation, Person
from tests.standings import EACH_ONCE, serving

pytestmark = EACH_ONCE
BASE = "/api/v1/oauth"
PASSWORD = ADAS_PAIR["password"]
PAIR = {"kind": "basic", **ADAS_PAIR}


async def somebody(limen: Installation, **changes: Any) -> tuple[Person, str]:
    """A person, and a first-party token of theirs."""
    person = await limen.person(**changes)
    return person, (await limen.login(person))["access_token"]


async def describe(limen: Installation, **changes: Any) -> None:
    """An administrator describes the keyring, and takes credentials there."""
    admin, token = await somebody(limen, role="admin")
    async with limen.plain.get(f"{limen.providers_url}/keyring/_entry") as answer:
        entry = {**await answer.json(), **changes}
    put = await admin.api("PUT", "/api/v1/admin/providers/keyring/entry", token, {"entry": entry})
    assert put.status == 200, put.text
    assert put.json()["connects"]
    body = {"credentials_only": True}
    put = await admin.api("PUT", "/api/v1/admin/providers/keyring/client", token, body)
    assert put.status == 200, put.text
    assert put.json()["client"]["client_id"] == ""


@contextlib.asynccontextmanager
async def echo(patch: pytest.MonkeyPatch) -> AsyncIterator[list[Request]]:
    """Stand an API in the keyring's place that says whatever it was told."""
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        if request.url.path == "/refuse":
            return JSONResponse({}, 401)
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        plain = base64.b64decode(pair).decode() if scheme == "Basic" else ""
        told = {"url": str(request.url), "headers": dict(request.headers), "plain": plain}
        return JSONResponse(told, headers={"Link": f"<{request.url}>"})

    app = Starlette(routes=[Route("/{path:path}", answer)])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        there = f"http://127.0.0.1:{listener.getsockname()[1]}"
        patch.setattr(KeyProvider, "api_url", lambda _self, _host, path: f"{there}{path}")
        async with serving(app, on=listener):
            yield seen


async def test_a_key_is_given_used_replaced_and_ended(limen: Installation) -> None:
    person, own = await somebody(limen)
    limen.secrets.append(ADAS_KEY)
    given = await person.api("POST", f"{BASE}/notion/credentials", own, KEY)
    assert given.status == 201, given.text
    told = given.json()
    assert (told["kind"], told["state"], told["account"]) == (
        "api_key",
        "active",
        "Analytical Engine",
    )
    assert ADAS_KEY not in given.text
    id_ = told["id"]
    called = await person.api(
        "GET", f"{BASE}/connections/{id_}/proxy/api.notion.com/v1/users/me", own
    )
    assert called.status == 200, called.text
    assert called.json()["bot"]["workspace_name"] == "Analytical Engine"
    raw = await person.api("GET", f"{BASE}/connections/{id_}/token", own)
    assert (raw.status, raw.json()["code"]) == (403, "credential_by_proxy_only")

    asked = await person.api("POST", f"{BASE}/connections/{id_}/verify", own)
    assert (asked.status, asked.json()["state"]) == (200, "active")
    old = {**KEY, "generation": 7}
    lost = await person.api("POST", f"{BASE}/connections/{id_}/rotate", own, old)
    assert (lost.status, lost.json()["code"]) == (409, "credential_changed")
    newer = await person.api("POST", f"{BASE}/connections/{id_}/rotate", own, KEY)
    assert (newer.status, newer.json()["generation"]) == (200, 2)

    for path in ("connections", "export", f"connections/{id_}", f"connections/{id_}/features"):
        listed = await person.api("GET", f"{BASE}/{path}", own)
        assert listed.status == 200
        assert ADAS_KEY not in listed.text
    ended = await person.api("DELETE", f"{BASE}/connections/{id_}", own)
    assert (ended.status, ended.json()["revoked"]) == (200, False)
    assert ended.json()["manage_url"] == "https://www.notion.so/my-integrations"
    assert (await person.api("POST", f"{BASE}/connections/{id_}/verify", own)).status == 404


async def test_what_is_refused_is_told_in_types_and_nothing_more(
    limen: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    person, own = await somebody(limen)
    canary = "secret-canary-of-this-test"
    limen.secrets.append(canary)
    path = f"{BASE}/notion/credentials"
    for body, code in (
        ({"kind": "api_key", "key": canary}, "credential_refused"),
        ({"kind": "api_key"}, "credential_invalid"),
        ({"kind": "api_key", "key": ""}, "credential_invalid"),
        ({"kind": "api_key", "key": f"{canary}\n"}, "credential_invalid"),
        ({"kind": "api_key", "key": canary, "password": canary}, "credential_invalid"),
        ({"kind": "api_key", "key": canary, "features": ["content"]}, "feature_unknown"),
        ({"kind": "basic", "username": "ada", "password": canary}, "credential_kind_unknown"),
        ({"kind": "nonsense", "key": canary}, "invalid_input"),
        ({"kind": "api_key", "key": canary * 400}, "invalid_input"),
        ({"kind": "api_key", "key": [canary]}, "invalid_input"),
        ({"kind": "api_key", "key": canary, "more": canary}, "invalid_input"),
        ({"key": canary}, "invalid_input"),
    ):
        answer = await person.api("POST", path, own, body)
        assert answer.status == 422, (body, answer.text)
        assert answer.json()["code"] == code, (body, answer.text)
        assert canary not in answer.text
    huge = await person.api("POST", path, own, {"kind": "api_key", "key": "k" * 1_000_000})
    assert huge.status == 413
    assert (await person.api("GET", f"{BASE}/connections", own)).json()["items"] == []
    headers = {"Authorization": f"Bearer {own}", "Content-Type": "application/json"}
    twice = b'{"kind": "api_key", "key": "%s", "key": "%s"}' % (ADAS_KEY.encode(), canary.encode())
    async with limen.plain.post(f"{limen.issuer}{path}", data=twice, headers=headers) as said:
        assert said.status in {400, 422}
        assert canary not in await said.text()
    assert canary not in caplog.text


async def test_a_pair_goes_to_its_provider_alone(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await describe(limen)
    person, own = await somebody(limen)
    limen.secrets.append(PASSWORD)
    given = await person.api("POST", f"{BASE}/keyring/credentials", own, PAIR)
    assert given.status == 201, given.text
    at = f"{BASE}/connections/{given.json()['id']}/proxy"
    pair = base64.b64encode(":".join(ADAS_PAIR.values()).encode()).decode()
    async with echo(monkeypatch) as seen:
        told = await person.api("GET", f"{at}/api.keyring.example/notes", own)
        assert told.status == 200, told.text
        assert seen[-1].headers["authorization"] == f"Basic {pair}"
        assert "x-keyring-key" not in seen[-1].headers
        assert pair not in told.text
        assert PASSWORD not in told.text
        assert told.json()["plain"] == "ada:" + "*" * len(PASSWORD)
        for strange in ("evil.example", "keyring.example"):
            refused = await person.api("GET", f"{at}/{strange}/notes", own)
            assert (refused.status, refused.json()["code"]) == (403, "proxy_host_refused")
        assert len(seen) == 1


async def test_a_key_in_the_query_is_ours_to_send(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = {"url": f"{limen.providers_url}/keyring/_entry"}  # answers anybody
    rule = {"title": "Key", "verify": proof, "query": "api_key"}
    await describe(limen, credentials={"api_key": rule})
    person, own = await somebody(limen)
    raw = "a+key/with=signs&more"
    given = await person.api(
        "POST", f"{BASE}/keyring/credentials", own, {"kind": "api_key", "key": raw}
    )
    assert given.status == 201, given.text
    at = f"{BASE}/connections/{given.json()['id']}/proxy/api.keyring.example"
    async with echo(monkeypatch) as seen:
        told = await person.api("GET", f"{at}/notes?q=1", own)
        assert told.status == 200, told.text
        assert seen[-1].query_params.multi_items() == [("q", "1"), ("api_key", raw)]
        assert "authorization" not in seen[-1].headers
        assert "link" not in told.headers
        for form in (raw, "key%2Fwith", "key/with"):
            assert form not in told.text
        for query in ("api_key=mine", "API_KEY=mine", "q=1&api%5Fkey=", "api_key"):
            refused = await person.api("GET", f"{at}/notes?{query}", own)
            assert (refused.status, refused.json()["code"]) == (422, "proxy_query_refused")
        assert len(seen) == 1


async def test_nobody_elses_and_no_application(limen: Installation) -> None:
    person, own = await somebody(limen)
    given = await person.api("POST", f"{BASE}/notion/credentials", own, KEY)
    id_ = given.json()["id"]
    mallory, theirs = await somebody(limen)
    for path, body in ((f"{id_}/rotate", KEY), (f"{id_}/verify", None)):
        answer = await mallory.api("POST", f"{BASE}/connections/{path}", theirs, body)
        assert (answer.status, answer.json()["code"]) == (404, "connection_not_found")
        nobody = await limen.api.fetch("POST", f"{BASE}/connections/{path}", body=body or {})
        assert nobody.status == 401
    tenants = await person.api(
        "POST", f"{BASE}/notion/credentials", own, {**KEY, "owner": "tenant"}
    )
    assert tenants.status == 403
    admin, token = await somebody(limen, role="admin")
    kept = await admin.api("POST", f"{BASE}/notion/credentials", token, {**KEY, "owner": "tenant"})
    assert (kept.status, kept.json()["belongs_to"]) == (201, "tenant")
    key = await person.api("POST", "/api/v1/api-keys", own, {"name": "narrow", "scope": "self"})
    narrow = key.json().get("key") or key.json().get("api_key")
    for path in ("notion/credentials", f"connections/{id_}/rotate"):
        refused = await person.api("POST", f"{BASE}/{path}", narrow, KEY)
        assert refused.status == 403
        assert "connections:connect" in refused.headers["www-authenticate"]


async def test_in_the_browser_no_other_site_gives_one(limen: Installation) -> None:
    person, _ = await somebody(limen)
    await person.sign_in()
    url = f"{limen.issuer}{BASE}/notion/credentials"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        refused = await person.browser.fetch("POST", url, body=KEY, headers=headers)
        assert (refused.status, refused.json()["code"]) == (403, "csrf_failed")


async def test_a_key_that_is_gone_asks_for_its_owner(limen: Installation) -> None:
    person, own = await somebody(limen)
    me = f"key-of-{person.id}"
    sub = "3c6a28ac-0000-4000-8000-000000000001"
    await order(limen, "notion", keys={me: {"sub": sub}})
    body = {"kind": "api_key", "key": me}
    given = await person.api("POST", f"{BASE}/notion/credentials", own, body)
    id_ = given.json()["id"]
    await order(limen, "notion", revoke_keys=[me])
    limen.clock.advance(minutes=2)
    at = f"{BASE}/connections/{id_}/proxy/api.notion.com/v1/users/me"
    first = await person.api("GET", at, own)
    assert first.status == 401  # the provider's own answer
    second = await person.api("GET", at, own)
    assert (second.status, second.json()["code"]) == (409, "connection_reauth_required")
    shown = (await person.api("GET", f"{BASE}/connections/{id_}", own)).json()
    assert (shown["state"], shown["reason"]) == ("reauth_required", "refused_by_provider")
    assert json.dumps(shown).count(me) == 0


async def test_limen_client_tells_a_token_from_a_key(limen: Installation) -> None:
    base = f"{limen.providers_url}/keyring"
    lets_out = {"title": "Pair", "verify": {"url": f"{base}/me"}, "release": "raw"}
    own_client = {"title": "Client", "token": {"url": f"{base}/token", "client_auth": "basic"}}
    await describe(limen, credentials={"basic": lets_out, "client_credentials": own_client})
    person, own = await somebody(limen)
    kept = {}
    told = {"kind": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    for body in (PAIR, told):
        given = await person.api("POST", f"{BASE}/keyring/credentials", own, body)
        assert given.status == 201, given.text
        kept[body["kind"]] = given.json()["id"]
    key = (await person.api("POST", f"{BASE}/notion/credentials", own, KEY)).json()["id"]
    raw = await person.api("GET", f"{BASE}/connections/{kept['basic']}/token", own)
    assert (raw.status, raw.json()["token_type"]) == (200, "Basic")
    async with Limen(limen.issuer, own, clock=limen.clock) as client:
        token = await client.connections.token(
            ME, "keyring", connection=kept["client_credentials"], feature="notes"
        )
        assert (token.generation, token.scopes) == (1, ("notes",))
        for connection in (kept["basic"], key):
            with pytest.raises(NotShared, match="credential_by_proxy_only"):
                await client.connections.token(ME, "any", connection=connection)
        outgoing = Outgoing(method="GET", url="https://api.notion.com/v1/users/me")
        called = await client.connections.proxy(ME, "notion", outgoing, connection=key)
        assert called.status == 200
