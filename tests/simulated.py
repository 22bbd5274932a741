"""The simulated providers on loopback, real HTTP, for tests; and a person who clicks there."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from limen.kernel.clock import Clock
from limen.simulators import providers
from limen.simulators.drive import Page, approve
from tests.patience import KEPT_SECONDS

ADA = "108000000000000000001"
GRACE = "108000000000000000002"
MALLORY = "108000000000000000003"
NOTION_ADA = "3c6a28ac-0000-4000-8000-000000000001"
NOTION_GRACE = "3c6a28ac-0000-4000-8000-000000000002"


@dataclass(frozen=True)
class Simulated:
    """Every simulated provider, and the orders it takes.

    Args:
        base_url: What the server under test is told; ``{base_url}/google`` is Google.
        http: Follows nothing.
    """

    base_url: str
    http: httpx2.AsyncClient

    async def approve(
        self,
        authorize_url: str,
        *,
        account: str = "",
        untick: Collection[str] = (),
        deny: bool = False,
    ) -> str:
        """Consent as a person would; return the callback's URL."""

        async def fetch(method: str, url: str, body: bytes) -> Page:
            form = {"content-type": "application/x-www-form-urlencoded"} if body else {}
            answer = await self.http.request(method, url, content=body, headers=form)
            return Page(answer.status_code, answer.headers.get("location", ""), answer.text)

        return await approve(fetch, authorize_url, account=account, untick=untick, deny=deny)

    async def order(self, provider: str, **order: Any) -> dict[str, Any]:
        """Make a provider misbehave, or well again."""
        url = f"{self.base_url}/{provider}/_control"
        answer = await self.http.post(url, json=order)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def seen(self, provider: str) -> dict[str, Any]:
        """What a provider saw so far."""
        answer = await self.http.get(f"{self.base_url}/{provider}/_control")
        told: dict[str, Any] = answer.json()
        return told


def query_of(url: str) -> dict[str, str]:
    """The query of a URL."""
    return dict(parse_qsl(urlsplit(url).query))


@contextlib.contextmanager
def serving(clock: Clock, *, path: str = "") -> Iterator[str]:
    """Serve the simulators from a thread until the block ends; yield their base URL.

    Args:
        clock: What they are told the time by.
        path: Below which they stand.
    """
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # who comes before the thread is ready waits, and is not refused
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
    simulators = Mount(path, providers(base_url=base_url, clock=clock))
    application = Starlette(routes=[simulators])
    config = uvicorn.Config(
        application, lifespan="off", ws="none", log_config=None, timeout_keep_alive=KEPT_SECONDS
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield base_url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
