"""A token endpoint that costs next to nothing: it answers every request after a while, alike.

What it answers is right for a refresh and for nothing else; how providers behave is what the
simulators are for. Here only our own cost is wanted, and a machine's cores are few.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from typing import Final, cast

import uvloop
from typing_extensions import override

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_NUMBERS: Final = itertools.count(1)
_PADDING: Final = "x" * 200
"""Access tokens of providers have hundreds of characters."""


class TokenEndpoint(asyncio.Protocol):
    """One kept-alive connection, one request at a time.

    Args:
        latency_seconds: From having a request to sending its answer.
    """

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._read = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Answer once a whole request is there."""
        self._read += data
        head, found, body = self._read.partition(_HEAD_END)
        if found and len(body) >= _body_bytes(head):
            self._read = b""
            self._loop.call_later(self._latency_seconds, self._answer)

    def _answer(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        number = next(_NUMBERS)
        told = {
            "access_token": f"access-{number}-{_PADDING}",
            "refresh_token": f"refresh-{number}-{_PADDING[:100]}",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._transport.write(head.encode() + _HEAD_END + body)


def _body_bytes(head: bytes) -> int:
    low = head.lower()
    at = low.find(_LENGTH)
    return 0 if at < 0 else int(low[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


async def _serve(port: int, latency_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: TokenEndpoint(latency_seconds), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
