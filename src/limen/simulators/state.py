"""What a simulated provider remembers, in memory or in a file that several processes share."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

FaultKind = Literal["drop", "drop_before", "status", "html", "array", "huge", "slow", "error"]


class Account(BaseModel):
    """A person at the provider.

    Attributes:
        members: More of what answers say of the account, by JSON pointer.
    """

    sub: str
    email: str
    name: str
    email_verified: bool = True
    hd: str = ""
    workspace_id: str = ""
    workspace_name: str = ""
    members: dict[str, Any] = {}


class Client(BaseModel):
    """An application registered at the provider; any redirect URI when none is registered.

    Attributes:
        older_secrets: Also taken, as while one is rotated.
        public_keys: PEM, for what is signed in the place of a secret.
        access_seconds: How long its access tokens live; ``None`` is the vendor's own way.
        expires: Whether tokens expire and rotate where that is a choice.
    """

    client_id: str
    secret: str
    older_secrets: list[str] = []
    public_keys: list[str] = []
    name: str = "Limen"
    redirect_uris: list[str] = []
    access_seconds: int | None = None
    expires: bool = False


class Asked(BaseModel):
    """An authorization request somebody is looking at."""

    params: dict[str, str]
    sub: str = ""


class Code(BaseModel):
    """An authorization code and what it stands for."""

    client_id: str
    sub: str
    scopes: list[str]
    redirect_uri: str | None
    challenge: str = ""
    nonce: str = ""
    offline: bool = False
    expires_at: dt.datetime


class Token(BaseModel):
    """An access or refresh token.

    Attributes:
        expires_at: ``None`` where the provider sets no end.
        granted_at: When the person agreed.
        family: Of one consent; refreshing stays in it.
        superseded_at: A successor was given then; within a grace it works on.
    """

    client_id: str
    sub: str
    scopes: list[str]
    expires_at: dt.datetime | None = None
    issued_at: dt.datetime
    granted_at: dt.datetime | None = None
    family: str = ""
    superseded_at: dt.datetime | None = None


class Key(BaseModel):
    """A credential of a person's own: an API key, or a user name and password around a colon."""

    sub: str
    expires_at: dt.datetime | None = None


class SigningAccount(BaseModel):
    """A service account: it signs for tokens.

    Attributes:
        public_key: PEM.
        may_speak_for: Whom it may impersonate.
    """

    public_key: str
    may_speak_for: list[str] = []


class Fault(BaseModel):
    """One failure to come, at the next call of an operation.

    ``drop`` does the work and then cuts the connection, so that the caller can't know;
    ``drop_before`` cuts it without doing anything; ``error`` answers an OAuth error.
    """

    kind: FaultKind
    status: int = 500
    error: str = "invalid_client"
    retry_after: int | None = None
    seconds: float = 0.0


class Lies(BaseModel):
    """What a provider does wrongly until told otherwise; ``None`` in a mapping removes a member.

    Attributes:
        untick: Scopes that people leave out, whatever they tick.
        switch_account: The subject that whoever consents turns out to be.
        secret_expired: No client is known by its secret any more.
    """

    skew_seconds: float = 0.0
    latency_seconds: float = 0.0
    untick: list[str] = []
    id_token: dict[str, Any] = {}
    id_token_unsigned: bool = False
    userinfo: dict[str, Any] = {}
    callback: dict[str, str | None] = {}
    token_response: dict[str, Any] = {}
    refresh_kills_access: bool = False
    switch_account: str = ""
    secret_expired: bool = False


class Redemptions(BaseModel):
    """How often a refresh token was shown to the token endpoint, and how often it worked."""

    presented: int = 0
    accepted: int = 0


class State(BaseModel):
    """Everything one simulated provider knows."""

    clients: dict[str, Client] = {}
    accounts: dict[str, Account] = {}
    asked: dict[str, Asked] = {}
    codes: dict[str, Code] = {}
    access: dict[str, Token] = {}
    refresh: dict[str, Token] = {}
    keys: dict[str, Key] = {}
    service_accounts: dict[str, SigningAccount] = {}
    assertions: list[str] = []
    consented: dict[str, list[str]] = {}
    faults: dict[str, list[Fault]] = {}
    lies: Lies = Field(default_factory=Lies)
    calls: dict[str, int] = {}
    redemptions: dict[str, Redemptions] = {}
    revocations: list[str] = []
    key_pem: str = ""


class Store:
    """Hand out the state for one change at a time.

    Args:
        initial: What the provider knows at first.
        path: A SQLite file to keep it in; ``None`` keeps it in this process.
    """

    def __init__(self, initial: State, *, path: Path | None = None) -> None:
        self._initial = initial.model_dump_json()
        self._state = initial
        self._path = path

    @contextlib.contextmanager
    def change(self) -> Iterator[State]:
        """Yield the state; what was changed in it is kept, unless the block raises.

        The block must not await: in memory nothing else runs meanwhile, in a file the write
        lock is held.
        """
        if self._path is None:
            yield self._state
            return
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as file:
            file.execute("PRAGMA busy_timeout=5000")
            file.execute("CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY, body TEXT)")
            file.execute("BEGIN IMMEDIATE")
            row = file.execute("SELECT body FROM state WHERE one = 1").fetchone()
            state = State.model_validate_json(row[0] if row else self._initial)
            yield state
            file.execute("REPLACE INTO state VALUES (1, ?)", (state.model_dump_json(),))
            file.execute("COMMIT")

    def reset(self) -> None:
        """Forget everything since the start but the signing key, which clients may have read."""
        fresh = State.model_validate_json(self._initial)
        with self.change() as state:
            for name in State.model_fields.keys() - {"key_pem"}:
                setattr(state, name, getattr(fresh, name))
