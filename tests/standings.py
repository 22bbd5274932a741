"""The ways a Limen stands in an application, each served over real HTTP in the test's process."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pytest
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from limen.app.compose import Application, compose
from limen.app.start import prepare
from limen.embed import Limen
from limen.kernel.actor import OPERATOR
from limen.kernel.clock import SystemClock
from limen.settings import Settings, load
from limen.tenants.create_tenant import NewTenant, create_tenant
from limen.tenants.tenant import Tenant
from tests.installation import Installation, seed_simulated
from tests.movable_clock import MovableClock
from tests.patience import KEPT_SECONDS

Standing = Literal["root", "tenant", "mounted", "mounted-tenant"]
MATRIX: Final[tuple[tuple[Standing, str], ...]] = (
    ("root", "sqlite"),
    ("root", "postgresql"),
    ("tenant", "sqlite"),
    ("tenant", "postgresql"),
    ("mounted", "sqlite"),
    ("mounted", "postgresql"),
    ("mounted-tenant", "sqlite"),
)
"""All of them: what a flow runs on unless it says otherwise."""

EACH_ONCE: Final = pytest.mark.parametrize(
    "limen",
    [("root", "sqlite"), ("mounted", "postgresql"), ("mounted-tenant", "sqlite")],
    indirect=True,
    ids="-".join,
)
"""For what meets nothing new there: either engine, with a prefix and without, both tenants."""

MASTER_KEY: Final = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
PREFIX: Final = "/auth"
SLUG: Final = "acme"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a Limen is to stand.

    Args:
        folder: Its data directory.
        database_url: An empty database, or one that is prepared already.
        environment: Further settings by their environment names.
        policy: What the tenant chooses; the default tenant can't choose here.
        port: To stand at an address again; any free one otherwise.
        host: The application to be mounted in, and the options ``Limen`` gets there.
    """

    folder: Path
    database_url: str
    standing: Standing = "root"
    environment: dict[str, str] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    host: FastAPI | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_mounted(self) -> bool:
        return self.standing.startswith("mounted")


class _Server(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield  # signals are pytest's


@contextlib.asynccontextmanager
async def serving(app: Any, *, on: socket.socket) -> AsyncIterator[None]:
    """Serve an ASGI application on a socket, as `limen serve` does but in this loop."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on" if isinstance(app, FastAPI) else "off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=KEPT_SECONDS,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[on]))
    try:
        while not server.started:
            assert not running.done(), running
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def standing(plan: Plan) -> AsyncIterator[Installation]:
    """Start a Limen as planned; stop it at the end."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", plan.port))
        root = f"http://localhost:{listener.getsockname()[1]}"
        clock = MovableClock()
        settings = settings_of(plan, base_url=root + (PREFIX if plan.is_mounted else ""))
        stands = _mounted if plan.is_mounted else _standalone
        async with stands(plan, settings, clock=clock, listener=listener) as application:
            site = await _site(plan, application)
            async with Installation(application, site=site, clock=clock, root=root) as limen:
                yield limen


def settings_of(plan: Plan, *, base_url: str) -> Settings:
    """Return development settings with cheap hashing and no loops of its own."""
    environment = {
        "LIMEN_ENVIRONMENT": "development",
        "LIMEN_DATA_DIR": str(plan.folder),
        "LIMEN_BASE_URL": base_url,
        "LIMEN_DATABASE_URL": plan.database_url,
        "LIMEN_MASTER_KEY": MASTER_KEY,
        "LIMEN_PASSWORDS_MEMORY_KIB": "8",
        "LIMEN_PASSWORDS_TIME_COST": "1",
        "LIMEN_BACKGROUND_ENABLED": "false",
        "LIMEN_DEVELOPMENT_CLOCK": "false",
        "LIMEN_LOG_ACCESS": "false",
        **plan.environment,
    }
    return load(environment)


@contextlib.asynccontextmanager
async def _standalone(
    plan: Plan, settings: Settings, *, clock: SystemClock, listener: socket.socket
) -> AsyncIterator[Application]:
    del plan
    application = compose(settings, clock=clock)
    await prepare(application.runtime)
    async with application.running(worker=False), serving(application.asgi, on=listener):
        yield application


@contextlib.asynccontextmanager
async def _mounted(
    plan: Plan, settings: Settings, *, clock: SystemClock, listener: socket.socket
) -> AsyncIterator[Application]:
    host = plan.host or FastAPI()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limen.app.runtime.SystemClock", lambda: clock)
        limen = Limen(settings, **plan.options)
    limen.mount(host, PREFIX)
    host.state.limen = limen
    async with serving(host, on=listener):
        yield limen._application


async def _site(plan: Plan, application: Application) -> Tenant:
    runtime = application.runtime
    if not plan.standing.endswith("tenant"):
        return await runtime.directory.default()
    return await add_tenant(application, slug=SLUG, policy=plan.policy)


async def add_tenant(
    application: Application, *, slug: str, policy: dict[str, Any] | None = None
) -> Tenant:
    """Create a path tenant with keys and the simulated providers."""
    runtime = application.runtime
    tenant = await create_tenant(
        runtime.works,
        new=NewTenant(slug=slug, name=slug.title(), policy=policy or {}),
        base_url=runtime.settings.base_url,
        keys=(runtime.envelope.create_keys, runtime.keyring.create_keys),
        actor=OPERATOR,
    )
    await seed_simulated(application, tenant)
    return tenant


async def prepared_sqlite(folder: Path) -> Path:
    """Return a database file with tables, the default tenant and its keys, to be copied."""
    file = folder / "prepared.db"
    plan = Plan(folder=folder, database_url=f"sqlite:///{file}")
    application = compose(settings_of(plan, base_url="http://localhost:8000"))
    await prepare(application.runtime)
    application.runtime.hasher.close()
    await application.runtime.net.close()
    return file


def copied(file: Path, folder: Path) -> str:
    """Copy a prepared database; return the copy's URL."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / "limen.db")
    return f"sqlite:///{folder / 'limen.db'}"
