"""People's connections, as a program uses them."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

from limen.client.answers import (
    Connection,
    ConnectionToken,
    Feature,
    Proxied,
    Reported,
    SharingRequest,
    Way,
)
from limen.client.asking import Wish, ask, follow
from limen.client.bearers import Bearers
from limen.client.credentials import ClientSecret, Credentials
from limen.client.fetch import CONNECTIONS, Asked, by_exchange, by_route, find_one, get
from limen.client.refusals import FeatureMissing, ReauthRequired, Refused, Unauthorized
from limen.client.remembered import Remembered
from limen.client.transport import Call, Transport, with_query
from limen.client.users import OnBehalfOf, Tenant, User, Whom
from limen.kernel.clock import Clock

_UNKNOWN_TTL: Final = dt.timedelta(minutes=5)
_UPSTREAM: Final = "limen-upstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A call of a provider's API, to be made by Limen.

    Args:
        url: At one of the provider's own hosts.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class Connections:
    """What can be done with connections; every method says first whose.

    Args:
        transport: To the server.
        credentials: The program's.
        clock: Tells what is fresh.
        remember: For how long a token is kept at most, so that what its owner or an
            administrator takes back is not used for much longer.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | None,
        *,
        clock: Clock,
        remember: dt.timedelta = _UNKNOWN_TTL,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._clock = clock
        self._most = remember
        self._bearers = Bearers(transport, credentials, clock=clock)
        self._tokens: Remembered[ConnectionToken] = Remembered(clock)

    async def token(  # noqa: PLR0913 -- which token, and how good
        self,
        user: User,
        provider: str,
        *,
        connection: str = "",
        feature: str = "",
        min_ttl: dt.timedelta = dt.timedelta(),
        seen_generation: int | None = None,
        resource: str = "",
    ) -> ConnectionToken:
        """Return a token that is fresh, from memory or from the server.

        Args:
            user: Whose connection it is.
            provider: Its provider, ``google`` say.
            connection: Which one, where there are several.
            feature: What it must be good for.
            min_ttl: How much must be left of it.
            seen_generation: The provider answered 401 to that one; only a newer one helps.
            resource: Which of the provider's APIs it is for, ``outlook`` say: each has tokens of
                its own; empty for the provider's default.

        Raises:
            ReauthRequired: Only its owner can help: ``await error.reconnect()``.
            FeatureMissing: It does not cover the feature: ``await error.activate()``.
            NotShared: There is none, or it is not shared with who asks.
            Several: There are several; name one.
            ProviderDown: It can't be renewed now.
            Unauthorized: Our own credentials are not good for this.
            Unreachable: Limen did not answer.
        """
        asked = Asked(
            provider=provider,
            connection=connection,
            feature=feature,
            min_ttl=min_ttl,
            seen_generation=seen_generation,
            resource=resource,
        )
        key = (user, provider, connection, feature, resource)
        found = self._good(key, asked)
        if found is not None:
            return found

        async def fetch() -> ConnectionToken:
            again = self._good(key, asked)
            if again is not None:
                return again
            token = await self._fetch(user, asked)
            self._keep(key, token)
            return token

        return await self._tokens.alone(key, fetch)

    async def list(self, user: User, *, provider: str = "") -> Sequence[Connection]:
        """Return somebody's connections; needs the scope ``connections:read``."""
        speaker = await self._bearers.speaker(user)
        path = with_query(CONNECTIONS, provider=provider, owner=speaker.owner)
        told = await get(self._transport, speaker, path)
        return [Connection.of(each) for each in told["items"]]

    async def connect(
        self,
        user: User,
        provider: str,
        *,
        features: Sequence[str] = (),
        return_to: str = "/account",
    ) -> Way:
        """Begin connecting an account; needs the scope ``connections:connect``."""
        body = {"features": list(features), "return_to": return_to}
        return Way.of(await self._post(user, f"/api/v1/oauth/{quote(provider)}/connect", body))

    async def features(self, user: User, connection: str) -> Sequence[Feature]:
        """Return what can be switched on over a connection, and what it takes."""
        speaker = await self._bearers.speaker(user)
        path = with_query(f"{_at(connection)}/features", owner=speaker.owner)
        told = await get(self._transport, speaker, path)
        return [Feature.of(each) for each in told["items"]]

    async def activate(
        self, user: User, connection: str, *, feature: str, return_to: str = "/account"
    ) -> Way:
        """Switch a feature on; where the person must be asked, the answer says where."""
        path = f"{_at(connection)}/features/{quote(feature, safe='')}/activate"
        return Way.of(await self._post(user, path, {"return_to": return_to}))

    async def ask_to_share(
        self,
        whom: Whom,
        provider: str,
        *,
        features: Sequence[str],
        connection: str = "",
        redirect_uri: str = "",
        state: str = "",
    ) -> SharingRequest:
        """Ask a person to share a connection with this client; needs ``connections:ask``.

        They open the answer's ``url``, choose an account or connect one first, and say yes or no
        on a page that names the client and all that it could do. What they agree to is that the
        client does what its release policy says then: is given tokens, or uses the proxy.

        Args:
            whom: By a token of theirs that this client was given; ``ANYONE``: whoever signs in.
            provider: At which, ``google`` say.
            features: What for, by name; one at least.
            connection: This one of theirs and no other; empty: they choose.
            redirect_uri: One of the client's registered ones, where their browser ends with
                ``sharing_request``, ``state`` and ``iss``, and ``error`` after a no.
            state: The program's own, given back to it there.

        Raises:
            NotShared: No administrator lets this client use connections.
            Unauthorized: The credentials are no client's, or not for this.
            Refused: ``feature_unknown``, ``invalid_redirect_uri`` and what else can't be asked.
        """
        wish = Wish(
            provider=provider,
            features=features,
            connection=connection,
            redirect_uri=redirect_uri,
            state=state,
        )
        return await ask(self._transport, await self._bearers.asker(whom), wish)

    async def sharing_request(self, whom: Whom, request: str) -> SharingRequest:
        """Return how a request stands, asked for as it was made.

        Raises:
            Refused: ``sharing_request_not_found``: none such, another's, or over for a day.
        """
        return await follow(self._transport, await self._bearers.asker(whom), request)

    async def report(
        self, user: User, connection: str, *, generation: int, status: int = 401
    ) -> Reported:
        """Tell that the provider's API refused the token of a generation with 401 or 403.

        Of any number of callers one has it refreshed. ``token(seen_generation=…)`` does the
        same and returns the token besides.
        """
        body = {"generation": generation, "status": status}
        told = await self._post(user, f"{_at(connection)}/report", body)
        return Reported(advice=told["advice"], generation=told["generation"])

    async def proxy(
        self,
        user: User,
        provider: str,
        outgoing: Outgoing,
        *,
        connection: str = "",
        feature: str = "",
    ) -> Proxied:
        """Have a call made with the token, which stays where it is.

        Needs a release policy of ``proxy`` or ``raw`` and the scope ``connections:proxy``.

        Returns:
            What the provider's API answered, whatever its status.

        Raises:
            Refused: Limen refused, before anything was sent.
        """
        speaker = await self._bearers.speaker(user)
        asked = Asked(provider=provider, connection=connection, feature=feature)
        id_ = connection or await find_one(self._transport, speaker, asked)
        parts = urlsplit(outgoing.url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("The proxy calls https URLs.")
        path = f"{_at(id_)}/proxy/{parts.hostname}{parts.path or '/'}"
        theirs = {name.lower(): value for name, value in outgoing.headers.items()}
        call = Call(
            method=outgoing.method,
            path=f"{path}?{parts.query}" if parts.query else path,
            headers={**theirs, "limen-feature": feature, **speaker.headers},
            body=outgoing.body,
            actor=speaker.actor,
        )
        answer = await self._transport.send(call)
        if _UPSTREAM not in answer.headers:
            answer.json()
            raise Refused("unreadable", "Nobody answered for the provider.")
        return Proxied(status=answer.status, headers=answer.headers, body=answer.body)

    def forget(self) -> None:
        """Forget every token that is kept."""
        self._tokens.clear()
        self._bearers.clear()

    async def _fetch(self, user: User, asked: Asked) -> ConnectionToken:
        try:
            return await self._fetch_once(user, asked)
        except Unauthorized:
            # One of ours may have ended before its time: the next call obtains another.
            self._bearers.forget(user)
            raise
        except (ReauthRequired, FeatureMissing) as refusal:
            await self._explain(refusal, user, asked)
            raise

    async def _fetch_once(self, user: User, asked: Asked) -> ConnectionToken:
        subject = await self._subject(user)
        if subject is not None:
            return await by_exchange(self._bearers, subject, asked, clock=self._clock)
        return await by_route(self._transport, await self._bearers.speaker(user), asked)

    async def _subject(self, user: User) -> OnBehalfOf | None:
        """Return what is exchanged; ``None`` where the connection's own route serves."""
        if isinstance(user, OnBehalfOf):
            return user
        # A machine may not list what the tenant has; by exchange it finds what is shared with it.
        if isinstance(user, Tenant) and isinstance(self._credentials, ClientSecret):
            return OnBehalfOf(await self._bearers.machine())
        return None

    async def _explain(
        self, refusal: ReauthRequired | FeatureMissing, user: User, asked: Asked
    ) -> None:
        """Say why, where we may know, and how to begin helping."""
        if isinstance(user, OnBehalfOf):
            return
        try:
            speaker = await self._bearers.speaker(user)
            id_ = asked.connection or await find_one(self._transport, speaker, asked)
            path = with_query(_at(id_), owner=speaker.owner)
            shown = Connection.of(await get(self._transport, speaker, path))
        except Refused:
            return  # it may not look; the refusal stands as it is
        if isinstance(refusal, ReauthRequired):
            refusal.reason, refusal.advice = shown.reason, shown.advice
            refusal.start = functools.partial(self._reconnect, user, shown)
        else:
            refusal.start = functools.partial(self._activate, user, shown.id, feature=asked.feature)

    async def _reconnect(self, user: User, shown: Connection, return_to: str) -> Way:
        body = {"connection_id": shown.id, "return_to": return_to}
        path = f"/api/v1/oauth/{quote(shown.provider)}/connect"
        return Way.of(await self._post(user, path, body))

    async def _activate(self, user: User, connection: str, return_to: str, *, feature: str) -> Way:
        return await self.activate(user, connection, feature=feature, return_to=return_to)

    async def _post(self, user: User, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        speaker = await self._bearers.speaker(user)
        if speaker.owner and path.endswith("/connect"):
            body = {**body, "owner": speaker.owner}
        elif speaker.owner:
            path = with_query(path, owner=speaker.owner)
        call = Call(
            method="POST",
            path=path,
            headers={"content-type": "application/json", **speaker.headers},
            body=json.dumps(body).encode(),
            actor=speaker.actor,
        )
        told: Mapping[str, Any] = (await self._transport.send(call)).json()
        return told

    def _good(self, key: tuple[Any, ...], asked: Asked) -> ConnectionToken | None:
        found = self._tokens.find(key, min_ttl=asked.min_ttl)
        if found is None:
            return None
        seen = asked.seen_generation
        return found if seen is None or found.generation > seen else None

    def _keep(self, key: tuple[Any, ...], token: ConnectionToken) -> None:
        left = self._most
        if token.expires_at is not None:
            left = min(left, token.expires_at - self._clock.now())
        if left > dt.timedelta():
            self._tokens.keep(key, token, ttl=left)
        else:
            self._tokens.drop(key)


def _at(connection: str) -> str:
    return f"{CONNECTIONS}/{quote(connection, safe='')}"
