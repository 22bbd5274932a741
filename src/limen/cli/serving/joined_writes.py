"""A connection that sends what is written in one turn of the loop in one piece.

uvicorn writes an answer's head and then its body, and uvloop hands each to the kernel at once: two
system calls, of which each wakes the peer. The second costs as much as a twentieth of a request.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from typing_extensions import override

_MOST_COPIED_BYTES: Final = 64 * 1024
"""What is larger is worth a system call of its own rather than a copy."""


class JoinedWrites(asyncio.Transport):
    """A transport around another one: the first write of a turn waits for the second.

    Args:
        transport: Of the connection.
        loop: The one it is served on; at its next turn at the latest what waits is sent.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting = b""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if len(data) > _MOST_COPIED_BYTES:
            self._send()
            self._transport.write(data)
        elif self._waiting:
            self._waiting += data
            self._send()
        elif data:
            self._waiting = bytes(data)
            self._loop.call_soon(self._send)

    @override
    def close(self) -> None:
        self._send()
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

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, b""
        if waiting and not self._transport.is_closing():
            self._transport.write(waiting)
