"""A host that has users and a database of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import create_async_engine

from limen.accounts.adopt_host_user import HostUser
from limen.db.work import Work
from limen.kernel.events import Event
from tests.conftest import SERVICES
from tests.databases import Services
from tests.hosts import host_with_routes
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.standings import Plan, copied, standing


@dataclass
class Host:
    """The host's side: who is signed in there by its own header, and what it was told."""

    limen: Installation
    app: FastAPI
    events: list[str] = field(default_factory=list)

    async def ask(self, path: str, user: str = "", *, method: str = "GET", **headers: str) -> Any:
        if user:
            headers["X-Host-User"] = user
        async with self.limen.plain.request(
            method, self.limen.root + path, headers=headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)


async def identify(request: Request) -> HostUser | None:
    name = request.headers.get("x-host-user")
    if name is None:
        return None
    return HostUser(
        id=name,
        email=f"{name}@host.example",
        email_verified=True,
        claims={"name": name.title()},
        roles=("admin",) if name == "boss" else None,
        session=f"session of {name}",
    )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def host(
    request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Host]:
    folder = tmp_path_factory.mktemp("limen")
    if request.param == "sqlite":
        url = copied(prepared, folder)
        engine: Any = sa.create_engine(url)
        async with _hosted(folder, url, engine) as made:
            yield made
        engine.dispose()
        return
    services: Services = request.config.stash[SERVICES]
    async with services.postgres_database(empty=True) as url:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        async with _hosted(folder, url, engine) as made:
            yield made
        await engine.dispose()


@contextlib.asynccontextmanager
async def _hosted(folder: Path, url: str, engine: Any) -> AsyncIterator[Host]:
    events: list[str] = []

    async def on_event(work: Work, event: Event) -> None:
        events.append(event.name)

    app = host_with_routes()
    options = {"identify": identify, "engine": engine, "on_event": on_event}
    plan = Plan(folder=folder, database_url=url, standing="mounted", host=app, options=options)
    async with standing(plan) as limen:
        yield Host(limen, app, events)


async def test_the_hosts_user_is_the_current_user(host: Host) -> None:
    status, told = await host.ask("/who", "ada")
    assert (status, told["kind"]) == (200, "user")
    assert (await host.ask("/who", "ada"))[1]["id"] == told["id"]
    assert (await host.ask("/who", "grace"))[1]["id"] != told["id"]
    assert (await host.ask("/who"))[0] == 401


async def test_the_hosts_roles_are_ours(host: Host) -> None:
    users = "/auth/api/v1/admin/users"
    assert (await host.ask(users, "boss"))[0] == 200
    assert (await host.ask(users, "ada"))[0] == 403


async def test_the_hosts_user_authorizes_a_client(host: Host) -> None:
    limen = host.limen
    flow = Flow(limen, await limen.client(trusted=True))
    headers = {"X-Host-User": "ada"}
    page = await limen.api.fetch("GET", flow.url(scope="openid profile email"), headers=headers)
    assert page.status == 303, page.text[:800]
    code = type(page)(0, page.headers["location"], "", {}).query["code"]
    made = (await flow.redeem(code)).json()
    told = (await flow.userinfo(made["access_token"])).json()
    assert (told["name"], told["email"]) == ("Ada", "ada@host.example")
    embedded = host.app.state.limen
    await embedded.end_host_session(await identify(_as("ada")))
    assert not await flow.is_active(made["access_token"])


async def test_our_tables_stand_in_the_hosts_database_and_it_hears_events(host: Host) -> None:
    await host.ask("/who", "newcomer")
    assert [name for name in host.events if name.startswith("account:")], host.events


def _as(name: str) -> Request:
    return Request({"type": "http", "headers": [(b"x-host-user", name.encode())]})
