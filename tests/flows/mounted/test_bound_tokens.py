from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dpop import DpopKey
from tests.hosts import host_with_routes
from tests.installation import Installation
from tests.oauth_client import VERIFIER, Flow
from tests.standings import Plan, copied, standing


@pytest.fixture(scope="module")
async def limen(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    folder = tmp_path_factory.mktemp("limen")
    plan = Plan(
        folder=folder,
        database_url=copied(prepared, folder),
        standing="mounted",
        host=host_with_routes(),
    )
    async with standing(plan) as running:
        yield running


async def ask(limen: Installation, path: str, **headers: str) -> tuple[int, str, Any]:
    async with limen.plain.get(limen.root + path, headers=headers) as answer:
        told = answer.headers.get("www-authenticate", "")
        return answer.status, told, await answer.json()


async def test_a_host_s_api_takes_a_bound_token_with_its_proof(limen: Installation) -> None:
    key, client = DpopKey(), await limen.client("machine")
    now = limen.application.runtime.works.clock.now
    form = {"grant_type": "client_credentials", "scope": "read"}
    proof = key.proof("POST", f"{limen.issuer}/oauth2/token", now=now())
    answer = await limen.post("/oauth2/token", client, headers={"dpop": proof}, **form)
    raw = answer.json()["access_token"]
    status, challenge, _ = await ask(limen, "/things", authorization=f"Bearer {raw}")
    assert (status, challenge.split(" ")[0]) == (401, "DPoP")
    proof = key.proof("GET", f"{limen.root}/things", now=now(), token=raw)
    sent = {"authorization": f"DPoP {raw}", "dpop": proof}
    assert (await ask(limen, "/things", **sent))[0] == 200
    assert (await ask(limen, "/things", **sent))[0] == 401


async def test_a_host_s_page_knows_a_person_by_a_bound_token(limen: Installation) -> None:
    client = await limen.client("spa", scope=("connections:read",))
    key, flow, person = DpopKey(), Flow(limen, client), await limen.person()
    now = limen.application.runtime.works.clock.now
    asked = {"scope": "connections:read", "resource": f"{limen.issuer}/api/v1"}
    form = {
        "grant_type": "authorization_code",
        "code": await flow.code(person, dpop_jkt=key.jkt, **asked),
        "redirect_uri": client.redirect_uri,
        "code_verifier": VERIFIER,
    }
    proof = key.proof("POST", f"{limen.issuer}/oauth2/token", now=now())
    answer = await limen.post("/oauth2/token", client, headers={"dpop": proof}, **form)
    raw = answer.json()["access_token"]
    proof = key.proof("GET", f"{limen.root}/who", now=now(), token=raw)
    status, _, told = await ask(limen, "/who", authorization=f"DPoP {raw}", dpop=proof)
    assert (status, told.get("id")) == (200, person.id)
    elsewhere = key.proof("GET", f"{limen.issuer}/who", now=now(), token=raw)
    sent = {"authorization": f"DPoP {raw}", "dpop": elsewhere}
    status, challenge, _ = await ask(limen, "/who", **sent)
    assert (status, challenge.split(" ")[0]) == (401, "DPoP")
    assert 'error="invalid_dpop_proof"' in challenge
    assert 'algs="' in challenge
    nonced = key.proof("GET", f"{limen.root}/who", now=now(), token=raw, nonce="x")
    sent = {"authorization": f"DPoP {raw}", "dpop": nonced}
    async with limen.plain.get(f"{limen.root}/who", headers=sent) as refused:
        assert refused.headers["dpop-nonce"]
