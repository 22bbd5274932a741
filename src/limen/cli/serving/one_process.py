"""One process that serves: alone, or as one of several under a supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from typing_extensions import override

from limen.cli import collector
from limen.cli.say import complain
from limen.cli.serving.peers import allow_many_files, hang_up_on_the_slow, protocol_of
from limen.cli.serving.supervise import NOT_IN_ORDER
from limen.kernel.errors import ConfigurationError
from limen.observe.metrics_port import serve_metrics

if TYPE_CHECKING:
    from limen.app.compose import Application
    from limen.settings import Settings

GRACE_SECONDS: Final = 25
"""For requests under way after a stop was asked; less than what supervisors wait (N254)."""


def run_one(settings: Settings, *, listening: socket.socket) -> None:
    """Serve on a socket until SIGTERM or SIGINT; accepted requests are answered first."""
    _serve(settings, listening, lifeline=None)


def run_worker(settings: Settings, *, told: str) -> None:
    """Serve as a supervisor's worker.

    Args:
        settings: Read from the same environment as the supervisor's.
        told: The file descriptors of the listening socket and of the lifeline: the reading
            end of a pipe whose writing end the supervisor holds as long as it lives. A worker
            whose supervisor was killed would live on and keep the port.
    """
    listening, lifeline = (int(each) for each in told.split(":"))
    with socket.socket(fileno=listening) as held:
        try:
            _serve(settings, held, lifeline=lifeline)
        except ConfigurationError as error:
            complain(*error.problems)
            raise SystemExit(NOT_IN_ORDER) from None


def _serve(settings: Settings, listening: socket.socket, *, lifeline: int | None) -> None:
    from limen.app.compose import compose  # noqa: PLC0415 -- everything else hangs from it

    application = compose(settings)
    collector.wake()
    # uvicorn raises the signal it caught once more when it is done, for whoever waited before
    # it: nobody did, and the end it was asked for is not a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _done)
    _Server(settings, application, lifeline=lifeline).run(sockets=[listening])


def _done(*_: object) -> None:
    """Take the signal that was dealt with."""


class _Server(uvicorn.Server):
    """Opens the application before the first request and closes it after the last.

    Not through ASGI's lifespan: what keeps an installation from opening is the operator's to
    read, as one line each, and not a traceback in the log.

    Args:
        settings: Of the process.
        application: What it serves.
        lifeline: Readable, at its end, when the supervisor is gone.
    """

    def __init__(
        self, settings: Settings, application: Application, *, lifeline: int | None
    ) -> None:
        super().__init__(_config(settings, application.asgi))
        self._settings = settings
        self._application = application
        self._lifeline = lifeline
        self._metrics: asyncio.Server | None = None
        self._hang_up: asyncio.Task[None] | None = None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._application.start(worker=self._settings.background.enabled)
        self._metrics = await serve_metrics(self._settings.metrics, workers=self._settings.workers)
        await super().startup(sockets=sockets)
        allow_many_files()
        slow = hang_up_on_the_slow(self.server_state.connections, self._settings.web)
        self._hang_up = asyncio.create_task(slow)
        if self._lifeline is not None:
            os.set_blocking(self._lifeline, False)
            asyncio.get_running_loop().add_reader(self._lifeline, self._supervisor_gone)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets=sockets)
        if self._hang_up is not None:
            self._hang_up.cancel()
        if self._metrics is not None:
            self._metrics.close()
        await self._application.stop()

    def _supervisor_gone(self) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().remove_reader(self._lifeline)
        self.should_exit = True


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol_of(settings.web),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=settings.log.level,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=settings.web.idle_seconds,
    )
