"""What is seen from outside: the access log, the metrics, and whether the process is ready."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limen.app.runtime import Runtime
from limen.kernel.errors import Unavailable
from limen.observe import Asked, log_request
from limen.observe.metrics import CONTENT_TYPE, count_request, render
from limen.settings.sections import MetricsSettings


def health_checks(runtime: Runtime) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """Return what must hold for the process to be sent requests."""

    async def database_and_clock() -> None:
        if not await runtime.clock_watch.look():
            raise Unavailable("clock_skew", "This server's clock is wrong.")

    async def default_tenant() -> None:
        await runtime.directory.default()

    return {"database": database_and_clock, "tenant": default_tenant}


def metrics_routes(settings: MetricsSettings) -> list[BaseRoute]:
    """Return ``/metrics`` where the operator wants it on the public port; else it has its own."""
    if settings.where != "path":
        return []

    async def show_metrics(_: Request) -> Response:
        return Response(render(), media_type=CONTENT_TYPE)

    return [Route("/metrics", show_metrics, name="metrics")]


def watched(app: ASGIApp, runtime: Runtime) -> ASGIApp:
    """Count and log every request, by route template, never by path."""
    logs = runtime.settings.log.access

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        seen: dict[str, Any] = {"status": 500, "route": None}
        scope.setdefault("state", {})["seen"] = seen

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await app(scope, receive, noting)
        finally:
            _count(scope["method"], seen, seconds=time.perf_counter() - began, logs=logs)

    return watch


def _count(method: str, seen: dict[str, Any], *, seconds: float, logs: bool) -> None:
    route, status = getattr(seen["route"], "path", ""), seen["status"]
    count_request(route=route, method=method, status=status, seconds=seconds)
    if logs:
        asked = Asked(seen.get("tenant", ""), seen.get("client", ""), seen.get("refusal", ""))
        log_request(method=method, route=route, status=status, seconds=seconds, asked=asked)
