"""A person with connections at real server processes, which may be killed at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from limen.simulators import drive
from limen.testing.visitor import Page, Visitor
from tests.servers import PASSWORD, Server

SETTINGS = {
    "LIMEN_VAULT_DEADLINE_SECONDS": "4",
    "LIMEN_VAULT_LEASE_SECONDS": "5",
    "LIMEN_VAULT_WAIT_SECONDS": "14",
    "LIMEN_BACKGROUND_POLL_SECONDS": "0.2",
}


@dataclass
class Holder:
    """Somebody signed in at a server.

    Args:
        browser: Keeps their cookies through restarts.
    """

    server: Server
    browser: Visitor

    async def sign_in(self, email: str) -> None:
        """Sign in on the page."""
        page = await self.browser.sign_in(email, PASSWORD)
        assert page.status == 200, page.text[:500]

    async def order(self, provider: str, **order: Any) -> None:
        """Make a simulated provider misbehave."""
        page = await self.browser.fetch("POST", f"/dev/providers/{provider}/_control", body=order)
        assert page.status == 200, page.text

    async def redemptions(self, provider: str) -> dict[str, dict[str, int]]:
        """How often each refresh token was shown to a provider, and accepted."""
        page = await self.browser.fetch("GET", f"/dev/providers/{provider}/_control")
        return dict(page.json()["redemptions"])

    async def connect(self, provider: str, sub: str) -> str:
        """Connect a new external account; return the connection's id."""
        account = {"sub": sub, "email": f"{sub}@example.test", "name": sub, "workspace_id": "w"}
        await self.order(provider, accounts=[account])
        before = {each["id"] for each in await self.connections()}
        page = await self.browser.open(f"/account/connect/{provider}")
        form = page.form_with("connect-continue")
        left = await self.browser.fetch("POST", form.action, form=form.fields)
        assert left.status == 303, left.text[:500]

        async def fetch(method: str, url: str, body: bytes) -> drive.Page:
            given = dict(parse_qsl(body.decode())) if body else None
            answer = await self.browser.fetch(method, url, form=given)
            return drive.Page(answer.status, answer.headers.get("location", ""), answer.text)

        callback = await drive.approve(fetch, left.headers["location"], account=sub)
        assert (await self.browser.fetch("GET", callback)).status == 303
        after = {each["id"] for each in await self.connections()}
        (made,) = after - before
        return str(made)

    async def connections(self) -> list[dict[str, Any]]:
        """Their connections."""
        page = await self.browser.fetch("GET", "/api/v1/oauth/connections")
        assert page.status == 200, page.text
        return list(page.json()["items"])

    async def token(self, connection_id: str, **query: int) -> Page:
        """Ask for a token."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        path = f"/api/v1/oauth/connections/{connection_id}/token?{asked}"
        return await self.browser.fetch("GET", path)

    async def advance(self, seconds: int) -> None:
        """Move the development clock."""
        page = await self.browser.fetch("POST", "/dev/clock", body={"advance_seconds": seconds})
        assert page.status == 200, page.text
