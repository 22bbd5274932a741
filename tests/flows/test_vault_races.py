"""Twenty at once, and somebody of another tenant, at each door of the vault, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from limen.protocol.pkce import new_verifier, s256
from limen.simulators.serve import CLIENT_ID
from limen.testing.visitor import Page
from tests.at_provider import agree, new_account, order, seen_by
from tests.installation import Installation, Person
from tests.sharing import connected
from tests.simulated import query_of
from tests.standings import EACH_ONCE, add_tenant, serving

pytestmark = EACH_ONCE
SESSIONS = "/api/v1/oauth/connect-sessions"
CONNECTIONS = "/api/v1/oauth/connections"
APP = "https://agent.example"
CALLERS = 20
_numbers = itertools.count()


async def race(attempt: Callable[[], Awaitable[Page]]) -> tuple[Counter[int], list[Page]]:
    """Twenty at once; how often each status came, and the pages."""
    pages = await asyncio.gather(*(attempt() for _ in range(CALLERS)))
    return Counter(page.status for page in pages), list(pages)


@pytest.fixture
async def stranger(limen: Installation) -> tuple[Installation, Person, str]:
    """Somebody of another tenant of the same server, and their first-party token."""
    other = limen.at(await add_tenant(limen.application, slug=f"raced{next(_numbers)}"))
    person = await other.person()
    return other, person, (await other.login(person))["access_token"]


async def test_a_connect_session_is_left_confirmed_and_redeemed_once(
    limen: Installation, stranger: tuple[Installation, Person, str]
) -> None:
    await limen.set_policy(allowed_origins=[APP])
    person, account, verifier = await limen.person(), await new_account(limen), new_verifier()
    own = (await limen.login(person))["access_token"]
    body = {"provider": "google", "return_to": f"{APP}/done", "code_challenge": s256(verifier)}
    session = (await person.api("POST", SESSIONS, own, body)).json()
    other, somebody, theirs = stranger
    await somebody.sign_in()
    elsewhere = session["url"].replace(limen.issuer, other.issuer, 1)
    assert (await somebody.browser.open(elsewhere)).status == 422

    await person.sign_in()
    page = await person.browser.open(session["url"])
    left, pages = await race(lambda: _press(person, page, "connect-continue"))
    assert left[303] == 1, left
    [away] = [each.headers["location"] for each in pages if each.status == 303]

    callback = await agree(limen, away, account=account)
    back, pages = await race(lambda: person.browser.fetch("GET", callback))
    assert back[303] == 1, back
    [onward] = [each.headers["location"] for each in pages if each.status == 303]

    page = await person.browser.open(urljoin(callback, onward))
    said, pages = await race(lambda: _press(person, page, "confirm-connect", decision="connect"))
    assert said[303] == 1, said
    [ended] = [query_of(each.headers["location"]) for each in pages if each.status == 303]

    proof = {"code": ended["code"], "code_verifier": verifier.reveal()}
    at = f"{SESSIONS}/{session['id']}"
    assert (await somebody.api("GET", at, theirs)).status == 404
    assert (await somebody.api("POST", f"{at}/redeem", theirs, proof)).status == 422
    redeemed, _ = await race(lambda: person.api("POST", f"{at}/redeem", own, proof))
    assert redeemed == {200: 1, 422: CALLERS - 1}
    assert len((await person.api("GET", CONNECTIONS, own)).json()["items"]) == 1
    assert (await somebody.api("GET", CONNECTIONS, theirs)).json()["items"] == []


async def test_an_event_counts_once_and_in_its_own_tenant(
    limen: Installation, stranger: tuple[Installation, Person, str]
) -> None:
    sharer, admin = await connected(limen), await limen.person(role="admin")
    told = await order(limen, "google", events=[{"sub": sharer.account, "client_id": CLIENT_ID}])
    [event] = told["events"]
    other, _, _ = stranger

    async def post(at: Installation, key: str) -> int:
        address = f"{at.issuer}/api/v1/oauth/events/google/{key}"
        sent = {"data": event["body"].encode(), "headers": event["headers"]}
        # Of its own: twenty idle connections would be left to whoever comes next.
        async with aiohttp.ClientSession() as once, once.post(address, **sent) as answer:
            return answer.status

    # Taken there, for their own people: ours are none of them, and hear of it themselves.
    for at, key in ((other, limen.site.tenant_id), (limen, other.site.tenant_id)):
        assert await post(at, key) == 404
    await post(other, other.site.tenant_id)
    connection = f"{CONNECTIONS}/{sharer.connection}"
    shown = await sharer.person.api("GET", connection, sharer.own)
    assert shown.json()["state"] == "active"
    before = await _taken(limen, admin)
    statuses = await asyncio.gather(*(post(limen, limen.site.tenant_id) for _ in range(CALLERS)))
    assert set(statuses) == {202}
    shown = await sharer.person.api("GET", connection, sharer.own)
    assert shown.json()["state"] == "reauth_required"
    assert await _taken(limen, admin) == before + 1


async def test_of_twenty_reports_one_refreshes(
    limen: Installation, stranger: tuple[Installation, Person, str]
) -> None:
    sharer, (_, somebody, theirs) = await connected(limen), stranger
    at = f"{CONNECTIONS}/{sharer.connection}/report"
    body = {"generation": 1, "status": 401}
    assert (await somebody.api("POST", at, theirs, body)).status == 404
    assert (await sharer.person.api("POST", at, theirs, body)).status == 401
    limen.clock.advance(minutes=2)
    before = await _presented(limen)
    told, pages = await race(lambda: sharer.person.api("POST", at, sharer.own, body))
    assert told == {200: CALLERS}
    assert {page.json()["generation"] for page in pages} == {2}
    assert await _presented(limen) == before + 1


async def test_what_is_proxied_is_its_owners_and_ends_with_the_connection(
    limen: Installation,
    stranger: tuple[Installation, Person, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sharer, (other, somebody, theirs) = await connected(limen), stranger
    path = f"{CONNECTIONS}/{sharer.connection}/proxy/www.googleapis.com/calendar/v3/x"
    begun, go_on = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def vendor(request: Request) -> Response:
        seen.append(request.url.path)

        async def chunks() -> AsyncIterator[bytes]:
            yield b"a" * 70_000
            begun.set()
            await go_on.wait()
            yield b"b" * 10

        return StreamingResponse(chunks())

    async with _instead_of_google(limen, vendor, monkeypatch):
        assert (await somebody.api("GET", path, theirs)).status == 404
        assert (await sharer.person.api("GET", path, theirs)).status == 401
        crossing = {"Authorization": f"Bearer {sharer.own}"}
        assert (await other.api.fetch("GET", path, headers=crossing)).status == 401
        assert seen == []

        under_way = asyncio.create_task(sharer.person.api("GET", path, sharer.own))
        await begun.wait()
        gone = await sharer.person.api("DELETE", f"{CONNECTIONS}/{sharer.connection}", sharer.own)
        assert gone.status == 200, gone.text
        refused = await sharer.person.api("GET", path, sharer.own)
        assert (refused.status, refused.json()["code"]) == (404, "connection_not_found")
        go_on.set()
        ended = await under_way  # what was asked before is answered to its end
        assert (ended.status, len(ended.text)) == (200, 70_010)
        assert len(seen) == 1


async def _press(person: Person, page: Page, button: str, **more: str) -> Page:
    form = page.form_with(button)
    sent = {**dict(form.fields), **more}
    return await person.browser.fetch("POST", urljoin(page.url, form.action), form=sent)


async def _taken(limen: Installation, admin: Person) -> int:
    """How many events of providers the audit log knows."""
    own = (await limen.login(admin))["access_token"]
    path = "/api/v1/admin/audit?name=provider:event:taken&limit=100"
    return len((await admin.api("GET", path, own)).json()["events"])


async def _presented(limen: Installation) -> int:
    """How often anybody showed the simulated Google a refresh token."""
    seen: dict[str, Any] = await seen_by(limen, "google")
    return sum(each["presented"] for each in seen["redemptions"].values())


@contextlib.asynccontextmanager
async def _instead_of_google(
    limen: Installation, vendor: Callable[[Request], Awaitable[Response]], patch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    app = Starlette(routes=[Route("/{path:path}", vendor)])
    google = limen.application.runtime.vault.catalogue.get("google", {})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        there = f"http://127.0.0.1:{listener.getsockname()[1]}"
        patch.setattr(google, "api_url", lambda _host, path: f"{there}{path}")
        async with serving(app, on=listener):
            yield
