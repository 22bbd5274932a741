"""The simulated providers as a server of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import uvicorn

from limen.cli import collector
from limen.cli.inside import opened, read_settings
from limen.cli.say import progress
from limen.db.shared_clock import refresh_offset
from limen.kernel.errors import ConfigurationError
from limen.simulators import providers

if TYPE_CHECKING:
    from limen.app.runtime import Runtime

_CLOCK_SECONDS: Final = 1.0


async def serve_providers(*, port: int) -> None:
    """Serve on loopback, by the development clock of the installation.

    Raises:
        ConfigurationError: In production: everybody knows their secrets.
    """
    settings = read_settings()
    if not settings.is_development:
        raise ConfigurationError("The simulated providers are for development.")
    async with opened(settings) as runtime:
        base_url = f"http://localhost:{port}"
        app = providers(base_url=base_url, clock=runtime.clock, state=settings.data_dir)
        config = uvicorn.Config(
            app, host="localhost", port=port, log_config=None, access_log=False, lifespan="off"
        )
        progress(f"simulated providers at {base_url}/google and {base_url}/notion")
        collector.wake()
        clock = asyncio.create_task(_follow_clock(runtime))
        try:
            await uvicorn.Server(config).serve()
        finally:
            clock.cancel()


async def _follow_clock(runtime: Runtime) -> None:
    while True:
        await refresh_offset(runtime.works, runtime.clock)
        await asyncio.sleep(_CLOCK_SECONDS)
