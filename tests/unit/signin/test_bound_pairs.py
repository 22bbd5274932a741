"""First-party pairs are bound to a key where one is proved, and always under FAPI 2.0."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from limen.protocol.jwt import peek
from tests.dpop import DpopKey
from tests.house import PASSWORD
from tests.unit.mfa.kit import enrolled
from tests.unit.signin.kit import AUTH, WayIn

pytestmark = pytest.mark.anyio
ADA = "ada@example.org"


class Program:
    """An application of the tenant's own, with a key."""

    def __init__(self, way: WayIn) -> None:
        self.way, self.key = way, DpopKey()

    def proof(self, verb: str, path: str, **changes: Any) -> str:
        now = self.way.house.clock.now()
        return self.key.proof(verb, f"{self.way.tenant.issuer}{AUTH}{path}", now=now, **changes)

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        sent = {"dpop": self.proof("POST", path), **headers}
        return await self.way.api("POST", path, json=body, **sent)

    async def me(self, raw: str) -> httpx2.Response:
        proof = self.proof("GET", "/me", token=raw)
        return await self.way.api("GET", "/me", authorization=f"DPoP {raw}", dpop=proof)


@pytest.fixture
async def program(way: WayIn) -> Program:
    await way.house.user(ADA)
    return Program(way)


def refused(answer: httpx2.Response) -> str:
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    return str(answer.json()["code"])


CREDENTIALS = {"email": ADA, "password": PASSWORD}


@pytest.mark.parametrize("profile", ["", "fapi2", "fapi2_message_signing"])
async def test_a_proof_that_is_sent_binds_both_tokens(program: Program, profile: str) -> None:
    way = program.way
    way.policy(profile=profile)
    answer = await program.post("/login", CREDENTIALS)
    assert answer.status_code == 200, answer.text
    pair = answer.json()
    assert pair["token_type"] == "DPoP"
    raw = pair["access_token"]
    assert peek(raw).claims["cnf"] == {"jkt": program.key.jkt}
    assert (await program.me(raw)).status_code == 200
    assert (await way.api("GET", "/me", token=raw)).status_code == 401  # stolen
    thief = Program(way)
    body = {"refresh_token": pair["refresh_token"]}
    assert (await thief.post("/refresh", body)).status_code == 401
    assert (await way.api("POST", "/refresh", json=body)).status_code == 401
    for path in ("/refresh", "/oauth2/refresh"):
        renewed = await program.post(path, body)
        if renewed.status_code == 404:
            continue  # this door has no providers
        assert renewed.json()["token_type"] == "DPoP"
        body = {"refresh_token": renewed.json()["refresh_token"]}


@pytest.mark.parametrize("profile", ["fapi2", "fapi2_message_signing"])
async def test_under_fapi_nobody_gets_a_bearer(program: Program, profile: str) -> None:
    way = program.way
    before = (await way.login(ADA, PASSWORD)).json()
    assert before["token_type"] == "Bearer"
    way.policy(profile=profile)
    assert refused(await way.login(ADA, PASSWORD)) == "invalid_dpop_proof"
    assert refused(await way.login(ADA, "wrong")) == "invalid_dpop_proof"  # not even tried
    assert way.denied() == []
    old = {"refresh_token": before["refresh_token"]}
    assert refused(await way.api("POST", "/refresh", json=old)) == "invalid_dpop_proof"
    assert (await program.post("/refresh", old)).status_code == 401
    elsewhere = await program.post("/login", CREDENTIALS, dpop=program.proof("POST", "/refresh"))
    assert refused(elsewhere) == "invalid_dpop_proof"
    proof = program.proof("POST", "/login")
    assert (await program.post("/login", CREDENTIALS, dpop=proof)).status_code == 200
    assert refused(await program.post("/login", CREDENTIALS, dpop=proof)) == "invalid_dpop_proof"


async def test_every_way_to_a_pair_binds_it(program: Program) -> None:
    way = program.way
    way.policy(profile="fapi2")
    person = await enrolled(way.house, "two@example.org")
    credentials = {"email": "two@example.org", "password": PASSWORD}
    for path in ("/mfa/verify", "/steps/second_factor"):
        begun = await program.post("/login", credentials)
        assert begun.status_code == 403, begun.text
        body = {"challenge": begun.json()["challenge"], "code": person.app.code()}
        assert refused(await way.api("POST", path, json=body)) == "invalid_dpop_proof"
        pair = (await program.post(path, body)).json()  # the code was not spent
        assert pair["token_type"] == "DPoP"
        raw = pair["access_token"]
        again = {"code": person.app.next_code()}
        stepped = await program.post(
            "/mfa/verify",
            again,
            authorization=f"DPoP {raw}",
            dpop=program.proof("POST", "/mfa/verify", token=raw),
        )
        assert stepped.json()["token_type"] == "DPoP"
        person.app.next_code()
