"""Put an application together: parts, capabilities, reactions, loops. Literals to be read down."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from limen.app.asgi import GrowsOnDemand, LiteralPaths
from limen.app.background import Background
from limen.app.capabilities import Capabilities, build_capabilities
from limen.app.described.document import operation_id
from limen.app.docs import docs_routes
from limen.app.loops import loops
from limen.app.mtls import certificate_header
from limen.app.runtime import Runtime, build_runtime
from limen.app.start import close_runtime, open_runtime
from limen.app.watch import health_checks, metrics_routes, watched
from limen.db.engines import Database
from limen.db.work import Recorder
from limen.federation.provider import Provider
from limen.hooks.model import HostHooks
from limen.kernel.clock import SystemClock
from limen.sessions.current import bearer, from_cookie
from limen.settings import Settings
from limen.tenants.tenant import Tenant
from limen.web.body_limits import BodyLimits
from limen.web.edge import Edge
from limen.web.framework import install_error_handlers
from limen.web.health import health_routes
from limen.web.state import Authenticator, EdgeParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One process's Limen.

    Attributes:
        asgi: What a server runs, or a host mounts.
        background: The loops; ``start`` begins them.
    """

    runtime: Runtime
    capabilities: Capabilities
    edge: EdgeParts
    asgi: ASGIApp
    background: Background

    async def start(self, *, worker: bool = True) -> None:
        """Open the database, check it, begin the loops.

        Args:
            worker: Whether this process also does the work that one process is enough for.

        Raises:
            ConfigurationError: If the installation is not in order.
        """
        self.runtime.net.check_authorities()
        await open_runtime(self.runtime)
        self.background.begin(worker=worker)

    async def stop(self) -> None:
        """End the loops and close everything."""
        await close_runtime(self.runtime, self.background)

    @contextlib.asynccontextmanager
    async def running(self, *, worker: bool = True) -> AsyncIterator[None]:
        """Start, and stop at the end."""
        await self.start(worker=worker)
        try:
            yield
        finally:
            await self.stop()


def compose(  # noqa: PLR0913 -- the composition root is handed it all
    settings: Settings,
    *,
    database: Database | None = None,
    clock: SystemClock | None = None,
    authenticators: Sequence[Authenticator] = (),
    on_event: Sequence[Recorder] = (),
    hooks: HostHooks | None = None,
    providers: Sequence[Provider] = (),
) -> Application:
    """Build the application; nothing is opened yet.

    Args:
        settings: Checked already.
        database: A host application's, in place of the one the settings name.
        clock: In place of the machine's.
        authenticators: Asked after ours.
        on_event: Told every event, in its transaction, after the audit log.
        hooks: A host application's, asked before those of the tenants.
        providers: Python providers of a host application's.

    Raises:
        ConfigurationError: If the sealing key can't be read.
    """
    runtime = build_runtime(
        settings,
        database=database,
        clock=clock,
        on_event=on_event,
        hooks=hooks,
        providers=providers,
    )
    capabilities = build_capabilities(runtime)
    edge = _edge_parts(runtime, authenticators)
    background = Background(loops(runtime))
    return Application(
        runtime=runtime,
        capabilities=capabilities,
        edge=edge,
        asgi=_asgi(runtime, capabilities, edge),
        background=background,
    )


def _edge_parts(runtime: Runtime, authenticators: Sequence[Authenticator]) -> EdgeParts:
    settings = runtime.settings

    async def allows_origin(site: Any, kind: str, origin: str) -> bool:
        if kind == "api":
            return isinstance(site, Tenant) and origin in site.policy.allowed_origins
        return await runtime.works.run(
            site, lambda work: runtime.clients.allows_origin(work, origin)
        )

    return EdgeParts(
        works=runtime.works,
        sites=runtime.directory,
        pages=runtime.pages,
        authenticators=(bearer(runtime.keyring), from_cookie, *authenticators),
        trusted_proxies=settings.web.trusted_proxies,
        proxy_header=settings.web.proxy_header,
        certificate_header=certificate_header(settings.mtls),
        limiter=runtime.limiter,
        allows_origin=allows_origin,
        body_limits=BodyLimits(
            max_bytes=settings.web.max_form_bytes,
            max_json_bytes=settings.web.max_json_bytes,
            max_picture_bytes=settings.web.max_picture_bytes,
        ),
        serve_pages=settings.web.pages,
    )


def _asgi(runtime: Runtime, capabilities: Capabilities, edge: EdgeParts) -> ASGIApp:
    api = FastAPI(
        title="Limen",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    install_error_handlers(api)
    whole = GrowsOnDemand(api, make=capabilities.admin, under=("/api/v1/admin", "/admin/"))
    plain = [
        *health_routes(health_checks(runtime)),
        *metrics_routes(runtime.settings.metrics),
        *capabilities.pages,
        runtime.pages.static.route(),
        *docs_routes(api, whole=whole.grow),
    ]
    for router in capabilities.routers:
        api.include_router(router)
    api.router.routes.extend([*plain, *capabilities.mounts])
    shortcuts = LiteralPaths(plain, hot=capabilities.hot, otherwise=whole)
    return watched(Edge(shortcuts, edge), runtime)
