import dataclasses
import datetime as dt
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.routing import APIRoute

from limen.admin.api.resources import routes
from limen.admin.parts import Parts
from limen.admin.resource_schemas import ResourceBody
from limen.db.work import Work, Works
from limen.kernel.errors import Conflict, InvalidInput, NotFound, OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import token_hash
from limen.oauth.clients import Clients
from limen.oauth.model import Client
from limen.oauth.registry.create_resource import NewResource, create_resource
from limen.oauth.registry.disable_client import disable_client, enable_client
from limen.oauth.registry.disable_resource import disable_resource, enable_resource
from limen.oauth.registry.listing import Page, list_clients
from limen.oauth.registry.register_client import (
    FIRST_PARTY_CLIENT_ID,
    NewClient,
    Registered,
    register_built_in_client,
    register_client,
)
from limen.oauth.registry.rotate_client_secret import Rotated, rotate_client_secret
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.oauth.resources import Resources, granted_scope, issuer_resource, own_resource
from limen.protocol.client_metadata import ClientType
from limen.tenants.policy import TenantPolicy
from limen.tenants.store import ensure_tenant_row
from limen.tenants.update_policy import update_policy
from limen.testing.clock import FrozenClock
from tests.unit.crypto.kit import with_keys

pytestmark = pytest.mark.anyio

WEB = NewClient(
    name="App",
    type="web",
    redirect_uris=("https://app.example/cb",),
    scope=("openid", "offline_access", "read"),
)


@pytest.fixture(autouse=True)
async def tenant(works: Works, site: Site) -> None:
    await works.run(site, ensure_tenant_row)


async def registered(works: Works, site: Site, new: NewClient = WEB) -> Registered:
    return await works.run(site, lambda work: register_client(work, new=new))


async def read(works: Works, site: Site, client_id: str) -> Client:
    found = await works.run(site, lambda work: Clients().find(work, client_id))
    assert found is not None
    return found


async def test_a_client_is_read_as_it_was_registered(works: Works, site: Site) -> None:
    made = await registered(works, site)
    client = await read(works, site, made.client.client_id)
    assert client == made.client
    assert (client.name, client.type, client.auth_method) == ("App", "web", "client_secret_basic")
    assert client.default_scope == ("read",)
    assert client.origins == ("https://app.example",)
    assert client.needs_pkce(openid=True)
    assert not client.rotates
    assert client.is_active


async def test_a_secret_is_shown_once_and_stored_as_a_hash(works: Works, site: Site) -> None:
    made = await registered(works, site)
    assert made.raw_secret is not None
    (secret,) = (await read(works, site, made.client.client_id)).secrets
    assert secret.secret_hash == token_hash(made.raw_secret)
    assert made.raw_secret.reveal() not in repr(made)
    assert "secret_hash" not in repr(made.client)


@pytest.mark.parametrize("client_type", ["spa", "native"])
async def test_public_clients_have_no_secret_and_rotate(
    works: Works, site: Site, client_type: ClientType
) -> None:
    made = await registered(works, site, dataclasses.replace(WEB, type=client_type))
    assert made.raw_secret is None
    client = await read(works, site, made.client.client_id)
    assert client.is_public
    assert client.rotates
    assert client.secrets == ()


