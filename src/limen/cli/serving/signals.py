"""Wait for signals and for children that end, without looking every now and then."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from types import FrameType
from typing import Final

_MOST_BYTES: Final = 4096


class Signals:
    """Sleeps until a child ended or somebody wants this process to; of the main thread alone.

    Whatever came since the last ``wait`` ends the next one at once: nothing is missed that
    happens between a look and the wait after it.

    Attributes:
        asked: The signals that ask for the end, as they came.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        self._before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._handlers = {
            signal.SIGCHLD: signal.signal(signal.SIGCHLD, _noticed),
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._ask),
            signal.SIGINT: signal.signal(signal.SIGINT, self._ask),
        }

    def wait(self, seconds: float | None = None) -> bool:
        """Return once a signal came, or the time is over; say which.

        Args:
            seconds: ``None``: however long it takes.
        """
        ready, _, _ = select.select([self._reading], [], [], seconds)
        if ready:
            # One byte a signal; those of one look are dealt with together.
            with contextlib.suppress(BlockingIOError):
                os.read(self._reading, _MOST_BYTES)
        return bool(ready)

    def close(self) -> None:
        """Leave signals as they were."""
        signal.set_wakeup_fd(self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.asked.append(number)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """Take the signal: what matters is that it woke us."""
