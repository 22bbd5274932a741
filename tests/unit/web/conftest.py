"""An application behind the edge, called in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from limen.db.engines import open_database
from limen.db.work import Works
from limen.kernel.site import Site
from limen.settings import Rate
from limen.testing.clock import FrozenClock
from limen.web.body_limits import BodyLimits
from limen.web.edge import Edge
from limen.web.framework import install_error_handlers
from limen.web.pages import Pages
from limen.web.peer.client_ip import networks
from limen.web.rate_limit import RateLimiter
from limen.web.state import EdgeParts

DEFAULT = Site("aaaaaaaaaa", "default", "https://id.example", "")
ACME = Site("bbbbbbbbbb", "acme", "https://id.example/t/acme", "/t/acme")
OWN_HOST = Site("cccccccccc", "globex", "https://login.globex.example", "")


class FixedSites:
    """Three tenants: at the root, under a path, on a host name of its own."""

    async def by_slug(self, slug: str) -> Site | None:
        return {"default": DEFAULT, "acme": ACME, "globex": OWN_HOST}.get(slug)

    async def by_host(self, host: str) -> Site | None:
        return OWN_HOST if host == "login.globex.example" else None

    async def default(self) -> Site:
        return DEFAULT


async def allows_origin(site: Site, kind: str, origin: str) -> bool:
    return origin == f"https://{kind}.example" and site is DEFAULT


@dataclass
class Bench:
    """Builds clients for an application of the test's own."""

    works: Works
    clock: FrozenClock
    client: httpx2.AsyncClient | None = None

    def parts(self, **changes: Any) -> EdgeParts:
        given: dict[str, Any] = {
            "works": self.works,
            "sites": FixedSites(),
            "pages": Pages(),
            "authenticators": (),
            "trusted_proxies": networks(["10.0.0.0/8", "fd00::/8"]),
            "limiter": RateLimiter(lambda _: Rate(5, 60), self.clock),
            "allows_origin": allows_origin,
            "body_limits": BodyLimits(max_bytes=1000, max_json_bytes=2000),
            **changes,
        }
        return EdgeParts(**given)

    def serve(
        self,
        *routes: Any,
        peer: str = "192.0.2.7",
        base: str = "https://id.example",
        **changes: Any,
    ) -> httpx2.AsyncClient:
        app = FastAPI(redirect_slashes=False, openapi_url=None)
        install_error_handlers(app)
        for item in routes:
            app.router.routes.append(item) if hasattr(item, "path") else app.include_router(item)
        edge = Edge(app, self.parts(**changes))
        transport = httpx2.ASGITransport(app=edge, client=(peer, 4711))
        self.client = httpx2.AsyncClient(transport=transport, base_url=base)
        return self.client

    async def close(self) -> None:
        if self.client is not None:
            await self.client.aclose()


@pytest.fixture
async def bench(works: Works, clock: FrozenClock) -> AsyncIterator[Bench]:
    """On a database with our tables, on either engine."""
    made = Bench(works, clock)
    yield made
    await made.close()


Serve = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def serve(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Serve]:
    """On a database that nothing is asked of."""
    database = open_database(f"sqlite:///{tmp_path}/unused.db")
    await database.open()
    made = Bench(Works(database, clock), clock)
    yield made.serve
    await made.close()
    await database.close()