@pytest.mark.parametrize(
    ("members", "rotates"),
    [
        ({}, True),
        ({"dpop_bound_access_tokens": True}, False),
        ({"dpop_bound_access_tokens": True, "profile": "mcp"}, True),
    ],
)
async def test_oauth21_4_3_1_a_public_clients_refresh_token_rotates_or_is_bound(
    works: Works, site: Site, members: dict[str, Any], rotates: bool
) -> None:
    new = dataclasses.replace(WEB, type="spa", rotates_refresh=False, metadata=members)
    assert (await registered(works, site, new)).client.rotates is rotates


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uris": ()}, "invalid_redirect_uri"),
        ({"redirect_uris": ("https://*.app.example/cb",)}, "invalid_redirect_uri"),
        ({"redirect_uris": ("https://a@app.example/cb",)}, "invalid_redirect_uri"),
        ({"redirect_uris": ("https://app.example/cb#x",)}, "invalid_redirect_uri"),
        ({"redirect_uris": ("javascript:alert(1)",)}, "invalid_redirect_uri"),
        ({"redirect_uris": (" https://app.example/cb",)}, "invalid_redirect_uri"),
        ({"metadata": {"client_uri": "javascript:alert(1)"}}, "invalid_client_metadata"),
        ({"grant_types": ("password",)}, "invalid_client_metadata"),
        ({"default_scope": ("admin",)}, "invalid_client_metadata"),
        ({"client_id": "a b"}, "client_id_invalid"),
    ],
)
async def test_a_bad_registration_stores_nothing(
    works: Works, site: Site, changes: dict[str, Any], code: str
) -> None:
    new = dataclasses.replace(WEB, **{"client_id": "chosen", **changes})
    with pytest.raises(InvalidInput) as refusal:
        await registered(works, site, new)
    assert refusal.value.code == code
    assert await works.run(site, lambda work: Clients().find(work, "chosen")) is None


async def test_a_chosen_id_is_taken_once(works: Works, site: Site) -> None:
    new = dataclasses.replace(WEB, client_id="chosen")
    await registered(works, site, new)
    with pytest.raises(Conflict):
        await registered(works, site, new)


async def test_two_secrets_are_valid_during_rotation_never_three(
    works: Works, site: Site, clock: FrozenClock
) -> None:
    made = await registered(works, site)
    client_id = made.client.client_id

    async def rotate(work: Work) -> Rotated:
        return await rotate_client_secret(work, client_id=client_id)

    async def valid() -> set[bytes | None]:
        client = await read(works, site, client_id)
        return {s.secret_hash for s in client.secrets if s.is_valid(now=clock.now())}

    def hashes(*raw: Secret[str] | None) -> set[bytes | None]:
        return {token_hash(one) for one in raw if one is not None}

    clock.advance(dt.timedelta(minutes=1))
    second = await works.run(site, rotate)
    assert await valid() == hashes(made.raw_secret, second.raw_secret)
    clock.advance(dt.timedelta(minutes=1))
    third = await works.run(site, rotate)
    assert await valid() == hashes(second.raw_secret, third.raw_secret)
    clock.advance(dt.timedelta(hours=24))
    assert await valid() == hashes(third.raw_secret)


async def test_public_clients_have_nothing_to_rotate(works: Works, site: Site) -> None:
    made = await registered(works, site, dataclasses.replace(WEB, type="spa"))
    with pytest.raises(InvalidInput):
        await works.run(
            site, lambda work: rotate_client_secret(work, client_id=made.client.client_id)
        )


async def test_a_change_is_seen_at_once_in_this_process(works: Works, site: Site) -> None:
    made = await registered(works, site)
    client_id = made.client.client_id
    clients = Clients()

    async def find(work: Work) -> Client | None:
        return await clients.find(work, client_id)

    async def disable(work: Work) -> None:
        await disable_client(work, client_id=client_id)

    async def enable(work: Work) -> None:
        await enable_client(work, client_id=client_id)

    before = await works.run(site, find)
    assert await works.run(site, find) is before
    await works.run(site, disable)
    after = await works.run(site, find)
    assert after is not None
    assert not after.is_active
    assert after.version == 2
    await works.run(site, enable)
    assert (await read(works, site, client_id)).is_active


async def test_what_was_rolled_back_is_not_remembered(works: Works, site: Site) -> None:
    made = await registered(works, site)
    client_id, clients = made.client.client_id, Clients()

    async def change_and_fail(work: Work) -> None:
        await disable_client(work, client_id=client_id)
        seen = await clients.find(work, client_id)
        assert seen is not None
        assert not seen.is_active
        raise NotFound

    with pytest.raises(NotFound):
        await works.run(site, change_and_fail)
    found = await works.run(site, lambda work: clients.find(work, client_id))
    assert found == made.client


