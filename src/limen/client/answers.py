"""What calls return."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limen.kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionToken:
    """A third party's access token.

    Attributes:
        value: Revealed only where it is sent.
        expires_at: ``None``: the provider does not say.
        generation: Counts up with each refresh; 0 if the server did not tell.
        scopes: Everything that it allows, whatever was asked for.
        connection_id: Whose it is; empty where it was found by its provider, by exchange.
    """

    value: Secret[str]
    expires_at: dt.datetime | None
    generation: int
    scopes: tuple[str, ...]
    connection_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a person's browser goes.

    Attributes:
        url: ``None``: nothing is left to be asked, it is done.
        expires_in: In seconds.
    """

    url: str | None
    expires_in: int | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Way:
        """Read an answer."""
        url = told.get("link_url") or told.get("authorization_url")
        return cls(url=url, expires_in=told.get("expires_in"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRequest:
    """Whether a person shares a connection, as they were asked.

    Attributes:
        state: ``pending`` until they answer or ``expires_in`` is over (``expired``).
        url: Where their browser goes; told once, when it is asked.
        connection_id: What they shared, once it is ``completed``.
        reason: Why it is ``refused``: ``declined``, they said no.
        expires_in: In seconds.
        interval: How many seconds to wait before looking again.
    """

    id: str
    provider: str
    state: Literal["pending", "completed", "refused", "expired"]
    url: str = field(default="", repr=False)
    connection_id: str = ""
    reason: str = ""
    expires_in: int = 0
    interval: int = 5

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> SharingRequest:
        """Read an answer."""
        return cls(
            id=told["id"],
            provider=told["provider"],
            state=told["state"],
            url=told.get("url", ""),
            connection_id=told.get("connection_id", ""),
            reason=told.get("reason", ""),
            expires_in=told["expires_in"],
            interval=told["interval"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of a report.

    Attributes:
        advice: ``use_newer``: ask for the token, it is another one; ``wait``: so new that
            another would be no better; ``check_features``: good, and not for what was asked.
    """

    advice: Literal["use_newer", "wait", "check_features"]
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection as its owner sees it.

    Attributes:
        state: ``active`` and others of docs/guides/connections.md.
        features: Each with its state.
        more: The whole answer, with what newer servers tell besides.
    """

    id: str
    provider: str
    account: str
    state: str
    reason: str
    advice: str
    scopes: tuple[str, ...]
    features: Mapping[str, str]
    generation: int
    more: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Connection:
        """Read an answer."""
        return cls(
            id=told["id"],
            provider=told["provider"],
            account=told["account"],
            state=told["state"],
            reason=told["reason"],
            advice=told["advice"],
            scopes=tuple(told["scopes"]),
            features=dict(told["features"]),
            generation=told["generation"],
            more=told,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Something that can be switched on over a connection."""

    name: str
    title: str
    state: Literal["active", "missing", "denied", "needs_admin"]
    missing_scopes: tuple[str, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Feature:
        """Read an answer."""
        missing = tuple(told["missing_scopes"])
        return cls(
            name=told["name"], title=told["title"], state=told["state"], missing_scopes=missing
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxied:
    """What the provider's API answered, through Limen."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
