"""Is the process alive, and may it be sent requests?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from limen.observe import logger

_log = logger("limen.web")
Check = Callable[[], Awaitable[None]]


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """Return ``/healthz`` (alive) and ``/readyz`` (every check passes, else 503).

    Args:
        checks: By name; one that raises is not passed. What it raised goes to the log alone.
    """

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        results = {name: await _passes(name, check) for name, check in checks.items()}
        is_ready = all(results.values())
        body = {
            "status": "ok" if is_ready else "unavailable",
            "checks": {name: "ok" if passed else "failed" for name, passed in results.items()},
        }
        if is_ready:
            return JSONResponse(body)
        return JSONResponse(body, status_code=503, headers={"retry-after": "2"})

    return [Route("/healthz", alive, name="healthz"), Route("/readyz", ready, name="readyz")]


async def _passes(name: str, check: Check) -> bool:
    try:
        await check()
    except Exception as fault:  # noqa: BLE001 -- whatever it is, it is not ready
        _log.warning("not ready", check=name, kind=type(fault).__name__)
        return False
    return True
