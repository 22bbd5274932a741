"""A tenant with a user and two clients, and short ways to use its tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.db.work import Work, Works
from limen.kernel.events import Event
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.testing.clock import FrozenClock
from limen.tokens import principals
from limen.tokens.grant import NewGrant
from limen.tokens.issue_access_token import (
    AccessTokenSpec,
    IssuedToken,
    issue_access_token,
    spec_for,
)
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.look_up import ActiveToken, look_up
from limen.tokens.redeem_refresh import Presented, Refreshed, redeem_refresh
from limen.tokens.start_grant import Started, start_grant
from tests.unit.crypto.kit import fresh, with_keys

T = TypeVar("T")
API = "https://api.example"
MINUTES = dt.timedelta(minutes=15)


class Tokens:
    """One process over the test's database."""

    def __init__(self, works: Works, site: Site, clock: FrozenClock) -> None:
        self.works, self.site, self.clock = works, site, clock
        self.lifetimes = TokenLifetimes()
        crypto = fresh()
        self.envelope: Envelope = crypto.envelope
        self.keyring: Keyring = crypto.keyring
        self.heard: list[Event] = []

    async def run(self, body: Callable[[Work], Awaitable[T]]) -> T:
        return await self.works.run(self.site, body)

    def node(self) -> Tokens:
        """Another process, with empty caches."""
        return Tokens(self.works, self.site, self.clock)

    def new(self, **changes: Any) -> NewGrant:
        made: dict[str, Any] = {
            "client_id": "app",
            "user_id": "ada",
            "subject": "ada",
            "scope": ("openid", "read"),
            "resources": (API,),
            "authenticated_at": self.clock.now(),
            "session_id": "s1",
            "expires_at": self.clock.now() + dt.timedelta(days=30),
            "refreshable": True,
            **changes,
        }
        if made["session_id"] is None:
            made["expires_at"] = None
        return NewGrant(**made)

    async def start(self, **changes: Any) -> Started:
        async def body(work: Work) -> Started:
            return await start_grant(
                work, envelope=self.envelope, lifetimes=self.lifetimes, new=self.new(**changes)
            )

        return await self.run(body)

    async def redeem(self, raw: Secret[str], **changes: Any) -> Refreshed:
        presented = Presented(**{"raw": raw, "client_id": "app", "rotate": True, **changes})

        async def body(work: Work) -> Refreshed:
            return await redeem_refresh(
                work, envelope=self.envelope, lifetimes=self.lifetimes, presented=presented
            )

        return await self.run(body)

    async def access(self, started: Started | Refreshed, **changes: Any) -> IssuedToken:
        spec = spec_for(started.grant, scope=("read",), audience=API, ttl=MINUTES)
        return await self.issue(spec._replace(**changes))

    async def own(self, **changes: Any) -> IssuedToken:
        """A client's own token."""
        spec: dict[str, Any] = {
            "client_id": "app",
            "subject": "app",
            "audience": API,
            "scope": ("read",),
            "ttl": MINUTES,
            "grant_id": None,
            **changes,
        }
        return await self.issue(AccessTokenSpec(**spec))

    async def issue(self, spec: AccessTokenSpec) -> IssuedToken:
        async def body(work: Work) -> IssuedToken:
            return await issue_access_token(work, keyring=self.keyring, spec=spec)

        return await self.run(body)

    async def look_up(self, raw: Secret[str]) -> ActiveToken | None:
        async def body(work: Work) -> ActiveToken | None:
            return await look_up(work, keyring=self.keyring, envelope=self.envelope, raw=raw)

        return await self.run(body)

    async def is_active(self, raw: Secret[str] | None) -> bool:
        assert raw is not None
        return await self.look_up(raw) is not None

    async def set_enabled(self, who: str, *, enabled: bool) -> None:
        async def body(work: Work) -> None:
            change = principals.enable if enabled else principals.disable
            await change(work, principal_id=who)

        await self.run(body)

    def listen(self) -> list[Event]:
        self.heard.clear()
        return self.heard

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.heard]


async def make_tokens(works: Works, site: Site, clock: FrozenClock) -> Tokens:
    await with_keys(works, site)
    tokens = Tokens(works, site, clock)

    async def hear(_work: Work, event: Event) -> None:
        tokens.heard.append(event)

    async def body(work: Work) -> None:
        for user in ("ada", "bob"):
            await principals.put(work, kind="user", principal_id=user)
        for client in ("app", "other"):
            await principals.put(work, kind="client", principal_id=client)

    await works.run(site, body)
    works.recorders = [hear]
    return tokens
