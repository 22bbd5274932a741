"""N255: kill -9 between what a request uses up and what it issues; then its sender tries again."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from limen.testing.visitor import Page, Visitor
from tests.servers import PASSWORD, Server

pytestmark = pytest.mark.anyio
EMAIL = "ada@crashes.example"
CALLBACK = "https://app.example/callback"
SCOPE = "openid offline_access"
KILLED = 137


class Client:
    """A public client of one server, and its user's browser."""

    def __init__(self, server: Server, browser: Visitor) -> None:
        self.server = server
        self.browser = browser
        self.client_id: str = server.cli(
            *("client", "create", "app", "--type", "spa"),
            *("--redirect-uri", CALLBACK, "--scope", SCOPE),
        )["client_id"]

    async def code(self) -> dict[str, str]:
        """Have a code issued; return the form that redeems it."""
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        page = await self.browser.authorize(
            f"/oauth2/authorize?{urlencode(query)}", email=EMAIL, password=PASSWORD
        )
        return {
            "grant_type": "authorization_code",
            "code": page.query["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
            "client_id": self.client_id,
        }

    async def token(self, form: dict[str, str]) -> Page:
        """Ask the token endpoint."""
        return await self.browser.fetch("POST", "/oauth2/token", form=form)

    def refreshing(self, tokens: Any) -> dict[str, str]:
        """Return the form that refreshes."""
        return {
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
            "client_id": self.client_id,
        }

    async def dies(self, point: str, form: dict[str, str]) -> None:
        """Restart armed, have a token request end at the point, restart harmless."""
        self.server.stop()
        self.server.environment["LIMEN_FAILPOINTS"] = f"web.{point} /oauth2/token"
        await self._start()
        with pytest.raises(aiohttp.ClientError):
            await self.token(form)
        assert self.server.wait_dead() == KILLED
        del self.server.environment["LIMEN_FAILPOINTS"]
        await self._start()

    async def _start(self) -> None:
        self.server.start()
        with contextlib.suppress(aiohttp.ClientError):  # the connection to the one before is dead
            await self.browser.fetch("GET", "/healthz")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = Server(tmp_path)
    server.start()
    try:
        server.create_user(EMAIL)
        async with Visitor(server.base_url) as browser:
            yield Client(server, browser)
    finally:
        if server.is_running:
            server.stop()


async def test_n255_a_code_is_redeemed_once_whenever_the_server_dies(client: Client) -> None:
    before = await client.code()
    await client.dies("before_commit", before)
    assert (await client.token(before)).status == 200  # nothing of the first try is left
    after = await client.code()
    await client.dies("after_commit", after)
    again = await client.token(after)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")


async def test_n255_a_refresh_that_was_not_heard_is_repeated(client: Client) -> None:
    tokens = (await client.token(await client.code())).json()
    for point in ("before_commit", "after_commit"):
        await client.dies(point, client.refreshing(tokens))
        answer = await client.token(client.refreshing(tokens))
        assert answer.status == 200, (point, answer.text)
        tokens = answer.json()
    assert (await client.token(client.refreshing(tokens))).status == 200
