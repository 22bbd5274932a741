"""The two ways to a token: by the connection's own route, or by exchange."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from limen.client.answers import ConnectionToken
from limen.client.bearers import Bearers, Speaker
from limen.client.refusals import NotShared, Several
from limen.client.transport import Call, Transport, with_query
from limen.client.users import ACCESS_TOKEN, OnBehalfOf
from limen.kernel.clock import Clock
from limen.kernel.secret import Secret

CONNECTIONS: Final = "/api/v1/oauth/connections"
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which token, and how good.

    Args:
        connection: Its id; empty to find the only one at the provider.
        min_ttl: How much must be left of it.
        seen_generation: The provider refused that one: only a newer one helps.
        resource: Which of the provider's APIs it is for; empty for its default.
    """

    provider: str
    connection: str = ""
    feature: str = ""
    min_ttl: dt.timedelta = dt.timedelta()
    seen_generation: int | None = None
    resource: str = ""

    @property
    def min_ttl_seconds(self) -> int:
        """As the wire has it."""
        return int(self.min_ttl.total_seconds())


async def by_route(transport: Transport, speaker: Speaker, asked: Asked) -> ConnectionToken:
    """Get a token by ``GET …/connections/{id}/token``.

    Raises:
        Refused: What the server refuses with; ``NotShared`` and ``Several`` where the
            provider does not lead to one connection.
    """
    id_ = asked.connection or await find_one(transport, speaker, asked)
    path = with_query(
        f"{CONNECTIONS}/{quote(id_, safe='')}/token",
        feature=asked.feature,
        resource=asked.resource,
        min_ttl=asked.min_ttl_seconds,
        seen_generation=asked.seen_generation,
        owner=speaker.owner,
    )
    told = await get(transport, speaker, path)
    if told.get("token_type", "Bearer") != "Bearer":
        text = "This is no bearer token, but a key or a password: use the proxy."
        raise NotShared("credential_by_proxy_only", text)
    expires_at = told["expires_at"]
    return ConnectionToken(
        value=Secret(told["access_token"]),
        expires_at=None if expires_at is None else dt.datetime.fromisoformat(expires_at),
        generation=told["generation"],
        scopes=tuple(told["scope"].split()),
        connection_id=id_,
    )


async def find_one(transport: Transport, speaker: Speaker, asked: Asked) -> str:
    """Return the one connection at a provider; of several the one that has the feature.

    Raises:
        NotShared: There is none.
        Several: There is more than one.
    """
    path = with_query(CONNECTIONS, provider=asked.provider, owner=speaker.owner)
    found = (await get(transport, speaker, path))["items"]
    if len(found) > 1 and asked.feature:
        having = [each for each in found if each["features"].get(asked.feature) == "active"]
        found = having or found
    if not found:
        raise NotShared("connection_not_found", f"There is no connection at {asked.provider}.")
    if len(found) > 1:
        several = Several("connection_ambiguous", "There are several; name the connection.")
        several.connections = tuple(each["id"] for each in found)
        raise several
    return str(found[0]["id"])


async def by_exchange(
    bearers: Bearers, subject: OnBehalfOf, asked: Asked, *, clock: Clock
) -> ConnectionToken:
    """Get a token for a subject token (RFC 8693), as the client.

    Raises:
        Refused: What the server refuses with.
    """
    name = f"connection:{asked.connection}" if asked.connection else f"provider:{asked.provider}"
    form = {
        "grant_type": _EXCHANGE,
        "subject_token": subject.subject_token.reveal(),
        "subject_token_type": subject.token_type,
        "requested_token_type": ACCESS_TOKEN,
        "audience": f"urn:limen:{name}",
    }
    if asked.feature:
        form["limen_feature"] = asked.feature
    if asked.min_ttl_seconds:
        form["limen_min_ttl"] = str(asked.min_ttl_seconds)
    if asked.seen_generation:
        form["limen_seen_generation"] = str(asked.seen_generation)
    if asked.resource:
        is_uri = asked.resource.startswith("https://")
        form["resource" if is_uri else "limen_resource"] = asked.resource
    asked_at = clock.now()
    told = await bearers.ask(form)
    ttl = told.get("expires_in")
    return ConnectionToken(
        value=Secret(str(told["access_token"])),
        expires_at=asked_at + dt.timedelta(seconds=ttl) if isinstance(ttl, int) else None,
        generation=int(told.get("limen_generation", 0)),
        scopes=tuple(str(told.get("scope", "")).split()),
        connection_id=str(told.get("limen_connection", asked.connection)),
    )


async def get(transport: Transport, speaker: Speaker, path: str) -> Mapping[str, Any]:
    """Call a route that reads."""
    call = Call(method="GET", path=path, headers=speaker.headers, actor=speaker.actor)
    told: Mapping[str, Any] = (await transport.send(call)).json()
    return told
