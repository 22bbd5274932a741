"""The host's routes and lifespan."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

_WELL_KNOWN: Final = {
    "oauth-authorization-server": "",
    "openid-configuration": "",
    "oauth-protected-resource": "/api/v1",
}
"""By name, what of ours it speaks of: the issuer, or our JSON API below it (RFC 9728)."""


def add_routes(host: FastAPI, asgi: ASGIApp, *, base_path: str) -> None:
    """Serve our application under a path, its well-known documents also at the host's root.

    Clients look for the documents of an issuer with a path there (RFC 8414 section 3.1). They
    stand before the host's own routes, one of which may catch everything.
    """
    for name, below in _WELL_KNOWN.items() if base_path else ():
        forward = _Forward(asgi, name=name, base_path=base_path)
        at = f"/.well-known/{name}{base_path}"
        host.router.routes[0:0] = [
            Route(f"{at}{below}", forward, include_in_schema=False),
            Route(f"{at}/t/{{slug}}{below}", forward, include_in_schema=False),
        ]
    host.mount(base_path, asgi)


def run_with(host: FastAPI, running: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Start and stop with the host: a mounted application's own lifespan is never run."""
    inner = host.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with running(), inner(app) as state:
            yield state

    host.router.lifespan_context = lifespan


class _Forward:
    """From the inserted form of a well-known path to the suffix form under our path."""

    def __init__(self, asgi: ASGIApp, *, name: str, base_path: str) -> None:
        self._asgi = asgi
        self._inserted = f"/.well-known/{name}{base_path}"
        self._ours = f"{base_path}/.well-known/{name}"
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rest = scope["path"].partition(self._inserted)[2]
        inner = {**scope, "path": self._ours + rest, "root_path": self._base_path}
        await self._asgi(inner, receive, send)