async def test_a_cached_client_is_confirmed_by_its_version(works: Works, site: Site) -> None:
    made = await registered(works, site)
    old = made.client

    async def change(work: Work) -> Client:
        changes = ClientChanges(metadata={"client_name": "Other"})
        return (await update_client(work, client_id=old.client_id, changes=changes)).client

    changed = await works.run(site, change)
    assert changed.version == 2
    clients = Clients()
    assert await works.run(site, lambda w: clients.confirm(w, old, version=1)) is old
    assert await works.run(site, lambda w: clients.confirm(w, old, version=2)) == changed


async def test_an_update_is_validated_as_a_whole(works: Works, site: Site) -> None:
    made = await registered(works, site)

    async def update(work: Work, **metadata: object) -> Client:
        changes = ClientChanges(metadata=metadata)
        updated = await update_client(work, client_id=made.client.client_id, changes=changes)
        return updated.client

    rejected: list[dict[str, Any]] = [
        {"redirect_uris": []},
        {"token_endpoint_auth_method": "none"},
        {"logo_uri": "data:x"},
    ]
    for bad in rejected:
        with pytest.raises(InvalidInput):
            await works.run(site, partial(update, **bad))
    assert await read(works, site, made.client.client_id) == made.client
    moved = await works.run(
        site, lambda work: update(work, redirect_uris=["https://new.example/cb"], scope="openid")
    )
    assert moved.origins == ("https://new.example",)
    assert moved.default_scope == ()


async def test_a_default_resource_must_exist(works: Works, site: Site) -> None:
    new = dataclasses.replace(WEB, default_resource="https://API.example/")
    with pytest.raises(InvalidInput) as refusal:
        await registered(works, site, new)
    assert refusal.value.code == "resource_invalid"
    resource = NewResource(identifier="https://api.example", scopes=("read",))
    await works.run(site, lambda work: create_resource(work, new=resource))
    made = await registered(works, site, new)
    assert made.client.default_resource == "https://api.example"
    changes = ClientChanges(flags={"default_resource": "https://other.example"})
    with pytest.raises(InvalidInput):
        await works.run(
            site,
            lambda work: update_client(work, client_id=made.client.client_id, changes=changes),
        )


async def test_the_default_resource_is_chosen_in_a_policy_that_holds_with_the_servers_settings(
    works: Works, site: Site
) -> None:
    long = TenantPolicy(session_absolute_seconds=200 * 86_400)
    chosen = {"session_idle_seconds": 100 * 86_400}  # more than 90 days, which are the default
    await works.run(site, partial(update_policy, changes=chosen, defaults=long))
    parts = cast("Parts", SimpleNamespace(defaults=long))
    [create] = [
        route.endpoint
        for route in routes(parts, APIRoute).routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    ]
    body = ResourceBody(identifier="https://api.example", scopes=["read"], is_default=True)
    await works.run(site, partial(create, body=body))
    changed = await works.run(site, partial(update_policy, changes={}, defaults=long))
    assert changed.default_resource == "https://api.example"
    assert changed.session_idle_seconds == 100 * 86_400


async def test_disabled_resources_get_no_tokens(works: Works, site: Site) -> None:
    identifier = "https://api.example"
    resource = NewResource(identifier=identifier, scopes=("read",))
    await works.run(site, lambda work: create_resource(work, new=resource))
    client, resources = (await registered(works, site)).client, Resources()

    async def resolve(work: Work) -> str:
        found = await resources.resolve(work, client=client, requested=identifier)
        return found.identifier

    assert await works.run(site, resolve) == identifier
    await works.run(site, partial(disable_resource, identifier=identifier))
    with pytest.raises(OAuthRefusal) as refusal:
        await works.run(site, resolve)
    assert refusal.value.code == "invalid_target"
    await works.run(site, partial(enable_resource, identifier=identifier))
    assert await works.run(site, resolve) == identifier
    with pytest.raises(NotFound):
        await works.run(site, partial(disable_resource, identifier="https://nobody.example"))


async def test_the_full_scope_is_for_our_own_clients(works: Works, site: Site) -> None:
    scope = ("limen:full", "users:read")
    api = own_resource(site, f"{site.issuer}/api/v1")
    assert api is not None
    for first_party, granted in ((False, ("users:read",)), (True, scope)):
        new = dataclasses.replace(WEB, scope=scope, first_party=first_party)
        client = (await registered(works, site, new)).client
        for resource in (api, issuer_resource(site)):
            assert granted_scope(scope, client=client, resource=resource) == granted


