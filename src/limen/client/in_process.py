"""Calls into a Limen of this process: the same routes and the same checks, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from limen.client.transport import Answer, Call

CALLER: Final = "limen.caller"
"""Where the scope names who asks. No server puts it there: it can't come from outside."""

Message = MutableMapping[str, Any]
AsgiApp = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class InProcess:
    """An application of this process.

    Args:
        app: What a server would run.
        url: Its base URL; the path of a tenant may follow.
        root_path: Where it is mounted, as the URL has it.
    """

    def __init__(self, app: AsgiApp, *, url: str, root_path: str = "") -> None:
        self._app = app
        self.issuer = url.rstrip("/")
        self._url = urlsplit(self.issuer)
        self._root = root_path

    async def send(self, call: Call) -> Answer:
        """Run the application for one call."""
        exchange = _Exchange(call.body or b"")
        await self._app(self._scope(call), exchange.receive, exchange.send)
        return exchange.answer()

    async def close(self) -> None:
        """Hold nothing."""

    def _scope(self, call: Call) -> Message:
        path, _, query = call.path.partition("?")
        raw = self._url.path + path
        told = {"host": self._url.netloc, **call.headers}
        if call.body is not None:
            told["content-length"] = str(len(call.body))
        scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": call.method,
            "scheme": self._url.scheme,
            "path": unquote(raw),
            "raw_path": raw.encode("ascii"),
            "root_path": self._root,
            "query_string": query.encode("ascii"),
            "headers": [
                (name.encode("latin-1"), text.encode("latin-1")) for name, text in told.items()
            ],
            "client": ("127.0.0.1", 0),
            "server": (self._url.hostname, self._url.port),
            "state": {},
        }
        if call.actor is not None:
            scope[CALLER] = call.actor
        return scope


class _Exchange:
    """What goes in and what comes out of one call."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = 500
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._over = asyncio.Event()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message.get("headers", ())
            }
        elif message["type"] == "http.response.body":
            self._chunks.append(message.get("body", b""))
            if not message.get("more_body"):
                self._over.set()

    def answer(self) -> Answer:
        return Answer(status=self._status, headers=self._headers, body=b"".join(self._chunks))
