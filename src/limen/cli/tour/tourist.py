"""Who takes the tour, what they hold, and how it is told."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from limen.settings import Settings
from limen.testing.visitor import Page, Visitor


class TourError(Exception):
    """A step did not give what it should."""


@dataclass(kw_only=True)
class Tourist:
    """A person with a browser, and the app and the machine they will use.

    Attributes:
        settings: Of the server; its database is opened once, to register clients.
        browser: Keeps their cookies.
        told: What each step got, for ``--json``.
        held: What later steps need of earlier ones.
        moved_seconds: By how much the tour moved the clock, to be taken back at the end.
    """

    settings: Settings
    browser: Visitor
    quiet: bool
    email: str = field(default_factory=lambda: f"ada.{secrets.token_hex(4)}@example.com")
    password: str = "violet tractor hums at dawn"  # noqa: S105 -- an example's
    told: list[dict[str, Any]] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)
    moved_seconds: int = 0

    @property
    def base(self) -> str:
        """The server's address."""
        return self.settings.base_url

    def begin(self, title: str) -> None:
        """Tell which step begins."""
        self.told.append({"step": title, "got": {}})
        if not self.quiet:
            print(f"\n{len(self.told)}. {title}", flush=True)

    def got(self, **what: Any) -> None:
        """Tell what the step got."""
        self.told[-1]["got"].update(what)
        if not self.quiet:
            for name, value in what.items():
                print(f"   {name.replace('_', ' '):<14} {value}", flush=True)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Call our API as the person, and return the answer's JSON.

        Raises:
            TourError: If the answer is a refusal.
        """
        page = await self.ask(method, path, body)
        if page.status >= 400:
            raise TourError(f"{path}: {page.status} {page.text[:300]}")
        return page.json()

    async def ask(self, method: str, path: str, body: object = None) -> Page:
        """Call our API as the person, with the token they hold if they hold one."""
        token = self.held.get("api_token", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.browser.fetch(method, path, body=body, headers=headers)


def shortened(secret: str) -> str:
    """Show the beginning of a token: enough to see that it is another one."""
    return f"{secret[:18]}… ({len(secret)} characters)"
