"""What the way in is built from; handed in by the composition root."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work, Works
from limen.hooks.ask import Hooks
from limen.signin.door import Door
from limen.signin.token_pair import Mint
from limen.tokens.lifetimes import TokenLifetimes
from limen.web.languages.words import Words
from limen.web.pages import Pages

TEMPLATES: Final = Path(__file__).parent / "templates"
"""For ``Pages``: this capability's templates."""


@dataclass(frozen=True, slots=True)
class ProviderButton:
    """A sign-in provider as the page offers it.

    Args:
        id: Names it in URLs.
        name: What people call it.
        status: Whether it answers us as its client.
    """

    id: str
    name: str
    status: Literal["ok", "failing"] = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The application that somebody signs in to go on to, as the page shows it.

    Args:
        name: As it calls itself.
        host: Where its answer goes; empty for what is on the person's own device.
        logo: Where ours of its logo is, under the tenant's root; empty for none.
        warning: What speaks against believing the name.
        links: What it links to, each with the text of the link.
    """

    name: str
    host: str = ""
    logo: str = ""
    warning: Words | None = None
    links: Sequence[tuple[str, str]] = ()


ListProviders = Callable[[Work], Awaitable[Sequence[ProviderButton]]]
ReadCookie = Callable[[str], str | None]
WhoAsks = Callable[[Work, str, ReadCookie], Awaitable[Asking | None]]
"""Says which application waits behind a path of ours, to the browser that it waits for."""


async def nobody_asks(_: Work, _path: str, _cookie: ReadCookie) -> Asking | None:
    """Name none: whoever comes signs in for our own pages."""
    return None


async def no_providers(_: Work) -> Sequence[ProviderButton]:
    """Offer none: every provider is off until configured."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes share.

    Args:
        hooks: Asked before a sign-up and before a token; ``None`` where nobody can be.
        list_providers: Which providers the tenant offers for sign-in.
        who_asks: Which application somebody signs in for.
        access_ttl: Of first-party access tokens.
    """

    works: Works
    pages: Pages
    envelope: Envelope
    keyring: Keyring
    hasher: PasswordHasher
    lifetimes: TokenLifetimes
    hooks: Hooks | None = None
    list_providers: ListProviders = no_providers
    who_asks: WhoAsks = nobody_asks
    access_ttl: dt.timedelta = dt.timedelta(minutes=15)

    @property
    def door(self) -> Door:
        """What signing in needs."""
        return Door(works=self.works, envelope=self.envelope, hasher=self.hasher)

    @property
    def mint(self) -> Mint:
        """What makes tokens."""
        return Mint(
            keyring=self.keyring,
            envelope=self.envelope,
            lifetimes=self.lifetimes,
            hooks=self.hooks,
            ttl=self.access_ttl,
        )
