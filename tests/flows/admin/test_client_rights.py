"""What operators decide of clients, and that nobody lends themselves others' rights by one."""

from __future__ import annotations

from typing import Any

import pytest

from limen.oauth.registry.register_client import FIRST_PARTY_CLIENT_ID
from tests.flows.admin.test_admin_api import Admin, a_client, obtains_token, somebody
from tests.flows.admin.test_bulk import bulk, export, take_in
from tests.installation import CALLBACK, Installation, Known
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE, add_tenant

pytestmark = EACH_ONCE
LENDS = {"first_party": True, "scope": "openid limen:full"}
ELSEWHERE = "https://elsewhere.example/cb"


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


async def narrowed(owner: Admin, scope: str) -> Admin:
    """The same person by an API key that may do but this."""
    made = await owner.limen.api.fetch(
        "POST",
        "/api/v1/api-keys",
        body={"name": "deploys", "scope": scope},
        headers={"Authorization": f"Bearer {owner.token}"},
    )
    assert made.status == 201, made.text
    return Admin(owner.limen, made.json()["api_key"], id_=owner.id)


async def test_n205_who_writes_clients_lends_themselves_nobodys_rights(
    limen: Installation, admin: Admin
) -> None:
    owner = await somebody(limen, "owner")
    lent = await owner.ask("POST", "/clients", a_client(**LENDS))
    assert lent.status == 201, lent.text
    id_ = lent.json()["client_id"]
    (line,) = [each for each in await export(owner) if each["client_id"] == id_]
    plain = (await owner.ask("POST", "/clients", a_client(scope="openid limen:full"))).json()
    elsewhere = {**line["metadata"], "redirect_uris": [ELSEWHERE]}
    for who in (admin, await narrowed(owner, "clients:write clients:read")):
        for method, path, body in (
            ("POST", "", a_client(**LENDS)),
            ("POST", "", a_client(trusted=True, scope="openid roles:write")),
            ("PATCH", f"/{id_}", {"redirect_uris": [ELSEWHERE]}),
            ("PATCH", f"/{id_}", {"redirect_uris": [ELSEWHERE], "first_party": False}),
            ("PATCH", f"/{plain['client_id']}", {"trusted": True}),
        ):
            assert (await who.ask(method, f"/clients{path}", body)).status == 403, (path, body)
        told = await bulk(
            who,
            {"op": "create", "client": a_client(**LENDS)},
            {"op": "update", "client_id": id_, "changes": {"redirect_uris": [ELSEWHERE]}},
        )
        told += await take_in(
            who, {**line, "metadata": elsewhere}, {**line, "client_id": f"{id_}-new"}
        )
        assert [each["status"] for each in told] == [403] * 4
        harmless = a_client(trusted=True, scope="openid email")
        assert (await who.ask("POST", "/clients", harmless)).status == 201
    (after,) = [each for each in await export(owner) if each["client_id"].startswith(id_)]
    assert after == line


async def test_n205_nor_by_what_an_owner_agreed_to_for_another_address(
    limen: Installation, admin: Admin
) -> None:
    api, person = f"{limen.issuer}/api/v1", await limen.person(role="owner")
    client = await limen.client(scope=("openid", "roles:write"), default_resource=api)
    id_ = client.id
    assert (
        await admin.ask("PATCH", f"/clients/{id_}", {"redirect_uris": [CALLBACK]})
    ).status == 200
    granted = await Flow(limen, client).tokens(person, scope="openid roles:write", resource=api)
    assert "roles:write" in granted["scope"]
    elsewhere = {"redirect_uris": [CALLBACK, ELSEWHERE]}
    (line,) = [each for each in await export(admin) if each["client_id"] == id_]
    there = {**line, "metadata": {**line["metadata"], **elsewhere}}
    for changes, status in (
        (elsewhere, 403),
        ({"name": "Renamed", "redirect_uris": [CALLBACK]}, 200),
        ({"scope": "openid"}, 200),
        (elsewhere, 200),
        ({"scope": "openid roles:write"}, 403),
    ):
        told = await admin.ask("PATCH", f"/clients/{id_}", changes)
        assert told.status == status, (changes, told.text)
    assert [each["status"] for each in await take_in(admin, there)] == [403]
    owner = await somebody(limen, "owner")
    assert [each["status"] for each in await take_in(owner, there)] == [200]