async def test_offline_access_needs_the_refresh_grant(works: Works, site: Site) -> None:
    new = dataclasses.replace(WEB, grant_types=("authorization_code",))
    client = (await registered(works, site, new)).client
    scope = ("openid", "offline_access")
    assert granted_scope(scope, client=client, resource=issuer_resource(site)) == ("openid",)


async def test_origins_of_active_clients_are_allowed(works: Works, site: Site) -> None:
    clients = Clients()

    async def allowed(origin: str) -> bool:
        return await works.run(site, lambda work: clients.allows_origin(work, origin))

    assert not await allowed("https://app.example")
    client_id = (await registered(works, site)).client.client_id
    assert await allowed("https://app.example")
    assert not await allowed("https://app.example.evil.example")
    assert not await allowed("null")
    await works.run(site, lambda work: disable_client(work, client_id=client_id))
    assert not await works.run(
        site, lambda work: Clients().allows_origin(work, "https://app.example")
    )


async def test_unknown_clients_are_not_found(works: Works, site: Site) -> None:
    with pytest.raises(NotFound):
        await works.run(site, lambda work: disable_client(work, client_id="nobody"))
    with pytest.raises(NotFound):
        await works.run(
            site, lambda work: update_client(work, client_id="nobody", changes=ClientChanges())
        )


async def test_another_tenant_sees_none_of_it(works: Works, site: Site) -> None:
    made = await registered(works, site)
    other = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
    clients = Clients()
    await works.run(site, lambda work: clients.find(work, made.client.client_id))
    assert await works.run(other, lambda work: clients.find(work, made.client.client_id)) is None


async def test_the_built_in_client_is_made_once(works: Works, site: Site) -> None:
    await works.run(site, register_built_in_client)
    await works.run(site, register_built_in_client)
    client = await read(works, site, FIRST_PARTY_CLIENT_ID)
    assert client.first_party
    assert client.trusted
    assert client.is_public
    assert not client.may_use("authorization_code")


async def test_lists_go_on_behind_sealed_cursors(works: Works, site: Site) -> None:
    crypto = await with_keys(works, site)
    ids = sorted([(await registered(works, site)).client.client_id for _ in range(3)])

    async def page(work: Work, cursor: str = "") -> Page[Client]:
        return await list_clients(work, crypto.envelope, cursor=cursor, limit=2)

    first = await works.run(site, page)
    assert [client.client_id for client in first.items] == ids[:2]
    second = await works.run(site, lambda work: page(work, first.next_cursor))
    assert [client.client_id for client in second.items] == ids[2:]
    assert second.next_cursor == ""
    for forged in ("x", first.next_cursor[:-2] + "AA", ids[0]):
        with pytest.raises(InvalidInput):
            await works.run(site, partial(page, cursor=forged))


@pytest.mark.parametrize(
    "new",
    [
        NewResource(identifier="api.example"),
        NewResource(identifier="https://api.example/#x"),
        NewResource(identifier="https://api.example", scopes=("openid",)),
        NewResource(identifier="https://api.example", scopes=("limen:full",)),
        NewResource(identifier="https://api.example", scopes=("a b",)),
        NewResource(identifier="https://api.example", default_scopes=("read",)),
        NewResource(identifier="https://api.example", access_token_ttl=dt.timedelta(days=2)),
    ],
)
async def test_bad_resources_are_refused(works: Works, site: Site, new: NewResource) -> None:
    with pytest.raises(InvalidInput):
        await works.run(site, lambda work: create_resource(work, new=new))


@pytest.mark.parametrize(
    "identifier",
    ["https://API.example/", "http://localhost:8000", "http://localhost:8000/api/v1"],
)
async def test_resources_are_made_once_and_ours_are_taken(
    works: Works, site: Site, identifier: str
) -> None:
    await works.run(
        site, lambda work: create_resource(work, new=NewResource(identifier="https://api.example"))
    )
    with pytest.raises(Conflict):
        await works.run(
            site, lambda work: create_resource(work, new=NewResource(identifier=identifier))
        )
