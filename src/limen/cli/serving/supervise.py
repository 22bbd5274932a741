"""Several serving processes on one socket: started, replaced, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import Final

from limen.cli import collector
from limen.cli.serving.signals import Signals
from limen.observe import logger

_LOG = logger("supervisor")
_STOP_SECONDS: Final = 28.0
_YOUNG_SECONDS: Final = 5.0
_MOST_YOUNG_DEATHS: Final = 5
NOT_IN_ORDER: Final = 78
"""The exit status (EX_CONFIG) of a worker that can't run as configured; nor could another."""


class _Workers:
    """The processes, as many as wanted.

    Args:
        listening: The socket they share.
        lifeline: The reading end of a pipe: closed writing end, no supervisor.
    """

    def __init__(self, listening: socket.socket, *, lifeline: int) -> None:
        self._handles = (listening.fileno(), lifeline)
        self._alive: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self.young_deaths = 0

    def start(self) -> None:
        told = ":".join(map(str, self._handles))
        process = subprocess.Popen(  # noqa: S603 -- ourselves
            [sys.executable, "-m", "limen", "serve", "--worker", told], pass_fds=self._handles
        )
        self._alive[process.pid] = (process, time.monotonic())

    def replace_dead(self) -> None:
        """Start one for each that ended; several that end young tell of a fault that stays."""
        for pid, (process, since) in list(self._alive.items()):
            status = process.poll()
            if status is None:
                continue
            del self._alive[pid]
            young = time.monotonic() - since < _YOUNG_SECONDS
            self.young_deaths = self.young_deaths + 1 if young else 0
            _LOG.warning("worker ended", pid=pid, status=status, young=young)
            if status == NOT_IN_ORDER:
                self.young_deaths = _MOST_YOUNG_DEATHS
            if self.young_deaths < _MOST_YOUNG_DEATHS:
                self.start()

    def stop(self, signals: Signals) -> int:
        """Ask all to end, wait, and end those that do not; return the exit status."""
        for process, _ in self._alive.values():
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while self._still_there() and (left := deadline - time.monotonic()) > 0:
            signals.wait(left)
        late = self._still_there()
        for process in late:
            process.kill()
            process.wait()
        return 1 if late else 0

    def _still_there(self) -> list[subprocess.Popen[bytes]]:
        return [process for process, _ in self._alive.values() if process.poll() is None]


def supervise(listening: socket.socket, *, workers: int) -> int:
    """Keep that many workers serving until SIGTERM or SIGINT; return the exit status."""
    lifeline, held = os.pipe()
    signals = Signals()
    crew = _Workers(listening, lifeline=lifeline)
    for _ in range(workers):
        crew.start()
    collector.wake()
    while not signals.asked and crew.young_deaths < _MOST_YOUNG_DEATHS:
        signals.wait()
        crew.replace_dead()
    status = crew.stop(signals)
    signals.close()
    os.close(held)
    os.close(lifeline)
    return status if signals.asked else 3
