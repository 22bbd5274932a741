"""A running Limen, its simulated providers, and browsers that sign in with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from limen.simulators import drive
from limen.testing.visitor import Page
from tests.installation import Installation, Watched

GOOGLE = "/dev/providers/google"
NOTION = "/dev/providers/notion"
_LEAKS = ("Traceback", "SELECT ", "limen_", "site-packages", "sqlite", "asyncpg")


@dataclass
class Social:
    """What a case does with a provider."""

    limen: Installation

    async def order(self, provider: str = GOOGLE, **order: Any) -> dict[str, Any]:
        """Make a provider misbehave."""
        page = await self.limen.api.fetch("POST", f"{provider}/_control", body=order)
        assert page.status == 200, page.text
        return dict(page.json())

    async def calls(self, operation: str, provider: str = GOOGLE) -> int:
        """How often an operation of a provider was asked for."""
        page = await self.limen.api.fetch("GET", f"{provider}/_control")
        return int(page.json()["calls"].get(operation, 0))

    async def person_at_provider(self, sub: str, email: str, **more: Any) -> None:
        """Give the simulated Google another account."""
        account = {"sub": sub, "email": email, "name": "Somebody", **more}
        await self.order(accounts=[account])

    async def leave(self, browser: Watched, provider: str = "google") -> str:
        """Start signing in; return the provider's URL."""
        page = await browser.fetch("GET", f"/api/v1/auth/oauth2/{provider}/start")
        assert page.status == 303, page.text
        return page.headers["location"]

    async def approve(self, url: str, *, account: str = "", untick: Collection[str] = ()) -> str:
        """Consent at the provider; return the callback's URL."""

        async def fetch(method: str, where: str, body: bytes) -> drive.Page:
            form = dict(parse_qsl(body.decode())) if body else None
            page = await self.limen.api.fetch(method, where, form=form)
            return drive.Page(page.status, page.headers.get("location", ""), page.text)

        return await drive.approve(fetch, url, account=account, untick=untick)

    async def callback(self, browser: Watched, **approval: Any) -> str:
        """Leave and consent; return the callback's URL, not yet opened."""
        return await self.approve(await self.leave(browser), **approval)

    async def sign_in(self, browser: Watched, **approval: Any) -> Page:
        """The whole way."""
        return await browser.fetch("GET", await self.callback(browser, **approval))

    async def refused(self, browser: Watched, url: str, *, status: int = 400) -> str:
        """Open a callback, be refused on our own page, and find nobody signed in."""
        before = browser.cookies()
        page = await browser.fetch("GET", url)
        assert page.status == status, (page.status, page.headers.get("location"), page.text[:500])
        assert "location" not in page.headers
        assert page.has("error-page")
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert not [leak for leak in _LEAKS if leak in page.text]
        assert session_of(browser.cookies()) == session_of(before)
        return page.text.partition('id="error-code">')[2].partition("<")[0]


def session_of(cookies: dict[str, str]) -> str:
    """The session cookie's value, or nothing."""
    return next((value for name, value in cookies.items() if "lm_session" in name), "")


def changed(url: str, **changes: str | None) -> str:
    """Change a URL's query; ``None`` removes."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(kept)))


def moved(url: str, path: str) -> str:
    """The same query at another path."""
    return urlunsplit(urlsplit(url)._replace(path=path))
