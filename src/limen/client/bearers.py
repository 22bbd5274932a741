"""Our own tokens: which one a call is made with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from limen.client.credentials import AccessToken, ApiKey, ClientSecret, Credentials
from limen.client.refusals import Unauthorized
from limen.client.remembered import Remembered
from limen.client.transport import FORM, Call, Transport, basic, bearer
from limen.client.users import (
    Anyone,
    Me,
    OnBehalfOf,
    Tenant,
    User,
    Whom,
    WithAccessToken,
    WithRefreshToken,
)
from limen.kernel.actor import Actor
from limen.kernel.clock import Clock
from limen.kernel.secret import Secret

_BRIEF: Final = dt.timedelta(seconds=60)
_MACHINE: Final = "machine"
MACHINE_SCOPE: Final = "connections:token"
ASKING_SCOPE: Final = "connections:ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who a call speaks for.

    Args:
        owner: Whose connections: ``tenant``, or empty for one's own.
    """

    headers: Mapping[str, str]
    actor: Actor | None = None
    owner: str = ""


class Bearers:
    """Finds, obtains and renews our own tokens.

    Args:
        transport: To the token endpoint.
        credentials: The program's; ``None`` where it needs none, in process.
        clock: Tells what is fresh.
    """

    def __init__(
        self, transport: Transport, credentials: Credentials | None, *, clock: Clock
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._api = f"{transport.issuer}/api/v1"
        self._tokens: Remembered[Secret[str]] = Remembered(clock)
        self._refresh_tokens: dict[WithRefreshToken, Secret[str]] = {}

    async def speaker(self, user: User) -> Speaker:
        """Return with what to call for somebody.

        Raises:
            Unauthorized: These credentials can't speak for them, or are refused.
        """
        match user:
            case Actor():
                return Speaker(headers={}, actor=user)
            case WithAccessToken():
                return Speaker(headers=bearer(user.access_token))
            case WithRefreshToken():
                return Speaker(headers=bearer(await self._refreshed(user)))
            case OnBehalfOf():
                raise Unauthorized(
                    "unauthorized", "A subject token is exchanged; for this, use a token of yours."
                )
            case Me() | Tenant():
                return await self._own(user)

    async def asker(self, whom: Whom) -> Speaker:
        """Return with what to call to ask somebody for something of theirs.

        Raises:
            Unauthorized: As ``speaker``; nobody is asked for what is the tenant's.
        """
        match whom:
            case Anyone():
                return Speaker(headers=bearer(await self.machine(scope=ASKING_SCOPE)))
            case Tenant():
                text = "What is the tenant's its administrators share."
                raise Unauthorized("unauthorized", text)
            case _:
                return await self.speaker(whom)

    def forget(self, user: User) -> None:
        """Forget a token that the server refused."""
        self._tokens.drop((_MACHINE, MACHINE_SCOPE) if isinstance(user, Tenant) else user)

    def clear(self) -> None:
        """Forget all of them; refresh tokens are their keepers'."""
        self._tokens.clear()

    async def machine(self, *, scope: str = MACHINE_SCOPE) -> Secret[str]:
        """Return the client's own access token (RFC 6749 section 4.4)."""
        key = (_MACHINE, scope)
        found = self._tokens.find(key)
        if found is not None:
            return found

        async def fetch() -> Secret[str]:
            again = self._tokens.find(key)
            if again is not None:
                return again
            form = {"grant_type": "client_credentials", "scope": scope}
            told = await self.ask({**form, "resource": self._api})
            return self._keep(key, told)

        return await self._tokens.alone(key, fetch)

    async def ask(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Ask the token endpoint as the client.

        Raises:
            Unauthorized: The credentials are no client's, or are refused.
            Refused: What else the server says.
        """
        client = self._credentials
        if not isinstance(client, ClientSecret):
            raise Unauthorized("unauthorized", "Only a client can ask for that: ClientSecret(…).")
        headers = {"content-type": FORM, "accept": "application/json"}
        sent = dict(form)
        if client.secret is None:
            sent["client_id"] = client.client_id
        else:
            headers |= basic(client.client_id, client.secret)
        call = Call(
            method="POST", path="/oauth2/token", headers=headers, body=urlencode(sent).encode()
        )
        told: dict[str, Any] = (await self._transport.send(call)).json()
        return told

    async def _own(self, user: Me | Tenant) -> Speaker:
        owner = "tenant" if isinstance(user, Tenant) else ""
        match self._credentials:
            case AccessToken() | ApiKey():
                return Speaker(headers=bearer(await self._credentials.current()), owner=owner)
            case ClientSecret() if owner:
                return Speaker(headers=bearer(await self.machine()))
            case ClientSecret():
                raise Unauthorized("unauthorized", "A client is nobody; say on whose behalf.")
            case None:
                raise Unauthorized("unauthorized", "Say who asks: the Actor of the request.")

    async def _refreshed(self, user: WithRefreshToken) -> Secret[str]:
        found = self._tokens.find(user)
        if found is not None:
            return found

        async def fetch() -> Secret[str]:
            again = self._tokens.find(user)
            if again is not None:
                return again
            raw = self._refresh_tokens.get(user, user.refresh_token)
            form = {"grant_type": "refresh_token", "refresh_token": raw.reveal()}
            told = await self.ask({**form, "resource": self._api})
            if told.get("refresh_token") not in {None, raw.reveal()}:
                rotated = Secret(str(told["refresh_token"]))
                self._refresh_tokens[user] = rotated
                if user.keep is not None:
                    await user.keep(rotated)
            return self._keep(user, told)

        return await self._tokens.alone(user, fetch)

    def _keep(self, key: object, told: Mapping[str, Any]) -> Secret[str]:
        raw = Secret(str(told["access_token"]))
        ttl = told.get("expires_in")
        lives = dt.timedelta(seconds=ttl) if isinstance(ttl, int) else _BRIEF
        self._tokens.keep(key, raw, ttl=lives)
        return raw
