"""Connections over HTTP: who may do what, and the egress proxy against a real provider."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.at_provider import connect, new_account
from tests.installation import Installation, Person
from tests.standings import EACH_ONCE, serving

pytestmark = EACH_ONCE
BASE = "/api/v1/oauth/connections"


async def connected(limen: Installation) -> tuple[Person, str, str]:
    """Somebody with a Google connection; their first-party token."""
    person = await limen.person()
    await person.sign_in()
    await connect(limen, person, account=await new_account(limen))
    own = (await limen.login(person))["access_token"]
    [connection] = (await person.api("GET", BASE, own)).json()["items"]
    return person, own, connection["id"]


class Vendor:
    """An API that echoes what it is told, and does other things that no API should."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.refuse = 0
        self.pause = False

    async def answer(self, request: Request) -> Response:
        self.seen.append(
            {
                "headers": dict(request.headers),
                "method": request.method,
                "path": request.url.path,
                "body": len(await request.body()),
            }
        )
        if self.refuse:
            self.refuse -= 1
            return JSONResponse({"error": "expired"}, 401)
        if self.pause:
            return JSONResponse({}, 429, headers={"Retry-After": "60"})
        if request.url.path == "/redirect":
            return Response(status_code=302, headers={"Location": "http://127.0.0.1:9/evil"})
        if request.url.path == "/stream":

            async def chunks() -> AsyncIterator[bytes]:
                for _ in range(50):
                    yield b"x" * 20_000

            return StreamingResponse(chunks(), media_type="text/html")
        headers = {"Set-Cookie": "theirs=1", "X-RateLimit-Remaining": "7"}
        return JSONResponse({"echo": request.headers["authorization"]}, headers=headers)


@contextlib.asynccontextmanager
async def vendor_of(limen: Installation, patch: pytest.MonkeyPatch) -> AsyncIterator[Vendor]:
    """Stand a strange API in Google's place."""
    vendor = Vendor()
    verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", vendor.answer, methods=verbs)])
    google = limen.application.runtime.vault.catalogue.get("google", {})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        there = f"http://127.0.0.1:{listener.getsockname()[1]}"
        patch.setattr(google, "api_url", lambda _host, path: f"{there}{path}")
        async with serving(app, on=listener):
            yield vendor


