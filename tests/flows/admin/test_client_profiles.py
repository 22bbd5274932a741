"""A profile set over the administrators' API, for one client and for many."""

from __future__ import annotations

import pytest

from limen.protocol.jwk import generate_key
from tests.flows.admin.test_admin_api import Admin, a_client, somebody
from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


async def test_a_profile_set_later_switches_on_what_it_requires(admin: Admin) -> None:
    keys = {"keys": [generate_key("ES256").public.jwk()]}
    signing = a_client(token_endpoint_auth_method="private_key_jwt", jwks=keys)
    one, other = [(await admin.ask("POST", "/clients", signing)).json() for _ in range(2)]
    against = {"profile": "fapi2", "metadata": {"dpop_bound_access_tokens": False}}
    refused = await admin.ask("PATCH", f"/clients/{one['client_id']}", against)
    assert refused.status == 422
    assert "dpop_bound_access_tokens" in refused.text
    changed = await admin.ask("PATCH", f"/clients/{one['client_id']}", {"profile": "fapi2"})
    assert changed.status == 200, changed.text
    update = {"op": "update", "client_id": other["client_id"]}
    operations = [{**update, "changes": each} for each in (against, {"profile": "fapi2"})]
    told = await admin.ask("POST", "/clients/bulk", {"operations": operations})
    results = told.json()["results"]
    assert [each["status"] for each in results] == [422, 200]
    for now in (changed.json(), results[1]["body"]):
        assert now["metadata"]["dpop_bound_access_tokens"] is True
        assert now["metadata"]["require_pushed_authorization_requests"] is True
    taken = await admin.ask("PATCH", f"/clients/{one['client_id']}", {"profile": ""})
    assert taken.status == 200, taken.text
    left = {**changed.json()["metadata"], "profile": ""}
    assert taken.json()["metadata"] == left
