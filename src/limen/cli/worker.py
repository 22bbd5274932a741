"""``limen worker``: the background work, apart from the server."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from limen.cli import collector
from limen.cli.say import AsJson, progress, tell

if TYPE_CHECKING:
    from limen.settings import Settings

_MOST_BESIDE: Final = 15
"""Others on this machine that may have the first metrics ports: servers' processes, workers."""


def worker(
    *,
    once: Annotated[bool, typer.Option("--once", help="One turn of everything, then end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send mail, refresh connections, sweep, until told to stop; any number may run."""
    from limen.observe import configure  # noqa: PLC0415 -- loaded when it runs
    from limen.settings import load  # noqa: PLC0415 -- as above

    settings = load()
    # Of one turn standard output is the result's.
    configure(settings.log, stream=sys.stderr if once else None, libraries=True)
    done = asyncio.run(_turn(settings) if once else _work(settings))
    if once:
        tell({"done": done}, as_json=as_json)


async def _turn(settings: Settings) -> int:
    """Do one turn of everything; return how much there was to do."""
    from limen.app.compose import compose  # noqa: PLC0415 -- as above

    application = compose(settings)
    async with application.running(worker=False):
        return await application.background.run_once()


async def _work(settings: Settings) -> int:
    from limen.app.compose import compose  # noqa: PLC0415 -- as above
    from limen.observe.metrics_port import serve_metrics  # noqa: PLC0415 -- as above

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    application = compose(settings)
    collector.wake()
    async with application.running(worker=True):
        # What it alone counts is what operators are woken by.
        beside = settings.workers + _MOST_BESIDE
        metrics = await serve_metrics(settings.metrics, workers=beside)
        progress("working")
        await stop.wait()
        if metrics is not None:
            metrics.close()
    return 0
