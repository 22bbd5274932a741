"""Private-use schemes without a domain name in them, which a tenant takes by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.unit.oauth.http_kit import Known, Server, serve
from tests.unit.oauth.journey_kit import Browser, answered, extend

pytestmark = pytest.mark.anyio
EDITOR = "cursor://anysphere.cursor-mcp/oauth/callback"


async def tenant_that(works: Works, site: Site, schemes: list[str], **said: Any) -> Server:
    registration = {"mode": "open", "private_use_schemes": schemes}
    policy = TenantPolicy.read({**said, "registration": registration})
    fields = dataclasses.asdict(site)
    tenant = Tenant(**fields, name="T", host=None, policy=policy, version=1, state="active")
    return await serve(works, tenant, extend=extend)


async def register(server: Server, uri: str) -> tuple[int, dict[str, Any]]:
    sent = {"redirect_uris": [uri], "token_endpoint_auth_method": "none", "client_name": "Editor"}
    answer = await server.http.post("/oauth2/register", json=sent)
    return answer.status_code, dict(answer.json())


@pytest.mark.parametrize("said", [{}, {"profile": "mcp"}], ids=["plain", "mcp"])
async def test_an_editor_registers_itself_and_is_answered_by_its_scheme(
    works: Works, site: Site, said: dict[str, Any]
) -> None:
    server = await tenant_that(works, site, ["cursor"], **said)
    status, made = await register(server, EDITOR)
    assert status == 201, made
    browser, client = Browser(server), Known(made["client_id"], "")
    await browser.sign_in(await server.person())
    to_consent = await browser.ask(client, redirect_uri=EDITOR, scope="openid")
    page = await browser.get(to_consent.headers["location"])
    assert "cursor" in page.text
    assert "Unverified" in page.text
    code = answered(await browser.decide(page, "allow"), to=EDITOR)["code"]
    told = await server.redeem(client, code, redirect_uri=EDITOR)
    assert told.status_code == 200, told.text
    again = await browser.ask(client, redirect_uri=EDITOR, scope="openid")
    assert "/consent" in again.headers["location"], "any app on the device may claim the scheme"
    await server.close()


async def test_only_what_the_tenant_named(works: Works, site: Site) -> None:
    server = await tenant_that(works, site, ["cursor"])
    for uri in ("windsurf://auth/callback", "cursorx://a/b", "javascript:alert(1)", "cursor:"):
        status, told = await register(server, uri)
        assert (status, told["error"]) == (400, "invalid_redirect_uri"), uri
    await server.close()


@pytest.mark.parametrize(
    "scheme",
    ["javascript", "data", "http", "https", "file", "intent", "Cursor", "a", "x:y", "", "cur sor"],
)
def test_n009_what_means_something_to_browsers_is_named_in_vain(scheme: str) -> None:
    with pytest.raises(InvalidInput):
        TenantPolicy.read({"registration": {"private_use_schemes": [scheme]}})
