"""Limen behind real HTTP, in this process: alone or mounted in a host, at the root or a path."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from limen.accounts.create_user import NewUser, create_user
from limen.app.compose import compose
from limen.app.runtime import Runtime
from limen.app.start import prepare
from limen.db.work import Work
from limen.embed import Limen
from limen.kernel.actor import OPERATOR
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.registry.register_client import NewClient, register_client
from limen.settings import Settings
from limen.tenants.create_tenant import NewTenant, create_tenant
from limen.testing.processes import free_port
from tests.databases import Services
from tests.patience import KEPT_SECONDS

T = TypeVar("T")
PASSWORD = "correct horse battery staple 42"
CALLBACK = "https://app.example/callback"
GOODBYE = "https://app.example/bye"


@dataclass(frozen=True)
class Place:
    """Where the tenant under test stands.

    Args:
        prefix: Under which the host mounts us; empty when we stand alone.
        tenant: The slug of a path tenant; empty for the default tenant.
    """

    name: str
    prefix: str = ""
    tenant: str = ""


PLACES = (
    Place("alone"),
    Place("alone, path tenant", tenant="acme"),
    Place("mounted", prefix="/auth"),
    Place("mounted, path tenant", prefix="/auth", tenant="acme"),
)


@dataclass(frozen=True)
class Known:
    """A client as its author has it."""

    id: str
    secret: str

    @property
    def post(self) -> dict[str, str]:
        sent = {"client_id": self.id}
        return {**sent, "client_secret": self.secret} if self.secret else sent


@dataclass
class Installation:
    """A running server, and ways to arrange what a flow needs."""

    place: Place
    origin: str
    runtime: Runtime
    site: Site
    other: Site
    loop: asyncio.AbstractEventLoop

    @property
    def issuer(self) -> str:
        return self.site.issuer

    def run(self, body: Callable[[Work], Awaitable[T]]) -> T:
        working = self.runtime.works.run(self.site, body, actor=OPERATOR)
        return asyncio.run_coroutine_threadsafe(working, self.loop).result(30)

    def client(self, kind: str = "web", **changes: Any) -> Known:
        given: dict[str, Any] = {"name": "An application", "type": kind, **changes}
        given.setdefault("scope", ("openid", "profile", "email", "offline_access", "read"))
        if kind != "machine":
            given.setdefault("redirect_uris", (CALLBACK,))
            given.setdefault("post_logout_redirect_uris", (GOODBYE,))

        async def body(work: Work) -> Known:
            made = await register_client(work, new=NewClient(**given))
            secret = made.raw_secret.reveal() if made.raw_secret else ""
            return Known(made.client.client_id, secret)

        return self.run(body)

    def person(self, email: str) -> str:
        new = NewUser(email=email, password=Secret(PASSWORD), verified=True, claims={"name": "Ada"})
        user = self.run(lambda work: create_user(work, new=new, hasher=self.runtime.hasher))
        return user.id


@contextlib.contextmanager
def installed(
    place: Place, *, engine: str, services: Services, folder: Path
) -> Iterator[Installation]:
    """Run a server in a thread of its own until the block ends."""
    started, stop = threading.Event(), asyncio.Event()
    made: list[Installation] = []
    failed: list[BaseException] = []

    async def main() -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                url = f"sqlite:///{folder}/limen.db"
                if engine == "postgresql":
                    url = await stack.enter_async_context(services.postgres_database(empty=True))
                made.append(await stack.enter_async_context(_serving(place, url, folder)))
                started.set()
                await stop.wait()
        except BaseException as fault:
            failed.append(fault)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    started.wait(60)
    try:
        assert made, failed
        yield made[0]
    finally:
        if made:
            made[0].loop.call_soon_threadsafe(stop.set)
        thread.join(30)


@contextlib.asynccontextmanager
async def _serving(place: Place, url: str, folder: Path) -> AsyncIterator[Installation]:
    port = free_port()
    origin = f"http://localhost:{port}"
    settings = Settings.model_validate(
        {
            "environment": "development",
            "base_url": origin + place.prefix,
            "data_dir": folder / "data",
            "database": {"url": url},
        }
    )
    async with _application(place, settings) as (app, runtime):
        config = uvicorn.Config(
            app,
            host="localhost",
            port=port,
            log_config=None,
            lifespan="on",
            timeout_keep_alive=KEPT_SECONDS,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 -- uvicorn offers no event
            await asyncio.sleep(0.01)
        try:
            first = await runtime.directory.default()
            second = await _create_tenant(place.tenant or "other", runtime, settings)
            site, other = (second, first) if place.tenant else (first, second)
            loop = asyncio.get_running_loop()
            yield Installation(place, origin, runtime, site, other, loop)
        finally:
            server.should_exit = True
            await serving


@contextlib.asynccontextmanager
async def _application(place: Place, settings: Settings) -> AsyncIterator[tuple[ASGIApp, Runtime]]:
    """Alone we need no lifespan; mounted we live within the host's."""
    host = FastAPI(openapi_url=None)

    @host.get("/hello")
    def hello() -> str:
        return "the host's own"

    if place.prefix:
        limen = Limen(settings)
        limen.mount(host, place.prefix)
        yield host, limen._application.runtime
        return
    application = compose(settings)
    await prepare(application.runtime)
    host.mount("", application.asgi)
    async with application.running():
        yield host, application.runtime


async def _create_tenant(slug: str, runtime: Runtime, settings: Settings) -> Site:
    return await create_tenant(
        runtime.works,
        new=NewTenant(slug=slug, name=slug.title()),
        base_url=settings.base_url,
        keys=(runtime.envelope.create_keys, runtime.keyring.create_keys),
    )
