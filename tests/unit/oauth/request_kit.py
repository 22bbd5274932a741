"""Clients with keys of their own: they push requests, sign them, and read signed answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from limen.protocol.jwk import SigningKey, generate_key, import_key_set
from limen.protocol.jwt import Expected, verify
from tests.client_assertions import assertion_claims, presented, signed
from tests.request_objects import object_claims, signed_object
from tests.unit.oauth.http_kit import CALLBACK, Known, Server
from tests.unit.oauth.journey_kit import Browser, answered, request_of

ISSUER = "http://localhost:8000"
KEY = generate_key("ES256")


def keys_of(*keys: SigningKey) -> dict[str, Any]:
    """What a client registers of its keys."""
    return {"keys": [{**key.public.jwk(), "use": "sig"} for key in keys]}


async def signing_client(server: Server, **changes: Any) -> Known:
    """A confidential client with a secret and a registered key."""
    members = {"jwks": keys_of(KEY), **changes.pop("metadata", {})}
    return await server.client(metadata=members, **changes)


async def fapi_client(server: Server, profile: str = "fapi2", **members: Any) -> Known:
    """A client of a FAPI profile, which authenticates with its key."""
    given = {"jwks": keys_of(KEY), "profile": profile, "dpop_bound_access_tokens": True, **members}
    return await server.client(auth_method="private_key_jwt", metadata=given)


def object_of(
    server: Server, client: Known, *, head: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A good request object that says a good request."""
    claims = object_claims(
        client.id,
        issuer=ISSUER,
        now=server.works.clock.now(),
        said=request_of(client),
        **changes,
    )
    return signed_object(claims, KEY, **(head or {}))


def proof_of(server: Server, client: Known) -> dict[str, str]:
    """What authenticates a client by its key."""
    claims = assertion_claims(client.id, audience=ISSUER, now=server.works.clock.now())
    return presented(signed(claims, KEY))


async def push(
    server: Server, client: Known, /, headers: Any = None, **form: Any
) -> httpx2.Response:
    """Push a request; without ``request`` the good one, changed."""
    sent = {} if "request" in form else request_of(client)
    sent = {name: value for name, value in {**sent, **form}.items() if value is not None}
    by = client.basic if client.secret else {}
    return await server.http.post("/oauth2/par", data=sent, headers={**by, **(headers or {})})


async def pushed(server: Server, client: Known, **form: Any) -> str:
    """Push a request and return its handle."""
    answer = await push(server, client, **form)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.pop("expires_in") == 300
    uri = told.pop("request_uri")
    assert not told
    return str(uri)


@dataclass
class Visitor(Browser):
    """A browser that a client sends with a handle or an object."""

    async def visit(self, client: Known, **params: str) -> httpx2.Response:
        sent = {"client_id": client.id, **params}
        return await self.get("/oauth2/authorize?" + urlencode(sent))

    async def agree(self, client: Known, **params: str) -> httpx2.Response:
        """Go on to consent, and agree."""
        to_consent = await self.visit(client, **params)
        assert to_consent.status_code == 303, to_consent.text
        page = await self.get(to_consent.headers["location"])
        return await self.decide(page, "allow")

    async def code(self, client: Known, **params: str) -> str:
        return answered(await self.agree(client, **params))["code"]


async def read_signed(
    server: Server, raw: str, *, client: Known, alg: str = "RS256"
) -> dict[str, Any]:
    """What a signed answer says to its client."""
    keys = import_key_set((await server.http.get("/oauth2/jwks")).json())
    return verify(
        raw,
        keys,
        expected=Expected(
            algorithms=frozenset({alg}),
            typ=("JWT",),
            issuer=ISSUER,
            audience=client.id,
            required=("exp",),
        ),
        now=server.works.clock.now(),
    )


__all__ = ["CALLBACK", "ISSUER", "KEY", "Visitor", "fapi_client", "push", "pushed"]
