"""``Limen.connections`` of a mounted Limen: the calls of ``limen.client`` without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request

from limen.client import (
    ANYONE,
    ME,
    Connections,
    FeatureMissing,
    NotShared,
    ReauthRequired,
    Unauthorized,
    WithAccessToken,
)
from limen.client import Limen as OverHttp
from limen.client.httpx2_auth import ConnectionAuth
from limen.embed import Limen
from limen.kernel.actor import Actor
from limen.kernel.secret import Secret
from tests.at_provider import order
from tests.flows.test_asking import app_of, pressed
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.sharing import FEATURE, Sharer, agent, connected, kill_access_token, share
from tests.standings import Plan, copied, standing

CALENDAR = "/google/calendar/v3/users/me/calendarList"
SCOPE = "openid connections:token connections:read"


@dataclass
class Host:
    """A Limen and the application it is mounted in."""

    limen: Installation
    app: FastAPI

    @property
    def connections(self) -> Connections:
        mounted: Limen = self.app.state.limen
        return mounted.connections


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/calendar")
    async def calendar(request: Request, at: str) -> dict[str, int]:
        limen: Limen = app.state.limen
        user = await limen.current_user(request)
        auth = ConnectionAuth(limen.connections, user, "google", at=at, feature=FEATURE)
        async with httpx2.AsyncClient(auth=auth) as http:
            return {"status": (await http.get(at + CALENDAR)).status_code}

    return app


@pytest.fixture(scope="module")
async def host(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Host]:
    folder, app = tmp_path_factory.mktemp("limen"), application()
    plan = Plan(folder=folder, database_url=copied(prepared, folder), standing="mounted", host=app)
    async with standing(plan) as running:
        yield Host(running, app)


def browser_of(sharer: Sharer) -> Actor:
    """Whom ``current_user`` names for somebody's browser."""
    return Actor("user", id=sharer.person.id, session_id="any")


async def test_the_hosts_own_route_calls_for_who_is_signed_in(host: Host) -> None:
    limen = host.limen
    ada = await connected(limen)
    limen.clock.advance(minutes=2)
    url = f"{limen.root}/calendar?at={limen.providers_url}"
    page = await ada.person.browser.fetch("GET", url)
    assert (page.status, page.json()) == (200, {"status": 200})
    await kill_access_token(limen, ada)
    assert (await ada.person.browser.fetch("GET", url)).json() == {"status": 200}


async def test_it_is_the_same_call_as_over_http(host: Host) -> None:
    ada = await connected(host.limen)
    async with OverHttp(host.limen.issuer, ada.own, clock=host.limen.clock) as client:
        there = await client.connections.token(ME, "google", feature=FEATURE)
        here = await host.connections.token(browser_of(ada), "google", feature=FEATURE)
        assert here == there
        assert await host.connections.list(browser_of(ada)) == await client.connections.list(ME)
        with pytest.raises(Unauthorized):  # over HTTP nobody is believed to be somebody
            await client.connections.list(browser_of(ada))
    with pytest.raises(Unauthorized):
        await host.connections.list(ME)


async def test_an_actor_is_that_person_and_nobody_else(host: Host) -> None:
    ada, bob = await connected(host.limen), await connected(host.limen)
    with pytest.raises(NotShared):
        await host.connections.token(browser_of(bob), "google", connection=ada.connection)


async def test_an_application_of_the_persons_needs_their_consent_here_too(host: Host) -> None:
    limen = host.limen
    ada, machine = await connected(limen), await agent(limen)
    known = await limen.client(scope=tuple(SCOPE.split()))
    api = f"{limen.issuer}/api/v1"
    raw = (await Flow(limen, known).tokens(ada.person, scope=SCOPE, resource=api))["access_token"]
    by_token = Actor(
        "user",
        id=ada.person.id,
        client_id=known.id,
        scope=frozenset({"connections:token", "connections:read"}),
    )
    for user in (by_token, WithAccessToken(Secret(raw))):
        with pytest.raises(NotShared):
            await host.connections.token(user, "google")
    await share(ada, machine.id)
    with pytest.raises(NotShared):
        await host.connections.token(by_token, "google")


async def test_a_person_is_asked_by_the_same_call(host: Host) -> None:
    ada = await connected(host.limen)
    known, raw = await app_of(host.limen, ada.person, mode="proxy")
    through = Actor(
        "user", id=ada.person.id, client_id=known.id, scope=frozenset({"connections:ask"})
    )
    here = await host.connections.ask_to_share(through, "google", features=[FEATURE])
    page = await ada.person.browser.open(here.url)
    assert (await pressed(ada.person, page, "share-allow", "allow")).status == 303
    told = await host.connections.sharing_request(through, here.id)
    assert (told.state, told.connection_id) == ("completed", ada.connection)
    async with OverHttp(host.limen.issuer, raw, clock=host.limen.clock) as client:
        assert await client.connections.sharing_request(ME, here.id) == told
    with pytest.raises(Unauthorized):  # the person themselves is no app that asks
        await host.connections.ask_to_share(browser_of(ada), "google", features=[FEATURE])
    with pytest.raises(Unauthorized):  # a mounted Limen has no client of its own
        await host.connections.ask_to_share(ANYONE, "google", features=[FEATURE])


async def test_what_is_missing_is_begun_with_a_link(host: Host) -> None:
    limen = host.limen
    ada = await connected(limen)
    with pytest.raises(FeatureMissing) as missing:
        await host.connections.token(browser_of(ada), "google", feature="drive_read")
    way = await missing.value.activate()
    assert way.url is not None
    assert (await ada.person.browser.open(way.url)).status == 200
    await order(limen, "google", revoke_grants=[ada.account])
    limen.clock.advance(hours=2)
    with pytest.raises(ReauthRequired) as gone:
        await host.connections.token(browser_of(ada), "google")
    assert (await gone.value.reconnect()).url is not None
