"""Service accounts over the admin API: credentials side by side, roles, and their end."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

import pytest

from limen.access.rights import roles_of
from limen.oauth.registry.update_resource import update_resource
from limen.protocol.jwk import SigningKey, generate_key
from limen.testing.visitor import Page
from tests.client_assertions import assertion_claims, presented, signed
from tests.flows.admin.test_admin_api import Admin, obtains_token, somebody
from tests.flows.admin.test_bulk import bulk, take_in
from tests.installation import Installation
from tests.oauth_client import claims_in
from tests.standings import EACH_ONCE, add_tenant

pytestmark = EACH_ONCE
DAY = dt.timedelta(days=1)


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


async def account(admin: Admin, **more: Any) -> dict[str, Any]:
    body = {"name": "Builder", "description": "Builds.", "scope": "read users:read", **more}
    made = await admin.ask("POST", "/service-accounts", body)
    assert made.status == 201, made.text
    return dict(made.json())


def public(key: SigningKey) -> dict[str, Any]:
    return dict(key.public.jwk())


async def token_by_key(limen: Installation, client_id: str, key: SigningKey) -> Page:
    claims = assertion_claims(client_id, audience=limen.issuer, now=limen.clock.now())
    form = {"grant_type": "client_credentials", **presented(signed(claims, key))}
    return await limen.api.fetch("POST", "/oauth2/token", form=form)


async def test_secrets_stand_side_by_side_and_go_one_by_one(
    limen: Installation, admin: Admin
) -> None:
    made = await account(admin)
    id_, first = made["client_id"], made["client_secret"]
    added = await admin.ask("POST", f"/service-accounts/{id_}/secrets", {})
    assert added.status == 201, added.text
    second = added.json()["client_secret"]
    for secret in (first, second):
        assert (await obtains_token(limen, id_, secret)).status == 200
    shown = await admin.get(f"/service-accounts/{id_}")
    assert len(shown["secrets"]) == 2
    assert first not in str(shown)
    path = f"/service-accounts/{id_}/secrets/{made['secrets'][0]['id']}"
    assert (await admin.ask("DELETE", path)).status == 204
    assert (await admin.ask("DELETE", path)).status == 404
    assert (await obtains_token(limen, id_, first)).status == 401
    assert (await obtains_token(limen, id_, second)).status == 200


async def test_keys_and_secrets_are_taken_both_but_one_at_a_time(
    limen: Installation, admin: Admin
) -> None:
    made = await account(admin)
    id_, one, two = made["client_id"], generate_key("ES256"), generate_key("EdDSA")
    assert (await token_by_key(limen, id_, one)).status == 401
    for key in (one, two):
        added = await admin.ask("POST", f"/service-accounts/{id_}/keys", {"jwk": public(key)})
        assert added.status == 201, added.text
        assert (await token_by_key(limen, id_, key)).status == 200
    assert (await obtains_token(limen, id_, made["client_secret"])).status == 200
    claims = assertion_claims(id_, audience=limen.issuer, now=limen.clock.now())
    both = {
        "grant_type": "client_credentials",
        "client_id": id_,
        "client_secret": made["client_secret"],
        **presented(signed(claims, one)),
    }
    assert (await limen.api.fetch("POST", "/oauth2/token", form=both)).status == 400
    removed = await admin.ask("DELETE", f"/service-accounts/{id_}/keys/{one.kid}")
    assert removed.status == 204
    assert (await token_by_key(limen, id_, one)).status == 401
    assert (await token_by_key(limen, id_, two)).status == 200


@pytest.mark.parametrize(
    ("jwk", "status", "code"),
    [
        ({"kty": "EC", "crv": "P-256"}, 422, "kid_missing"),
        ({"kty": "EC", "crv": "P-256", "kid": "a"}, 422, "invalid_client_metadata"),
        ({"kty": "oct", "k": "AAAA", "kid": "a"}, 422, "invalid_client_metadata"),
        ({"kid": ""}, 422, "kid_missing"),
    ],
)
async def test_what_is_no_public_key_is_not_taken(
    admin: Admin, jwk: dict[str, Any], status: int, code: str
) -> None:
    id_ = (await account(admin))["client_id"]
    refused = await admin.ask("POST", f"/service-accounts/{id_}/keys", {"jwk": jwk})
    assert (refused.status, refused.json()["code"]) == (status, code)


async def test_a_kid_names_one_key(admin: Admin) -> None:
    id_, key = (await account(admin))["client_id"], generate_key("ES256")
    path = f"/service-accounts/{id_}/keys"
    assert (await admin.ask("POST", path, {"jwk": public(key)})).status == 201
    assert (await admin.ask("POST", path, {"jwk": public(key)})).status == 409
    assert (await admin.ask("DELETE", f"{path}/unknown")).status == 404


async def test_with_a_role_it_uses_the_admin_api_as_far_as_its_scope_goes(
    limen: Installation, admin: Admin
) -> None:
    api = f"{limen.issuer}/api/v1"
    made = await account(admin, default_resource=api)
    id_ = made["client_id"]
    raw = (await obtains_token(limen, id_, made["client_secret"])).json()["access_token"]
    machine = Admin(limen, raw)
    assert (await machine.ask("GET", "/users")).status == 403
    assert (await admin.ask("PUT", f"/service-accounts/{id_}/roles/auditor")).status == 204
    assert (await machine.ask("GET", "/users")).status == 200
    assert (await machine.ask("GET", "/clients")).status == 403
    own = await limen.api.fetch(
        "GET", "/api/v1/api-keys", headers={"Authorization": f"Bearer {raw}"}
    )
    assert own.status == 403
    assert (await admin.ask("DELETE", f"/service-accounts/{id_}/roles/auditor")).status == 204
    assert (await machine.ask("GET", "/users")).status == 403


async def test_its_api_key_does_the_same_and_ends_with_it(
    limen: Installation, admin: Admin
) -> None:
    made = await account(admin, roles=["auditor"])
    id_ = made["client_id"]
    path = f"/service-accounts/{id_}/api-keys"
    answer = await admin.ask("POST", path, {"name": "ci", "scope": "users:read"})
    assert answer.status == 201, answer.text
    machine = Admin(limen, answer.json()["api_key"])
    assert (await machine.ask("GET", "/users")).status == 200
    assert (await machine.ask("GET", "/clients")).status == 403
    for scope in ("clients:read", "openid", "limen:full"):
        refused = await admin.ask("POST", path, {"name": "ci", "scope": scope})
        assert (refused.status, refused.json()["code"]) == (422, "scope_not_available")
    assert (await admin.ask("POST", f"/service-accounts/{id_}/disable")).status == 204
    assert (await machine.ask("GET", "/users")).status == 401
    assert (await admin.ask("POST", f"/service-accounts/{id_}/enable")).status == 204
    assert (await machine.ask("GET", "/users")).status == 401
    assert (await obtains_token(limen, id_, made["client_secret"])).status == 200


async def test_n049_its_api_keys_lose_what_it_loses(limen: Installation, admin: Admin) -> None:
    id_ = (await account(admin, roles=["auditor"]))["client_id"]
    body = {"name": "ci", "scope": "users:read"}
    made = await admin.ask("POST", f"/service-accounts/{id_}/api-keys", body)
    machine = Admin(limen, made.json()["api_key"])
    assert (await machine.ask("GET", "/users")).status == 200
    assert (await admin.ask("PATCH", f"/service-accounts/{id_}", {"scope": "read"})).status == 200
    assert (await machine.ask("GET", "/users")).status == 401


async def test_n049_an_api_that_takes_bound_tokens_alone_takes_no_older_keys(
    limen: Installation, admin: Admin
) -> None:
    api = await limen.resource()
    id_ = (await account(admin))["client_id"]
    body = {"name": "ci", "scope": "read", "resource": api}
    made = await admin.ask("POST", f"/service-accounts/{id_}/api-keys", body)
    assert made.status == 201, made.text
    asker, key = await limen.api_client(api), made.json()["api_key"]
    asked = {"form": {"token": key}, "headers": asker.basic}
    assert (await limen.api.fetch("POST", "/oauth2/introspect", **asked)).json()["active"]
    changes = {"sender_constrained": True}
    await limen.run(lambda work: update_resource(work, identifier=api, changes=changes))
    told = await limen.api.fetch("POST", "/oauth2/introspect", **asked)
    assert told.json() == {"active": False}


async def test_n205_who_may_not_give_a_role_makes_no_credential_that_has_it(
    limen: Installation, admin: Admin
) -> None:
    owner = await somebody(limen, "owner")
    made = await account(owner, roles=["owner"])
    id_ = made["client_id"]
    key = generate_key("ES256")
    for method, path, body in (
        ("POST", f"/service-accounts/{id_}/secrets", {}),
        ("POST", f"/service-accounts/{id_}/keys", {"jwk": public(key)}),
        ("POST", f"/service-accounts/{id_}/api-keys", {"name": "x", "scope": "users:read"}),
        ("PATCH", f"/service-accounts/{id_}", {"scope": "read tenants:write"}),
        ("PATCH", f"/clients/{id_}", {"jwks": {"keys": [public(key)]}}),
        ("POST", f"/clients/{id_}/rotate-secret", {}),
        ("PUT", f"/service-accounts/{id_}/roles/owner", None),
        ("POST", "/service-accounts", {"name": "x", "roles": ["owner"]}),
    ):
        refused = await admin.ask(method, path, body)
        assert (refused.status, refused.json()["code"]) == (403, "role_above_own"), path
    assert len((await admin.get(f"/service-accounts/{id_}"))["secrets"]) == 1


async def test_n205_an_admin_neither_ends_nor_revives_an_owners_machine(
    limen: Installation, admin: Admin
) -> None:
    owner = await somebody(limen, "owner")
    key = public(generate_key("ES256"))
    made = await account(owner, roles=["owner"])
    id_, secret = made["client_id"], made["client_secret"]
    added = await owner.ask("POST", f"/service-accounts/{id_}/keys", {"jwk": key})
    assert added.status == 201, added.text
    for switched, status in (("enable", 200), ("disable", 401)):
        assert (await owner.ask("POST", f"/clients/{id_}/{switched}")).status == 204
        for method, path in (
            ("POST", f"/service-accounts/{id_}/enable"),
            ("POST", f"/service-accounts/{id_}/disable"),
            ("POST", f"/clients/{id_}/enable"),
            ("POST", f"/clients/{id_}/disable"),
            ("DELETE", f"/service-accounts/{id_}/secrets/{made['secrets'][0]['id']}"),
            ("DELETE", f"/service-accounts/{id_}/keys/{key['kid']}"),
            ("DELETE", f"/service-accounts/{id_}"),
            ("DELETE", f"/clients/{id_}"),
        ):
            refused = await admin.ask(method, path)
            assert (refused.status, refused.json()["code"]) == (403, "role_above_own"), path
        told = await bulk(
            admin, *({"op": op, "client_id": id_} for op in ("enable", "disable", "delete"))
        )
        assert [each["status"] for each in told] == [403] * 3, told
        assert (await obtains_token(limen, id_, secret)).status == status
    assert (await owner.ask("DELETE", f"/clients/{id_}")).status == 204


_NO_MOMENTS = ["2027-01-01T00:00:00", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00"]
"""Whose offset nobody knows; and two that are outside of the years there are, told in UTC."""


@pytest.mark.parametrize("moment", _NO_MOMENTS)
async def test_n212_a_moment_that_could_not_be_kept_is_refused(admin: Admin, moment: str) -> None:
    made = (await admin.ask("POST", "/service-accounts", {"name": "Builder"})).json()
    account, ends = f"/service-accounts/{made['client_id']}", {"expires_at": moment}
    for method, path, body in (
        ("GET", f"/audit?since={quote(moment)}", None),
        ("GET", f"/audit?until={quote(moment)}", None),
        ("GET", f"/oauth2/audit?since={quote(moment)}", None),
        ("POST", "/service-accounts", {"name": "Other", **ends}),
        ("PATCH", account, ends),
        ("POST", f"{account}/secrets", ends),
        ("POST", "/providers/google/secrets", {"client_secret": "s", **ends}),
    ):
        refused = await admin.ask(method, path, body)
        assert refused.status == 422, (method, path, refused.text)
    offset = await admin.get(f"/audit?until={quote('2000-01-01T00:00:00+02:00')}")
    assert offset["events"] == []
    line = {"client_id": f"kept-{made['client_id']}", "type": "machine", "metadata": {}}
    (told,) = await take_in(admin, {**line, "service_account": ends})
    assert (told["status"], told["error"]["code"]) == (422, "invalid_input")
    assert (await admin.get(account))["secrets"] == made["secrets"]


async def test_its_end_holds_for_secrets_tokens_and_keys(limen: Installation, admin: Admin) -> None:
    api = f"{limen.issuer}/api/v1"
    soon = limen.clock.now() + dt.timedelta(minutes=5)
    made = await account(
        admin, roles=["auditor"], default_resource=api, expires_at=soon.isoformat()
    )
    id_, secret = made["client_id"], made["client_secret"]
    answer = (await obtains_token(limen, id_, secret)).json()
    assert answer["expires_in"] <= 300
    assert claims_in(answer["access_token"])["exp"] <= soon.timestamp()
    key = await admin.ask(
        "POST", f"/service-accounts/{id_}/api-keys", {"name": "ci", "scope": "users:read"}
    )
    machines = [Admin(limen, answer["access_token"]), Admin(limen, key.json()["api_key"])]
    for machine in machines:
        assert (await machine.ask("GET", "/users")).status == 200
    past = await admin.ask(
        "PATCH", f"/service-accounts/{id_}", {"expires_at": "2020-01-01T00:00:00Z"}
    )
    assert (past.status, past.json()["code"]) == (422, "expires_at_invalid")
    limen.clock.advance(minutes=5)
    for machine in machines:
        assert (await machine.ask("GET", "/users")).status == 401
    assert (await obtains_token(limen, id_, secret)).status == 401
    later = await somebody(limen, "admin")
    changed = await later.ask("PATCH", f"/service-accounts/{id_}", {"expires_at": None})
    assert (changed.status, changed.json()["expires_at"]) == (200, None)
    assert (await obtains_token(limen, id_, secret)).status == 200


async def test_when_it_was_last_used_is_seen_a_little_later(
    limen: Installation, admin: Admin
) -> None:
    made = await account(admin)
    assert made["last_used_at"] is None
    await obtains_token(limen, made["client_id"], "wrong")
    await limen.settle()
    path = f"/service-accounts/{made['client_id']}"
    assert (await admin.get(path))["last_used_at"] is None
    await obtains_token(limen, made["client_id"], made["client_secret"])
    await limen.settle()
    assert (await admin.get(path))["last_used_at"] is not None


async def test_deleted_it_is_gone_with_its_roles_and_its_id_is_nobody_s(
    limen: Installation, admin: Admin
) -> None:
    made = await account(admin, roles=["auditor"])
    id_ = made["client_id"]
    assert (await admin.ask("DELETE", f"/service-accounts/{id_}")).status == 204
    assert (await admin.ask("GET", f"/service-accounts/{id_}")).status == 404
    assert (await obtains_token(limen, id_, made["client_secret"])).status == 401
    again = await admin.ask("POST", "/service-accounts", {"name": "x", "client_id": id_})
    assert (again.status, again.json()["code"]) == (409, "client_id_used")
    assert await limen.run(lambda work: roles_of(work, id_)) == ()


async def test_other_clients_are_no_service_accounts(limen: Installation, admin: Admin) -> None:
    known = await limen.client("machine")
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/disable", None),
        ("POST", "/secrets", {}),
        ("POST", "/api-keys", {"name": "x", "scope": "read"}),
        ("PUT", "/roles/auditor", None),
    ):
        answer = await admin.ask(method, f"/service-accounts/{known.id}{path}", body)
        assert answer.status == 404, path
    made = await account(admin)
    refused = await admin.ask("POST", f"/clients/{made['client_id']}/rotate-secret")
    assert (refused.status, refused.json()["code"]) == (422, "service_account")


async def test_n206_a_service_account_of_another_tenant_is_not_there(
    limen: Installation, admin: Admin
) -> None:
    id_ = (await account(admin))["client_id"]
    there = limen.at(await add_tenant(limen.application, slug="no-machines"))
    stranger = await somebody(there, "owner")
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/disable")):
        assert (await stranger.ask(method, f"/service-accounts/{id_}{path}")).status == 404
    listed = await stranger.get("/service-accounts")
    assert listed["service_accounts"] == []


async def test_they_are_listed_page_by_page(admin: Admin) -> None:
    made = {(await account(admin))["client_id"] for _ in range(3)}
    found: set[str] = set()
    cursor = ""
    while True:
        page = await admin.get(f"/service-accounts?limit=2&cursor={cursor}")
        found |= {each["client_id"] for each in page["service_accounts"]}
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert made <= found
