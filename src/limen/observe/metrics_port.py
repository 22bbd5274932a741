"""Metrics on a port of their own, away from the public one."""

from __future__ import annotations

import asyncio
from typing import Final

from limen.observe.logs import logger
from limen.settings.sections import MetricsSettings

_LOG = logger("metrics")
_MAX_HEAD_BYTES: Final = 8192
_DEADLINE_SECONDS: Final = 5.0


async def serve_metrics(settings: MetricsSettings, *, workers: int = 1) -> asyncio.Server | None:
    """Serve ``GET /metrics`` until the returned server is closed.

    Each worker process has numbers of its own and takes the first free of as many ports as
    there are workers. A port that is taken is told in the log and is no reason not to serve.

    Returns:
        The server, or ``None`` if metrics are not wanted there or no port is free.
    """
    if settings.where != "port":
        return None
    for port in range(settings.port, min(settings.port + workers, 65536)):
        try:
            server = await asyncio.start_server(_answer, settings.host, port, limit=_MAX_HEAD_BYTES)
        except OSError:
            continue
        _LOG.info("metrics served", host=settings.host, port=port)
        return server
    _LOG.warning("metrics not served: port taken", host=settings.host, port=settings.port)
    return None


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(head))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError):
        pass
    finally:
        writer.close()


def _response(head: bytes) -> bytes:
    from limen.observe.metrics import CONTENT_TYPE, render  # noqa: PLC0415 -- loaded when asked

    found = head.startswith((b"GET /metrics ", b"GET /metrics?"))
    status, body = ("200 OK", render()) if found else ("404 Not Found", b"")
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "\r\n",
    )
    return "\r\n".join(lines).encode() + body
