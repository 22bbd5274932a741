"""Connections brought over by the administration API, each proven at its provider."""

from __future__ import annotations

import functools
import json
import secrets
from typing import Any

import pytest

from limen.admin.api.upstream_providers.connections import MOST
from limen.federation.upstream_clients import get_upstream_client
from tests.at_provider import agree, new_account
from tests.elsewhere import Older
from tests.flows.admin.test_admin_api import Admin, somebody
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


async def obtained(limen: Installation) -> dict[str, Any]:
    """What an older application holds of an account that is nobody else's."""
    runtime = limen.application.runtime
    client = await limen.run(
        lambda work: get_upstream_client(work, runtime.envelope, provider="google")
    )
    older = Older(
        approve=functools.partial(agree, limen),
        net=runtime.net,
        provider=runtime.vault.catalogue.get("google", client.config),
        client=client.at_provider,
        now=runtime.works.clock.now(),
    )
    return await older.connect(await new_account(limen))


async def bring(
    admin: Admin, *lines: object, query: str = "", key: str = "", status: int = 200
) -> Any:
    body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    headers = {
        "Authorization": f"Bearer {admin.token}",
        "Content-Type": "application/x-ndjson",
        **({"Idempotency-Key": key} if key else {}),
    }
    url = f"{admin.limen.issuer}/api/v1/admin/connections/import{query}"
    async with admin.limen.plain.post(url, data=body, headers=headers) as answer:
        text = await answer.text()
        assert answer.status == status, text
        assert "refresh_token" not in text
        return json.loads(text)


async def test_each_line_has_its_result_and_twice_is_fine(
    limen: Installation, admin: Admin
) -> None:
    person = await limen.person()
    line = {**await obtained(limen), "user": person.id, "id": "older-1"}
    owner = await somebody(limen, "owner")
    lines = [line, "nonsense", line, {**line, "user": "nobody"}, {**line, "user": owner.id}]
    dry = await bring(admin, *lines, query="?dry_run=true")
    codes = [each["error"] and each["error"]["code"] for each in dry["results"]]
    assert codes == [None, "invalid_input", "line_repeated", "user_not_found", "role_above_own"]
    first = dry["results"][0]
    assert (first["ref"], first["body"]["verdict"]) == ("older-1", "would_import")
    key = secrets.token_hex(8)
    done = await bring(admin, *lines, key=key)
    assert (done["done"], done["refused"], done["results"][0]["status"]) == (1, 4, 201)
    assert await bring(admin, *lines, key=key) == done
    (again,) = (await bring(admin, line))["results"]
    assert (again["status"], again["body"]["verdict"]) == (200, "present")
    assert again["body"]["connection_id"] == done["results"][0]["body"]["connection_id"]
    raw = (await limen.login(person))["access_token"]
    path = f"/api/v1/oauth/connections/{again['body']['connection_id']}/token"
    token = await person.api("GET", path, raw)
    assert token.status == 200
    assert token.json()["access_token"] not in {line["access_token"], None}


async def test_who_may_not_brings_nothing(limen: Installation, admin: Admin) -> None:
    auditor = await somebody(limen, "auditor")
    told = await bring(auditor, "{}", status=403)
    assert told["code"] == "not_permitted"
    assert (await bring(admin, *["{}"] * (MOST + 1), status=413))["code"] == "request_too_large"
