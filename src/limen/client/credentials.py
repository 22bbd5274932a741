"""What a program shows to the server."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from limen.kernel.secret import Secret

TokenSource = Callable[[], str | Secret[str] | Awaitable[str | Secret[str]]]
"""Gives the access token that is good now; asked before every call."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token of our own API, or a function that gives one.

    Args:
        value: The function may be asynchronous.
    """

    value: Secret[str] | TokenSource

    async def current(self) -> Secret[str]:
        """Return the token to show now."""
        found = self.value
        if callable(found):
            given = found()
            found = _secret(await given if inspect.isawaitable(given) else given)
        return found


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key: its owner's, or a service account's."""

    key: Secret[str]

    def __post_init__(self) -> None:
        """Refuse a bare text."""
        demand_secret(self.key, name="key")

    async def current(self) -> Secret[str]:
        """Return the key."""
        return self.key


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client of the server.

    Args:
        client_id: As registered.
        secret: ``None`` for a public client, which can do no more than use people's refresh
            tokens.
    """

    client_id: str
    secret: Secret[str] | None = None

    def __post_init__(self) -> None:
        """Refuse a bare text."""
        if self.secret is not None:
            demand_secret(self.secret, name="secret")


Credentials = AccessToken | ApiKey | ClientSecret


def credentials_of(given: Credentials | str | Secret[str] | TokenSource) -> Credentials:
    """Return typed credentials; a bare text or function is an access token."""
    if isinstance(given, AccessToken | ApiKey | ClientSecret):
        return given
    return AccessToken(given if callable(given) else _secret(given))


def demand_secret(given: object, *, name: str) -> None:
    """Refuse what a log or a traceback would show.

    Raises:
        TypeError: It is no ``Secret``; says how to make one, and nothing of the value.
    """
    if not isinstance(given, Secret):
        raise TypeError(f"{name}: wrap it, {name}=Secret(…), with limen.client.Secret")


def _secret(given: str | Secret[str]) -> Secret[str]:
    return given if isinstance(given, Secret) else Secret(given)
