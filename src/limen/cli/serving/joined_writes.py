"""Connections that send what is written in one turn of the loop in one piece, one after the other.

uvicorn writes an answer's head and then its body, and uvloop hands each to the kernel at once. Each
of these calls wakes a peer, after which the processor has forgotten what it was about to run: on a
virtual machine that costs a seventh of a request for a machine's token. So answers wait for those
of the other requests that arrived together with theirs, though never for long.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from typing_extensions import override

_MOST_COPIED_BYTES: Final = 64 * 1024
"""What is larger is worth a system call of its own rather than a copy."""
_MOST_SECONDS: Final = 0.001
"""How long an answer may wait for others; checked whenever one more is ready."""


class Turn:
    """What was written on all connections of a server since the loop last went round.

    Args:
        most_seconds: What has waited for longer is sent at once.
    """

    def __init__(self, *, most_seconds: float = _MOST_SECONDS) -> None:
        self._most_seconds = most_seconds
        self._waiting: list[JoinedWrites] = []
        self._since = 0.0
        self._comes = False

    def add(self, connection: JoinedWrites) -> None:
        """Have a connection's writes sent with the others'."""
        now = time.monotonic()
        if not self._waiting:
            self._since = now
            if not self._comes:
                self._comes = True
                asyncio.get_running_loop().call_soon(self._end)
        elif now - self._since > self._most_seconds:
            self._send()
            self._since = now
        self._waiting.append(connection)

    def _end(self) -> None:
        self._comes = False
        self._send()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.send()
            except Exception as error:  # noqa: BLE001 -- the answers after it are other people's
                connection.abort()
                told = {"message": "an answer was not sent", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)


class JoinedWrites(asyncio.Transport):
    """A transport around another one, whose writes wait for the end of the turn.

    Args:
        transport: Of the connection.
        turn: The server's.
    """

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        super().__init__()
        self._transport = transport
        self._turn = turn
        self._waiting = b""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if len(data) > _MOST_COPIED_BYTES:
            self.send()
            self._transport.write(data)
        elif not self._waiting:
            self._waiting = bytes(data)
            self._turn.add(self)
        else:
            self._waiting += data
            if len(self._waiting) > _MOST_COPIED_BYTES:
                self.send()

    @override
    def close(self) -> None:
        self.send()
        self._transport.close()

    @override
    def abort(self) -> None:
        self._waiting = b""
        self._transport.abort()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def send(self) -> None:
        """Hand what waits to the kernel."""
        waiting, self._waiting = self._waiting, b""
        if waiting and not self._transport.is_closing():
            self._transport.write(waiting)
