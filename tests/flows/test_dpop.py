from __future__ import annotations

import pytest

from limen.testing.visitor import Page
from tests.dpop import DpopKey
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = pytest.mark.anyio

_TOKEN = "/oauth2/token"


@EACH_ONCE
async def test_a_bound_token_wherever_limen_stands(limen: Installation) -> None:
    client, key = await limen.client("machine", scope=("decisions:read", "users:read")), DpopKey()

    def proof(path: str, token: str = "") -> str:
        now = limen.application.runtime.works.clock.now()
        return key.proof("POST", f"{limen.issuer}{path}", now=now, token=token)

    async def ask(header: str) -> Page:
        form = {
            "grant_type": "client_credentials",
            "resource": f"{limen.issuer}/api/v1",
            "scope": "users:read",
        }
        return await limen.post(_TOKEN, client, headers={"dpop": header}, **form)

    answer = await ask(proof(_TOKEN))
    assert answer.status == 200, answer.text
    raw = answer.json()["access_token"]
    path = "/api/v1/authorization/decisions"

    async def call(header: str) -> Page:
        headers = {"authorization": f"DPoP {raw}", "dpop": header}
        return await limen.api.fetch("POST", path, body={}, headers=headers)

    assert (await call(proof(path, raw))).status not in {401, 500}
    assert (await call(proof("/api/v1/other", raw))).status == 401