async def test_n205_nor_in_a_tenant_where_owners_may_no_more_than_give_their_role(
    limen: Installation,
) -> None:
    there = limen.at(await add_tenant(limen.application, slug="lends"))
    admin, owner = await somebody(there, "admin"), await somebody(there, "owner")
    refused = await admin.ask("POST", "/clients", a_client(**LENDS))
    assert (refused.status, refused.json()["code"]) == (403, "role_above_own")
    assert (await owner.ask("POST", "/clients", a_client(**LENDS))).status == 201


async def test_rotation_of_refresh_tokens_and_the_usual_api_are_operators_to_say(
    limen: Installation, admin: Admin
) -> None:
    api = await limen.resource()
    body = a_client(scope="openid offline_access read", rotates_refresh=True)
    made = (await admin.ask("POST", "/clients", body)).json()
    assert (made["rotates_refresh"], made["default_resource"]) == (True, None)
    url = f"/clients/{made['client_id']}"
    client = Known(made["client_id"], made["client_secret"], made["metadata"]["redirect_uris"][0])
    flow, person = Flow(limen, client), await limen.person()
    scope = {"scope": "openid offline_access read"}
    first = await flow.tokens(person, **scope)
    assert (await flow.refresh(first["refresh_token"])).json()["refresh_token"]
    changed = {"rotates_refresh": None, "default_resource": f"{api}/"}
    shown = (await admin.ask("PATCH", url, changed)).json()
    assert (shown["rotates_refresh"], shown["default_resource"]) == (None, api)
    second = await flow.tokens(person, **scope)
    kept = (await flow.refresh(second["refresh_token"])).json()
    assert kept.get("refresh_token", second["refresh_token"]) == second["refresh_token"]
    assert (await admin.get(url))["default_resource"] == api
    back = await admin.ask("PATCH", url, {"default_resource": None})
    assert back.json()["default_resource"] is None


async def test_keys_of_every_algorithm_are_rotated(admin: Admin) -> None:
    told = await admin.ask("POST", "/keys/rotate", {"alg": "PS256"})
    assert (told.status, told.json()["rotated"]) == (200, True)
    assert "PS256" in [key["alg"] for key in (await admin.get("/keys"))["keys"] if key["active"]]


async def test_all_tokens_of_a_client_are_its_own_too(limen: Installation, admin: Admin) -> None:
    machine = await limen.client("machine")
    own = (await obtains_token(limen, machine.id, machine.secret)).json()["access_token"]
    flow = Flow(limen, machine)
    assert await flow.is_active(own)
    told: Any = await admin.ask("POST", "/tokens/revoke", {"client_id": machine.id})
    assert told.status == 200, told.text
    assert not await flow.is_active(own)


async def test_the_tenants_own_sign_in_is_not_deleted(limen: Installation) -> None:
    owner = await somebody(limen, "owner")
    refused = await owner.ask("DELETE", f"/clients/{FIRST_PARTY_CLIENT_ID}")
    assert (refused.status, refused.json()["code"]) == (409, "client_built_in")
    assert (await limen.login(await limen.person()))["access_token"]


