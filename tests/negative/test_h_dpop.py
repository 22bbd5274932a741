"""Cases H: DPoP proofs and the tokens bound to them, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from limen.testing.visitor import Page
from tests.dpop import DpopKey
from tests.installation import Installation, Known
from tests.oauth_client import Flow

_TOKEN = "/oauth2/token"


def check(answer: Page, error: str, status: int = 400) -> None:
    assert (answer.status, answer.json()["error"]) == (status, error), answer.text


class Machine:
    """A machine with a key."""

    def __init__(self, limen: Installation, client: Known) -> None:
        self.limen, self.client, self.key = limen, client, DpopKey()

    def proof(self, path: str = _TOKEN, method: str = "POST", **changes: Any) -> str:
        now = self.limen.application.runtime.works.clock.now()
        return self.key.proof(method, f"{self.limen.issuer}{path}", now=now, **changes)

    async def ask(self, proof: str, **form: str) -> Page:
        form = {"grant_type": "client_credentials", **form}
        return await self.limen.post(_TOKEN, self.client, headers={"dpop": proof}, **form)


@pytest.fixture
async def machine(limen: Installation) -> Machine:
    return Machine(limen, await limen.client("machine"))


async def test_n100_the_same_proof_again_is_refused(machine: Machine) -> None:
    proof = machine.proof()
    assert (await machine.ask(proof)).json()["token_type"] == "DPoP"
    check(await machine.ask(proof), "invalid_dpop_proof")


async def test_n100_in_parallel_one_wins(machine: Machine) -> None:
    proof = machine.proof()
    answers = await asyncio.gather(*[machine.ask(proof) for _ in range(20)])
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19


@pytest.mark.parametrize(
    "changes",
    [{"htm": "GET"}, {"htu": "https://evil.example/oauth2/token"}, {"htu": "http://localhost:1/oauth2/token"},
     {"header": {"alg": "none"}}, {"header": {"alg": "HS256"}}, {"header": {"typ": "JWT"}}, {"jti": None},
     {"iat": 1e300}, {"iat": "now"}],
    ids=str,
)  # fmt: skip
async def test_n101_a_proof_for_something_else_is_refused(
    machine: Machine, changes: dict[str, Any]
) -> None:
    check(await machine.ask(machine.proof(**changes)), "invalid_dpop_proof")


async def test_n101_a_private_key_in_the_proof_is_refused(machine: Machine) -> None:
    private = machine.key.key.key.as_dict(private=True)
    check(await machine.ask(machine.proof(header={"jwk": private})), "invalid_dpop_proof")


async def test_n072_a_key_elsewhere_is_not_fetched(machine: Machine) -> None:
    header = {"jwk": None, "jku": "http://127.0.0.1:1/jwks", "kid": "1"}
    check(await machine.ask(machine.proof(header=header)), "invalid_dpop_proof")


@pytest.mark.parametrize("seconds", [-61, 61])
async def test_n103_a_proof_of_another_time_is_refused(machine: Machine, seconds: int) -> None:
    now = int(machine.limen.application.runtime.works.clock.now().timestamp())
    check(await machine.ask(machine.proof(iat=now + seconds)), "invalid_dpop_proof")


async def test_n103_a_nonce_of_somebody_else_is_answered_with_ours(machine: Machine) -> None:
    answer = await machine.ask(machine.proof(nonce="invented"))
    check(answer, "use_dpop_nonce")
    good = await machine.ask(machine.proof(nonce=answer.headers["dpop-nonce"]))
    assert good.status == 200, good.text


async def test_n104_another_key_does_not_refresh(limen: Installation) -> None:
    flow = Flow(limen, await limen.client("spa"))
    owner, thief = Machine(limen, flow.client), Machine(limen, flow.client)
    raw = await flow.code(await limen.person(), dpop_jkt=owner.key.jkt)
    form = {
        "grant_type": "authorization_code",
        "code": raw,
        "redirect_uri": flow.client.redirect_uri,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    check(await thief.ask(thief.proof(), **form), "invalid_grant")
    tokens = (await owner.ask(owner.proof(), **form)).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    check(await thief.ask(thief.proof(), **again), "invalid_grant")
    check(await limen.post(_TOKEN, flow.client, **again), "invalid_grant")
    assert (await owner.ask(owner.proof(), **again)).status == 200


async def test_n101_our_own_api_takes_a_bound_token_with_its_proof_alone(
    limen: Installation,
) -> None:
    audience = f"{limen.issuer}/api/v1"
    client = await limen.client("machine", scope=("users:read",))
    machine = Machine(limen, client)
    answer = await machine.ask(machine.proof(), resource=audience, scope="users:read")
    raw = answer.json()["access_token"]
    path = "/api/v1/authorization/decisions"

    async def call(scheme: str, proof: str) -> Page:
        headers = {"authorization": f"{scheme} {raw}", **({"dpop": proof} if proof else {})}
        return await limen.api.fetch("POST", path, body={}, headers=headers)

    stolen = await call("Bearer", "")
    assert stolen.status == 401
    assert stolen.headers["www-authenticate"].startswith("DPoP ")
    assert (await call("DPoP", "")).status == 401
    assert (await call("DPoP", machine.proof(path, token="other"))).status == 401
    elsewhere = machine.proof("/api/v1/auth/me", token=raw)
    assert (await call("DPoP", elsewhere)).status == 401
    proof = machine.proof(path, token=raw)
    assert (await call("DPoP", proof)).status not in {401, 500}
    assert (await call("DPoP", proof)).status == 401
