from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.oauth.inspect_request import inspect_token_request
from limen.oauth.model import Client
from limen.protocol.client_metadata import DEVICE_CODE, Profile, parse_client_metadata
from limen.protocol.jwk import generate_key
from limen.protocol.params import Params
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.client_assertions import assertion_claims, presented, signed
from tests.unit.oauth.http_kit import Known, Server, refusal, serve

pytestmark = pytest.mark.anyio
KEY = generate_key("ES256")
KEYS: dict[str, Any] = {"jwks": {"keys": [KEY.public.jwk()]}}


@dataclasses.dataclass
class Tightened:
    """A tenant that chose a profile when it had clients already."""

    before: Server
    now: Server

    async def found(self, client: Known) -> Client:
        found = await self.now.run(lambda work: self.now.parts.clients.find(work, client.id))
        assert found is not None
        return found


async def tightened(works: Works, site: Site, profile: Profile) -> Tightened:
    tenant = Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="",
        host=None,
        policy=TenantPolicy(profile=profile),
        version=1,
        state="active",
    )
    now = await serve(works, tenant)
    return Tightened(before=dataclasses.replace(now, site=site), now=now)


@pytest.fixture
async def fapi(works: Works, site: Site) -> AsyncIterator[Tightened]:
    made = await tightened(works, site, "fapi2")
    yield made
    await made.now.close()


async def test_a_client_from_before_is_refused_where_it_can_not_keep_to_it(fapi: Tightened) -> None:
    web, spa = await fapi.before.client(), await fapi.before.client("spa")
    session, _ = await fapi.now.session(await fapi.now.person())
    for client in (web, spa):
        code = await fapi.now.code(client, session)
        assert refusal(await fapi.now.redeem(client, code)) == (401, "invalid_client")
        assert refusal(await fapi.now.post("/oauth2/par", client, scope="openid")) == (
            401,
            "invalid_client",
        )
    for path in ("/oauth2/introspect", "/oauth2/revoke"):
        assert refusal(await fapi.now.post(path, web, token="x")) == (401, "invalid_client")
    held = (await fapi.found(web)).held_back
    assert "token_endpoint_auth_method" in held
    findings = await inspect_token_request(
        fapi.now.works, fapi.now.site, parts=fapi.now.parts, client_id=web.id, params=Params([])
    )
    assert (findings[0].outcome, held in findings[0].reason) == ("refused", True)


async def test_a_refresh_token_from_before_is_no_way_around(fapi: Tightened) -> None:
    client = await fapi.before.client()
    session, _ = await fapi.now.session(await fapi.now.person())
    loose = await serve(fapi.now.works, fapi.before.site)
    tokens = (await loose.redeem(client, await loose.code(client, session))).json()
    assert refusal(await fapi.now.refresh(client, tokens["refresh_token"])) == (
        401,
        "invalid_client",
    )
    await loose.close()


async def test_one_that_can_is_held_to_it_in_every_request(fapi: Tightened) -> None:
    client = await fapi.before.client(
        "machine", scope=("read",), auth_method="private_key_jwt", metadata=KEYS
    )
    metadata = (await fapi.found(client)).metadata
    assert (metadata.profile, metadata.require_pushed_authorization_requests) == ("fapi2", True)
    claims = assertion_claims(
        client.id, audience=fapi.now.site.issuer, now=fapi.now.works.clock.now()
    )
    form = {
        "grant_type": "client_credentials",
        **presented(signed(claims, KEY)),
    }
    refused = await fapi.now.http.post("/oauth2/token", data=form)
    assert refusal(refused) == (400, "invalid_request"), refused.text


async def test_a_device_code_is_for_nobody_under_fapi(fapi: Tightened) -> None:
    client = await fapi.before.client(
        auth_method="private_key_jwt",
        metadata=KEYS,
        grant_types=("authorization_code", DEVICE_CODE),
    )
    claims = assertion_claims(
        client.id, audience=fapi.now.site.issuer, now=fapi.now.works.clock.now()
    )
    form = {"scope": "openid", **presented(signed(claims, KEY))}
    refused = await fapi.now.http.post("/oauth2/device_authorization", data=form)
    assert refusal(refused) == (400, "unauthorized_client")
    old = dataclasses.replace(
        await fapi.found(client),
        metadata=parse_client_metadata(
            {"grant_types": [DEVICE_CODE], "token_endpoint_auth_method": "private_key_jwt", **KEYS},
            client_type="machine",
        ),
    )
    assert old.may_use(DEVICE_CODE)
    metadata = dataclasses.replace(old.metadata, profile="fapi2")
    assert not dataclasses.replace(old, metadata=metadata).may_use(DEVICE_CODE)


async def test_logout_still_knows_them(fapi: Tightened) -> None:
    client = await fapi.before.client()
    found = await fapi.found(client)
    assert (found.is_active, found.is_disabled) == (False, False)


async def test_mcp_holds_a_confidential_client_to_pkce(works: Works, site: Site) -> None:
    made = await tightened(works, site, "mcp")
    client = await made.before.client(require_pkce=False)
    found = await made.found(client)
    assert found.is_active
    assert found.needs_pkce(openid=True)
    sealed = await made.before.client(auth_method="client_secret_jwt")
    assert not (await made.found(sealed)).is_active
    await made.now.close()