async def test_n205_who_may_not_give_roles_has_no_provider_give_them(limen: Installation) -> None:
    owner = await somebody(limen, "owner")
    maps = {"providers": {"google": {"roles": [{"claim": "hd", "value": "x", "role": "admin"}]}}}
    allowed = {"providers": {"google": {"sign_up": "open"}}}
    policies = await narrowed(owner, "policy:write")
    entries = await narrowed(owner, "providers:write providers:read")
    client = {"client_id": "ours", "client_secret": "another"}
    assert (await policies.ask("PATCH", "/policy", {"sign_in": maps})).status == 403
    assert (await policies.ask("PATCH", "/policy", {"sign_in": allowed})).status == 200
    assert (await owner.ask("PATCH", "/policy", {"sign_in": maps})).status == 200
    assert (await policies.ask("PATCH", "/policy", {"sign_in": None})).status == 403
    for widened in ({"domains": ["other.example"]}, {"tenants": ["theirs"]}):
        google = {**maps["providers"]["google"], **widened}
        there = {"sign_in": {"providers": {"google": google}}}
        assert (await policies.ask("PATCH", "/policy", there)).status == 403, widened
    assert (await policies.ask("PATCH", "/policy", {"fresh_minutes": None})).status == 200
    for method, path, body in (
        ("PUT", "client", client),
        ("PUT", "entry", {"entry": {}}),
        ("PUT", "override", {"override": {}}),
        ("DELETE", "override", None),
    ):
        refused = await entries.ask(method, f"/providers/google/{path}", body)
        assert (refused.status, refused.json()["code"]) == (403, "not_permitted"), (method, path)
    assert (await owner.ask("PATCH", "/policy", {"sign_in": None})).status == 200
    told = await entries.ask("PUT", "/providers/google/override", {"override": {}})
    assert told.status != 403


async def test_n205_who_may_not_give_roles_names_no_origin_that_takes_sign_ins(
    limen: Installation,
) -> None:
    owner, elsewhere = await somebody(limen, "owner"), "https://elsewhere.example"
    policies = await narrowed(owner, "policy:write")
    both = await narrowed(owner, "policy:write roles:write")
    for origins, who, status in (
        ([elsewhere], policies, 403),
        ([elsewhere], both, 200),
        ([elsewhere, f"{elsewhere}:8443"], policies, 403),
        ([f"{elsewhere}:8443"], policies, 403),
        ([elsewhere], policies, 200),
        ([], policies, 200),
        ([elsewhere], await somebody(limen, "admin"), 200),
        (None, policies, 200),
    ):
        answer = await who.ask("PATCH", "/policy", {"allowed_origins": origins})
        assert answer.status == status, (origins, answer.text)


async def test_n205_a_key_that_may_do_less_is_not_told_what_more_was_answered(
    limen: Installation,
) -> None:
    owner, body = await somebody(limen, "owner"), {"name": "Builder", "roles": ["owner"]}
    made = await owner.ask("POST", "/service-accounts", body, key="the-same")
    assert made.status == 201, made.text
    again = await owner.ask("POST", "/service-accounts", body, key="the-same")
    assert again.json() == made.json()
    less = await narrowed(owner, "clients:write")
    refused = await less.ask("POST", "/service-accounts", body, key="the-same")
    assert (refused.status, refused.json()["code"]) == (403, "not_permitted"), refused.text
    machine = {"operations": [{"op": "create", "client": {"name": "x", "type": "machine"}}]}
    told = [
        (await who.ask("POST", "/clients/bulk", machine, key="these")).json()["results"][0]["body"]
        for who in (owner, owner, less)
    ]
    assert told[0] == told[1]
    assert told[2]["client_secret"] != told[0]["client_secret"]


async def test_n191_a_sector_is_asked_again_when_what_it_has_to_list_changes(
    limen: Installation, admin: Admin
) -> None:
    inside = "https://10.0.0.1/sector.json"
    kept = {"subject_type": "pairwise", "sector_identifier_uri": inside}
    path = f"/clients/{(await limen.client(metadata=kept)).id}"
    for changes, field in (
        ({"redirect_uris": [CALLBACK, ELSEWHERE]}, "sector_identifier_uri"),
        ({"metadata": {"redirect_uris": [ELSEWHERE]}}, "sector_identifier_uri"),
        ({"name": "Other", "post_logout_redirect_uris": [ELSEWHERE]}, ""),
        ({"redirect_uris": [ELSEWHERE], "metadata": {"sector_identifier_uri": None}}, ""),
    ):
        answer = await admin.ask("PATCH", path, changes)
        assert answer.status == (422 if field else 200), (changes, answer.text)
        assert [each["field"] for each in answer.json().get("errors", [])] == [field] * bool(field)