async def test_the_proxy_sends_the_token_and_keeps_it(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, own, id_ = await connected(limen)
    raw = (await person.api("GET", f"{BASE}/{id_}/token", own)).json()["access_token"]
    at = f"{BASE}/{id_}/proxy/www.googleapis.com"
    async with vendor_of(limen, monkeypatch) as vendor:
        told = await person.api("GET", f"{at}/calendar/v3/x?q=1", own)
        assert told.status == 200, told.text
        assert vendor.seen[-1]["headers"]["authorization"] == f"Bearer {raw}"
        assert "cookie" not in vendor.seen[-1]["headers"]
        assert raw not in told.text
        assert told.json()["echo"] == "Bearer " + "*" * len(raw)
        assert "theirs" not in told.headers.get("set-cookie", "")
        assert told.headers["x-ratelimit-remaining"] == "7"
        assert told.headers["limen-upstream"] == "www.googleapis.com"

        assert (await person.api("GET", f"{at}/redirect", own)).status == 302
        assert len(vendor.seen) == 2  # nobody followed it

        streamed = await person.api("GET", f"{at}/stream", own)
        assert len(streamed.text) == 1_000_000
        assert streamed.headers["content-security-policy"].startswith("sandbox")

        for strange in ("evil.example", "oauth2.googleapis.com"):
            refused = await person.api("GET", f"{BASE}/{id_}/proxy/{strange}/x", own)
            assert (refused.status, refused.json()["code"]) == (403, "proxy_host_refused")
        assert len(vendor.seen) == 3
        assert (await person.api("TRACE", f"{at}/x", own)).status == 405


async def test_no_link_on_another_site_uses_a_connection(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At some providers a GET writes: a cookie alone sends none, however safe the method is."""
    person, own, id_ = await connected(limen)
    url = f"{limen.issuer}{BASE}/{id_}/proxy/www.googleapis.com/calendar/v3/x"
    async with vendor_of(limen, monkeypatch) as vendor:
        for headers in ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, {}):
            refused = await person.browser.fetch("GET", url, headers=headers)
            assert (refused.status, refused.json()["code"]) == (403, "csrf_failed")
        assert vendor.seen == []
        assert (await person.api("GET", url.removeprefix(limen.issuer), own)).status == 200


async def test_f12_a_call_is_repeated_once_with_a_newer_token(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, own, id_ = await connected(limen)
    at = f"{BASE}/{id_}/proxy/www.googleapis.com"
    limen.clock.advance(minutes=2)
    async with vendor_of(limen, monkeypatch) as vendor:
        vendor.refuse = 1
        told = await person.api("POST", f"{at}/calendar/v3/x", own, {"some": "body"})
        assert told.status == 200, told.text
        first, second = vendor.seen
        assert first["headers"]["authorization"] != second["headers"]["authorization"]
        assert first["body"] == second["body"] > 0
        vendor.refuse = 5
        assert (await person.api("GET", f"{at}/calendar/v3/x", own)).status == 401
        assert vendor.refuse == 4  # so new a token is not refreshed again


async def test_f16_a_provider_that_wants_rest_is_left_alone(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, own, id_ = await connected(limen)
    at = f"{BASE}/{id_}/proxy/www.googleapis.com/calendar/v3/x"
    async with vendor_of(limen, monkeypatch) as vendor:
        vendor.pause = True
        assert (await person.api("GET", at, own)).status == 429
        vendor.pause = False
        refused = await person.api("GET", at, own)
        assert (refused.status, refused.json()["code"]) == (429, "provider_paused")
        assert int(refused.headers["retry-after"]) <= 60
        assert len(vendor.seen) == 1
        limen.clock.advance(minutes=2)
        assert (await person.api("GET", at, own)).status == 200


async def test_a_large_body_goes_on_while_it_comes(
    limen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, own, id_ = await connected(limen)
    url = f"{limen.issuer}{BASE}/{id_}/proxy/www.googleapis.com/upload/drive/v3/files"
    headers = {"Authorization": f"Bearer {own}", "Content-Type": "application/octet-stream"}

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    async with vendor_of(limen, monkeypatch) as vendor:
        async with limen.plain.post(url, data=parts(), headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        assert vendor.seen[-1]["body"] == 3_000_000
        vendor.refuse = 1  # what was not kept can't be sent again
        async with limen.plain.post(url, data=parts(), headers=headers) as answer:
            assert answer.status == 401


async def test_nobody_uses_or_changes_somebody_elses(limen: Installation) -> None:
    _, _, id_ = await connected(limen)
    mallory = await limen.person()
    own = (await limen.login(mallory))["access_token"]
    for method, path, body in (
        ("GET", f"{BASE}/{id_}", None),
        ("PATCH", f"{BASE}/{id_}", {"label": "mine"}),
        ("GET", f"{BASE}/{id_}/token", None),
        ("POST", f"{BASE}/{id_}/refresh", {}),
        ("POST", f"{BASE}/{id_}/report", {"generation": 1}),
        ("GET", f"{BASE}/{id_}/features", None),
        ("POST", f"{BASE}/{id_}/features/drive_read/activate", {}),
        ("DELETE", f"{BASE}/{id_}/features/calendar_read", None),
        ("GET", f"{BASE}/{id_}/proxy/www.googleapis.com/calendar/v3/x", None),
        ("GET", f"{BASE}/{id_}/disconnect-preview", None),
        ("DELETE", f"{BASE}/{id_}", None),
        (
            "POST",
            "/api/v1/oauth/consents",
            {"connection_id": id_, "client_id": "x", "features": []},
        ),
        ("DELETE", f"/api/v1/oauth/consents/{id_}/some-client", None),
    ):
        answer = await mallory.api(method, path, own, body)
        assert answer.status == 404, (method, path, answer.text)


PERMISSIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("GET", f"{BASE}", None, "connections:read"),
    ("GET", f"{BASE}/x", None, "connections:read"),
    ("PATCH", f"{BASE}/x", {}, "connections:write"),
    ("GET", f"{BASE}/x/token", None, "connections:token"),
    ("POST", f"{BASE}/x/refresh", {}, "connections:refresh"),
    ("POST", f"{BASE}/x/report", {"generation": 1}, "connections:token"),
    ("GET", f"{BASE}/x/features", None, "connections:read"),
    ("POST", f"{BASE}/x/features/y/activate", {}, "connections:connect"),
    ("DELETE", f"{BASE}/x/features/y", None, "connections:write"),
    ("GET", f"{BASE}/x/proxy/api.example.com/", None, "connections:proxy"),
    ("GET", f"{BASE}/x/disconnect-preview", None, "connections:read"),
    ("DELETE", f"{BASE}/x", None, "connections:disconnect"),
    ("GET", "/api/v1/oauth/consents", None, "connections:share"),
    ("GET", "/api/v1/oauth/export", None, "connections:export"),
    ("POST", "/api/v1/oauth/erase", {}, "connections:erase"),
    ("PUT", "/api/v1/oauth/providers/google/features/y", {}, "providers:write"),
    ("GET", "/api/v1/oauth/release-policies/y", None, "clients:read"),
    ("PUT", "/api/v1/oauth/release-policies/y", {"mode": "raw"}, "clients:write"),
)


async def test_every_operation_has_its_permission(limen: Installation) -> None:
    person = await limen.person()
    full = (await limen.login(person))["access_token"]
    key = await person.api("POST", "/api/v1/api-keys", full, {"name": "narrow", "scope": "self"})
    narrow = key.json().get("key") or key.json().get("api_key")
    assert narrow, key.text
    for method, path, body, permission in PERMISSIONS:
        answer = await person.api(method, path, narrow, body)
        assert answer.status == 403, (method, path, answer.text)
        wanted = answer.headers.get("www-authenticate", "")
        is_admins = permission.partition(":")[0] in {"providers", "clients"}
        assert is_admins or permission in wanted, (method, path, wanted)
        nobody = await limen.api.fetch(method, path, body=body)
        assert nobody.status == 401, (method, path, nobody.text)


async def test_the_tenants_own_are_for_who_may_speak_for_it(limen: Installation) -> None:
    person, own, connection = await connected(limen)
    assert (await person.api("GET", f"{BASE}?owner=tenant", own)).status == 403
    admin = await limen.person(role="admin")
    theirs = (await limen.login(admin))["access_token"]
    shown = await admin.api("GET", f"{BASE}?owner=tenant", theirs)
    assert shown.status == 200
    assert connection not in shown.text
    assert {each["belongs_to"] for each in shown.json()["items"]} <= {"tenant"}
