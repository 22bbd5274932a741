"""The server the tour is taken on: the one that runs, or one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp

from limen.kernel.errors import ConfigurationError
from limen.settings import Settings, load
from limen.settings.read import environment_with
from limen.testing.visitor import Visitor

_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1


@contextlib.asynccontextmanager
async def place(*, own: bool) -> AsyncIterator[tuple[Settings, bool]]:
    """Give the settings of a development server that answers.

    Args:
        own: Start one even if the configured one runs.

    Yields:
        The settings, and whether the server was started for the tour.
    """
    settings = load()
    if not own and await _answers(settings):
        if not settings.is_development:
            raise ConfigurationError("The tour signs people up: it is for development servers.")
        yield settings, False
        return
    with tempfile.TemporaryDirectory(prefix="limen-demo-") as folder:
        environment = _environment(Path(folder))
        settings = load(environment)
        async with _serving(environment, settings, log=Path(folder) / "log"):
            yield settings, True


def _environment(folder: Path) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return environment_with(
        {
            "LIMEN_ENVIRONMENT": "development",
            "LIMEN_DATA_DIR": str(folder),
            "LIMEN_PORT": str(port),
            "LIMEN_METRICS_WHERE": "off",
            "LIMEN_LOG_FORMAT": "text",
        },
        without=("LIMEN_BASE_URL", "LIMEN_DATABASE_URL", "LIMEN_HOST", "LIMEN_CONFIG"),
    )


@contextlib.asynccontextmanager
async def _serving(
    environment: dict[str, str], settings: Settings, *, log: Path
) -> AsyncIterator[None]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "limen", "serve"), env=environment, stdout=out, stderr=out
        )
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await _answers(settings):
                if process.returncode is not None:
                    raise _did_not_start(log)
                await asyncio.sleep(_LOOK_SECONDS)
        yield
    except TimeoutError:
        raise _did_not_start(log) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _did_not_start(log: Path) -> ConfigurationError:
    said = log.read_text("utf-8", "replace").splitlines()[-5:]
    return ConfigurationError("The tour's own server did not start.", *said)


async def _answers(settings: Settings) -> bool:
    try:
        async with Visitor(settings.base_url) as visitor:
            return (await visitor.fetch("GET", "/readyz")).status == 200
    except (aiohttp.ClientError, OSError):
        return False
