"""Clients that register for what one call needs, and ask for more at the next (MCP, step-up)."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.oauth.model import Client
from limen.oauth.registration.register import read_metadata
from limen.oauth.registration.statement import Statement
from limen.oauth.resources import granted_scope, issuer_resource
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.unit.oauth.http_kit import CALLBACK, Server, serve

pytestmark = pytest.mark.anyio

OFFERED = ["openid", "notes:read", "notes:write", "offline_access"]
GROWS: list[dict[str, Any]] = [{"profile": "mcp"}, {"registration": {"scope_may_grow": True}}]


async def tenant_that(works: Works, site: Site, said: dict[str, Any]) -> Server:
    registration = {"mode": "open", "scopes": OFFERED, **said.get("registration", {})}
    policy = TenantPolicy.read({**said, "registration": registration})
    fields = dataclasses.asdict(site)
    tenant = Tenant(**fields, name="T", host=None, policy=policy, version=1, state="active")
    return await serve(works, tenant)


async def registered(server: Server, **members: Any) -> dict[str, Any]:
    sent = await server.http.post("/oauth2/register", json={"redirect_uris": [CALLBACK], **members})
    assert sent.status_code == 201, sent.text
    return dict(sent.json())


async def known(server: Server, client_id: str) -> Client:
    found = await server.run(lambda work: server.parts.clients.fresh(work, client_id))
    assert found is not None
    return found


@pytest.mark.parametrize("said", GROWS)
async def test_mcp_a_client_may_ask_for_more_than_it_registered_for(
    works: Works, site: Site, said: dict[str, Any]
) -> None:
    server = await tenant_that(works, site, said)
    made = await registered(server, scope="notes:read admin")
    assert made["scope"] == " ".join(OFFERED)
    client, here = await known(server, made["client_id"]), issuer_resource(server.site)
    more = ("notes:read", "notes:write")
    assert granted_scope((*more, "admin"), client=client, resource=here) == more
    assert granted_scope(None, client=client, resource=here) == ("notes:read",)
    uri, token = made["registration_client_uri"], made["registration_access_token"]
    replaced = await server.http.put(
        uri,
        json={
            "client_id": made["client_id"],
            "redirect_uris": [CALLBACK],
            "scope": "notes:write",
        },
        headers={"authorization": f"Bearer {token}"},
    )
    assert replaced.json()["scope"] == " ".join(OFFERED), replaced.text
    assert (await known(server, made["client_id"])).default_scope == ("notes:write",)
    await server.close()


async def test_elsewhere_a_client_is_registered_for_what_it_named(works: Works, site: Site) -> None:
    server = await tenant_that(works, site, {})
    made = await registered(server, scope="notes:read admin")
    assert made["scope"] == "notes:read"
    client, here = await known(server, made["client_id"]), issuer_resource(server.site)
    more = ("notes:read", "notes:write")
    assert granted_scope(more, client=client, resource=here) == ("notes:read",)
    await server.close()


@pytest.mark.parametrize("said", GROWS)
async def test_n190_what_a_statement_says_is_nobodys_to_widen(
    works: Works, site: Site, said: dict[str, Any]
) -> None:
    server = await tenant_that(works, site, said)
    members = {"redirect_uris": [CALLBACK], "scope": "notes:read"}
    for named, scope in (
        ({"scope": "notes:read"}, ["notes:read"]),
        ({"client_name": "A"}, OFFERED),
    ):
        wanted = await server.run(
            partial(
                read_metadata,
                registrar=server.parts.registrar,
                members=members,
                statement=Statement("raw", named),
                vouched=True,
            )
        )
        assert list(wanted.metadata.scope) == scope
        assert wanted.default_scope == ("notes:read",)
    await server.close()
