"""What the certification of FAPI 2.0 has two clients of a tenant do, in one go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.protocol.jwk import SigningKey, generate_key
from limen.protocol.jwt import peek
from limen.tenants.policy import TenantPolicy
from tests.client_assertions import assertion_claims, presented, signed
from tests.dpop import DpopKey
from tests.request_objects import object_claims, signed_object
from tests.unit.oauth.http_kit import VERIFIER, Known, Server, refusal, serve, under
from tests.unit.oauth.journey_kit import extend, query, request_of
from tests.unit.oauth.request_kit import ISSUER, Visitor, keys_of, read_signed

pytestmark = pytest.mark.anyio

CALLBACK = "https://suite.example/test/a/limen/callback"
API = "https://pay.example"
PAYMENT = [{"type": "payment", "creditorName": "Merchant A"}]
TYPES = {
    "payment": {
        "description": "Pay",
        "schema": {"type": "object", "properties": {"creditorName": {"type": "string"}}},
    }
}


@dataclass
class Suite:
    """A client as the suite drives it: keys of its own, requests signed, answers too."""

    server: Server
    client: Known
    redirect_uri: str
    key: SigningKey
    dpop: DpopKey = field(default_factory=DpopKey)

    def proved(self) -> dict[str, str]:
        now = self.server.works.clock.now()
        return presented(
            signed(assertion_claims(self.client.id, audience=ISSUER, now=now), self.key)
        )

    def proof(self, path: str, method: str = "POST", **said: Any) -> dict[str, str]:
        now = self.server.works.clock.now()
        return {"dpop": self.dpop.proof(method, f"{ISSUER}{path}", now=now, **said)}

    async def push(self, *, typ: str = "JWT", **changes: Any) -> httpx2.Response:
        said = {
            **request_of(self.client, redirect_uri=self.redirect_uri),
            "response_mode": "jwt",
            **changes,
        }
        now = self.server.works.clock.now()
        claims = object_claims(self.client.id, issuer=ISSUER, now=now, said=said)
        form = {"request": signed_object(claims, self.key, typ=typ), **self.proved()}
        return await self.server.http.post("/oauth2/par", data=form)

    async def code(self, browser: Visitor, *, outside: dict[str, str], **changes: Any) -> str:
        """Agree to a request; beside its handle stand parameters that do not count."""
        pushed = await self.push(**changes)
        assert pushed.status_code == 201, pushed.text
        uri = pushed.json()["request_uri"]
        arrived = await browser.agree(self.client, request_uri=uri, **outside)
        location = arrived.headers["location"]
        assert location.startswith(self.redirect_uri)
        raw = query(location)["response"]
        told = await read_signed(self.server, raw, client=self.client, alg="ES256")
        assert told["state"] == changes.get("state", request_of(self.client)["state"])
        return str(told["code"])

    async def ask(self, *, proof: bool = True, **form: str) -> httpx2.Response:
        headers = self.proof("/oauth2/token") if proof else {}
        return await self.server.http.post(
            "/oauth2/token", data={**form, **self.proved()}, headers=headers
        )

    async def tokens(self, code: str) -> dict[str, Any]:
        made = await self.ask(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=VERIFIER,
        )
        assert made.status_code == 200, made.text
        assert made.json()["token_type"] == "DPoP"
        return dict(made.json())

    async def userinfo(self, raw: str, *, scheme: str = "DPoP", **said: Any) -> int:
        headers = self.proof("/oauth2/userinfo", "GET", token=raw, **said)
        headers["authorization"] = f"{scheme} {raw}"
        return (await self.server.http.get("/oauth2/userinfo", headers=headers)).status_code


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    policy = TenantPolicy.read({"profile": "fapi2_message_signing", "default_resource": API})
    made = await serve(works, under(site, policy), extend=extend)
    await made.resource(API, authorization_details_types=TYPES)
    yield made
    await made.close()


async def suite(server: Server, redirect_uri: str, **members: Any) -> Suite:
    key = generate_key("ES256")
    client = await server.client(
        auth_method="private_key_jwt",
        redirect_uris=(redirect_uri,),
        metadata={"profile": "fapi2_message_signing", "jwks": keys_of(key), **members},
    )
    return Suite(server, client, redirect_uri, key)


async def test_two_clients_go_all_the_way(server: Server) -> None:
    first = await suite(server, CALLBACK, authorization_details_types=["payment"])
    second = await suite(server, f"{CALLBACK}?dummy1=lorem&dummy2=ipsum")
    browser = Visitor(server)
    await browser.sign_in(await server.person())

    wrong = {"state": "outside", "nonce": "outside", "scope": "openid", "response_type": "code"}
    code = await first.code(browser, outside=wrong, authorization_details=PAYMENT)
    own = await first.tokens(code)
    assert own["authorization_details"] == PAYMENT
    assert peek(own["id_token"]).claims["nonce"] == "n-1"
    assert await first.userinfo(own["access_token"], scheme="dPOp") == 200
    assert await first.userinfo(own["access_token"], header={"tx_id": 1}, tx_id_key=1) == 200
    assert await first.userinfo(own["access_token"], scheme="Bearer") == 401

    code = await second.code(
        browser,
        outside={"redirect_uri": second.redirect_uri},
        typ="OautH-auThZ-REQ+jWt",
        state="s" * 128,
        nonce="n" * 43,
        dpop_jkt=second.dpop.jkt,
    )
    other = await second.tokens(code)
    assert await second.userinfo(other["access_token"]) == 200
    assert await first.userinfo(other["access_token"]) == 401

    keeps = {"grant_type": "refresh_token", "refresh_token": own["refresh_token"]}
    first.dpop = DpopKey()
    again = (await first.ask(**keeps)).json()
    assert again.get("refresh_token", own["refresh_token"]) == own["refresh_token"]
    assert await first.userinfo(again["access_token"]) == 200
    assert refusal(await first.ask(proof=False, **keeps)) == (400, "invalid_request")
    keeps["refresh_token"] = other["refresh_token"]
    assert refusal(await first.ask(**keeps)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"request_uri": "urn:example:handle"}, "invalid_request_object"),
        ({"aud": "https://www.other1.example/"}, "invalid_request_object"),
        ({"exp": 1}, "invalid_request_object"),
        ({"redirect_uri": f"{CALLBACK}/other"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
    ],
    ids=["request_uri", "aud", "expired", "redirect_uri", "plain", "hybrid"],
)
async def test_what_is_wrong_with_an_object_is_said_when_it_is_pushed(
    server: Server, changes: dict[str, Any], code: str
) -> None:
    client = await suite(server, CALLBACK)
    assert refusal(await client.push(**changes)) == (400, code)
