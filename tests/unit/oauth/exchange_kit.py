"""Clients that exchange tokens, issuers that are trusted, and what they present."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2

from limen.kernel.clock import to_timestamp
from limen.net.client import Net
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.set_policy import set_exchange_policy
from limen.oauth.trust.issuer import Trust, TrustedIssuer
from limen.oauth.trust.link_subject import link_subject
from limen.oauth.trust.trust_issuer import trust_issuer
from limen.protocol.client_metadata import JWT_BEARER, TOKEN_EXCHANGE
from limen.protocol.jwk import SigningKey, generate_key
from limen.protocol.jwt import sign
from limen.protocol.token_exchange import ACCESS_TOKEN
from limen.settings.sections import NetSettings
from tests.unit.oauth.http_kit import Known, Server

API = "https://api.example"
OTHER_API = "https://other.example"
UPSTREAM = "https://idp.example"


@dataclass
class Signed:
    """Somebody who signed in to a client, and the tokens that the client has."""

    user_id: str
    session_id: str
    tokens: dict[str, Any]

    @property
    def access(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def identity(self) -> str:
        return str(self.tokens["id_token"])


async def sign_in(server: Server, client: Known, **code: Any) -> Signed:
    session, _ = await server.session(await server.person(code.pop("email", "ada@app.example")))
    answer = await server.redeem(client, await server.code(client, session, **code))
    assert answer.status_code == 200, answer.text
    return Signed(session.user_id, session.id, dict(answer.json()))


async def exchanger(server: Server, **policy: Any) -> Known:
    """A machine that registered for exchange; ``policy=None`` leaves it without one."""
    client = await server.client(
        "machine",
        scope=("openid", "read", "admin", "write"),
        metadata={"grant_types": ["client_credentials", TOKEN_EXCHANGE, JWT_BEARER]},
    )
    if policy.pop("allowed", True):
        await allow(server, client, **policy)
    return client


async def allow(server: Server, client: Known, **policy: Any) -> None:
    given = {
        "subject_clients": ["*"],
        "subjects": ["*"],
        "audiences": [API],
        "scopes": ["read"],
        **policy,
    }
    read = ExchangePolicy.read(given)
    await server.run(lambda work: set_exchange_policy(work, client_id=client.id, policy=read))


async def exchange(
    server: Server, client: Known, subject: str, **changes: str | list[str]
) -> httpx2.Response:
    form: dict[str, str | list[str]] = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": subject,
        "subject_token_type": ACCESS_TOKEN,
        "resource": API,
        **changes,
    }
    sent = {name: value for name, value in form.items() if value}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if client.secret:
        headers |= client.basic
    else:
        sent["client_id"] = client.id
    body = urlencode(sent, doseq=True)
    return await server.http.post("/oauth2/token", content=body, headers=headers)


async def exchanged(server: Server, client: Known, subject: str, **changes: Any) -> dict[str, Any]:
    answer = await exchange(server, client, subject, **changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def own_token(server: Server, client: Known, **form: str) -> str:
    answer = await server.post("/oauth2/token", client, grant_type="client_credentials", **form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def claims_of(raw: str) -> dict[str, Any]:
    return _decoded(raw, 1)


def header_of(raw: str) -> dict[str, Any]:
    return _decoded(raw, 0)


def _decoded(raw: str, part: int) -> dict[str, Any]:
    text = raw.split(".")[part]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


@dataclass
class Upstream:
    """Another issuer, which our tenant trusts as far as its test says."""

    server: Server
    client: Known
    user_id: str
    key: SigningKey = field(default_factory=lambda: generate_key("ES256"))
    trusted: TrustedIssuer | None = None

    async def trust(self, *, linked: str = "upstream-ada", **changes: Any) -> None:
        given = {
            "jwks": {"keys": [self.key.public.jwk()]},
            "clients": [self.client.id],
            "resources": [API],
            "scopes": ["read"],
            **changes,
        }
        net, read = Net(NetSettings()), Trust.read(given)
        self.trusted = await self.server.run(
            lambda work: trust_issuer(work, net=net, issuer=UPSTREAM, trust=read)
        )
        issuer_id = self.trusted.id
        await self.server.run(
            lambda work: link_subject(
                work, issuer_id=issuer_id, subject=linked, user_id=self.user_id
            )
        )

    def asserts(self, *, typ: str = "JWT", key: SigningKey | None = None, **changes: Any) -> str:
        """Return an assertion; ``None`` leaves a claim out."""
        now = to_timestamp(self.server.works.clock.now())
        claims = {
            "iss": UPSTREAM,
            "sub": "upstream-ada",
            "aud": self.server.site.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": f"jti-{id(changes)}-{len(changes)}",
            **changes,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return sign(said, key or self.key, typ=typ)

    def identity(self, **changes: Any) -> str:
        """Return an identity assertion (ID-JAG) for this client."""
        return self.asserts(
            typ="oauth-id-jag+jwt", **{"client_id": self.client.id, "resource": API, **changes}
        )

    async def present(self, assertion: str, **form: str) -> httpx2.Response:
        given = {"grant_type": JWT_BEARER, "assertion": assertion, "resource": API, **form}
        sent = {name: value for name, value in given.items() if value}
        return await self.server.post("/oauth2/token", self.client, **sent)
