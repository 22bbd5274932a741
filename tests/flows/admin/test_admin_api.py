from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import Any

import pytest

from limen.testing.visitor import Page
from tests.installation import PASSWORD, Installation, basic, new_address
from tests.oauth_client import Flow
from tests.standings import add_tenant

_numbers = itertools.count(1)
CALLBACK = "https://admin-made.example/cb"


class Admin:
    """Somebody with a role, calling the admin API with their own token."""

    def __init__(self, limen: Installation, token: str, *, id_: str = "") -> None:
        self.limen = limen
        self.token = token
        self.id = id_

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> Page:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.limen.api.fetch(
            method, f"/api/v1/admin{path}", body=body, headers=headers
        )

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer.text
        return answer.json()


async def somebody(limen: Installation, role: Any = None) -> Admin:
    person = await limen.person(role=role)
    return Admin(limen, (await limen.login(person))["access_token"], id_=person.id)


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


@pytest.fixture
async def owner(limen: Installation) -> Admin:
    return await somebody(limen, "owner")


async def everything(admin: Admin, noun: str) -> list[Any]:
    """Walk a list to its end."""
    found, cursor = [], ""
    while True:
        page = await admin.get(f"/{noun}?limit=200&cursor={cursor}")
        found += page[noun]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def a_client(**more: Any) -> dict[str, Any]:
    return {"name": f"App {secrets.token_hex(6)}", "redirect_uris": [CALLBACK], **more}


async def obtains_token(limen: Installation, client_id: str, secret: str) -> Page:
    return await limen.api.fetch(
        "POST",
        "/oauth2/token",
        form={"grant_type": "client_credentials"},
        headers=basic(client_id, secret),
    )


async def test_a_client_is_registered_shown_changed_and_disabled(
    limen: Installation, admin: Admin
) -> None:
    body = {"name": "A machine", "type": "machine", "scope": "read"}
    made = await admin.ask("POST", "/clients", body)
    assert made.status == 201, made.text
    client_id, secret = made.json()["client_id"], made.json()["client_secret"]
    assert (await obtains_token(limen, client_id, secret)).status == 200

    shown = await admin.get(f"/clients/{client_id}")
    assert (shown["name"], shown["scope"], shown["active"]) == ("A machine", "read", True)
    assert secret not in str(shown)

    changed = await admin.ask("PATCH", f"/clients/{client_id}", {"name": "Robot"})
    assert (changed.status, changed.json()["name"], changed.json()["scope"]) == (
        200,
        "Robot",
        "read",
    )

    rotated = (await admin.ask("POST", f"/clients/{client_id}/rotate-secret")).json()
    for each in (secret, rotated["client_secret"]):
        assert (await obtains_token(limen, client_id, each)).status == 200

    assert (await admin.ask("POST", f"/clients/{client_id}/disable")).status == 204
    assert (await obtains_token(limen, client_id, secret)).status == 401
    assert (await admin.ask("POST", f"/clients/{client_id}/enable")).status == 204
    assert (await obtains_token(limen, client_id, secret)).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"redirect_uris": ["https://*.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://u@app.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, None),
        ({"typo": 1}, None),
        ({"type": "robot"}, None),
        ({"name": ""}, None),
        ({"scope": 'a "b'}, None),
        ({"metadata": {"client_secret": "mine"}}, None),
    ],
)
async def test_a_client_that_can_not_be_is_422_and_nothing_is_stored(
    admin: Admin, body: dict[str, Any], code: str | None
) -> None:
    before = await everything(admin, "clients")
    answer = await admin.ask("POST", "/clients", a_client(**body))
    if body == {"metadata": {"client_secret": "mine"}} and answer.status == 201:
        assert answer.json()["client_secret"] != "mine"
        return
    assert answer.status == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code
    assert await everything(admin, "clients") == before


async def test_a_person_is_created_given_a_role_and_disabled(
    limen: Installation, admin: Admin
) -> None:
    body = {
        "email": new_address(),
        "password": PASSWORD,
        "verified": True,
        "claims": {"name": "Eve"},
    }
    made = await admin.ask("POST", "/users", body)
    assert made.status == 201, made.text
    user = made.json()
    assert PASSWORD not in made.text
    login = {"email": body["email"], "password": PASSWORD}
    signed_in = await limen.api.fetch("POST", "/api/v1/auth/login", body=login)
    assert signed_in.status == 200
    assert (await admin.get(f"/users/{user['user_id']}"))["claims"]["name"] == "Eve"
    found = await admin.get(f"/users?email={body['email']}")
    assert [each["user_id"] for each in found["users"]] == [user["user_id"]]

    path = f"/users/{user['user_id']}"
    assert (await admin.ask("PUT", f"{path}/roles/auditor")).status == 204
    assert (await admin.get(f"{path}/roles"))["roles"] == ["auditor"]
    eve = Admin(limen, signed_in.json()["access_token"])
    assert (await eve.ask("GET", "/clients")).status == 200
    assert (await eve.ask("POST", "/clients", a_client())).status == 403
    assert (await admin.ask("DELETE", f"{path}/roles/auditor")).status == 204
    assert (await eve.ask("GET", "/clients")).status == 403

    assert (await admin.ask("POST", f"{path}/disable")).status == 204
    assert (await eve.ask("GET", "/clients")).status == 401
    refused = await limen.api.fetch("POST", "/api/v1/auth/login", body=login)
    assert refused.status == 401
    assert (await admin.ask("POST", f"{path}/enable")).status == 204


async def test_nobody_gives_a_role_above_their_own(limen: Installation, admin: Admin) -> None:
    person = await limen.person()
    refused = await admin.ask("PUT", f"/users/{person.id}/roles/owner")
    assert (refused.status, refused.json()["code"]) == (403, "role_above_own")
    body = {"email": new_address(), "password": PASSWORD, "role": "owner"}
    assert (await admin.ask("POST", "/users", body)).status == 403
    found = await admin.get(f"/users?email={body['email']}")
    assert found["users"] == []
    assert (await admin.ask("PUT", f"/users/{person.id}/roles/emperor")).status == 422


async def test_a_limited_token_does_what_its_scope_says_and_no_more(limen: Installation) -> None:
    person = await limen.person(role="admin")
    client = await limen.client(scope=("openid", "users:write"))
    asked = {"scope": "openid users:write", "resource": f"{limen.issuer}/api/v1"}
    tokens = await Flow(limen, client).tokens(person, **asked)
    limited = Admin(limen, tokens["access_token"])
    body = {"email": new_address(), "password": PASSWORD}
    assert (await limited.ask("POST", "/users", {**body, "role": "auditor"})).status == 403
    assert (await limited.ask("POST", "/users", body)).status == 201
    assert (await limited.ask("GET", "/users")).status == 403
    assert (await limited.ask("POST", "/clients", a_client())).status == 403


async def test_a_resource_is_created(admin: Admin) -> None:
    identifier = f"https://api{next(_numbers)}.example"
    body = {"identifier": f"{identifier}/", "scopes": ["a", "b"], "texts": {"a": "Do A"}}
    made = await admin.ask("POST", "/resources", body)
    assert (made.status, made.json()["identifier"]) == (201, identifier)
    again = await admin.ask("POST", "/resources", body)
    assert (again.status, again.json()["code"]) == (409, "resource_exists")
    listed = await everything(admin, "resources")
    assert identifier in [each["identifier"] for each in listed]


async def test_tenants_are_the_default_tenants_owners_affair(
    limen: Installation, admin: Admin, owner: Admin
) -> None:
    slug = f"made{next(_numbers)}"
    assert (await admin.ask("POST", "/tenants", {"slug": slug})).status == 403
    made = await owner.ask("POST", "/tenants", {"slug": slug})
    if limen.site.slug != "default":
        assert made.status == 403
        assert (await owner.ask("GET", "/tenants")).status == 403
        return
    assert made.status == 201, made.text
    assert made.json()["issuer"].endswith(f"/t/{slug}")
    assert slug in [each["slug"] for each in (await owner.get("/tenants"))["tenants"]]
    assert (await owner.ask("POST", "/tenants", {"slug": slug})).status == 409
    tenant = await limen.application.runtime.directory.by_slug(slug)
    assert tenant is not None
    found = await limen.at(tenant).api.fetch("GET", "/.well-known/openid-configuration")
    assert found.json()["issuer"] == made.json()["issuer"]


async def test_a_policy_is_read_and_changed(limen: Installation, admin: Admin) -> None:
    assert (await admin.get("/policy"))["fresh_minutes"] == 15
    changed = await admin.ask("PATCH", "/policy", {"fresh_minutes": 20})
    assert (changed.status, changed.json()["fresh_minutes"]) == (200, 20)
    refused = await admin.ask("PATCH", "/policy", {"password_min_length": 1})
    assert (refused.status, refused.json()["code"]) == (422, "policy_invalid")
    back = await admin.ask("PATCH", "/policy", {"fresh_minutes": None})
    assert back.json()["fresh_minutes"] == 15


async def test_a_policy_keeps_what_a_change_does_not_name(
    limen: Installation, admin: Admin
) -> None:
    untouched = await admin.get("/policy")
    try:
        for named in ({"require_statement": True}, {"most_open": 7}):
            told = await admin.ask("PATCH", "/policy", {"registration": named})
            assert told.status == 200, told.text
    finally:
        changed = await admin.get("/policy")
        back = await admin.ask("PATCH", "/policy", {"registration": None})
    registration = {**untouched["registration"], "require_statement": True, "most_open": 7}
    assert changed == {**untouched, "registration": registration}
    assert back.json() == untouched


async def test_keys_are_listed_and_rotated(limen: Installation, admin: Admin) -> None:
    before = await admin.get("/keys")
    active = next(key["kid"] for key in before["keys"] if key["active"] and key["alg"] == "ES256")
    told = await admin.ask("POST", "/keys/rotate", {"alg": "ES256", "away_from": active})
    assert (told.status, told.json()) == (200, {"rotated": True, "left_kid": active})
    again = await admin.ask("POST", "/keys/rotate", {"alg": "ES256", "away_from": active})
    assert again.json()["rotated"] is False
    after = await admin.get("/keys")
    assert active in [key["kid"] for key in after["keys"]]
    assert active not in [key["kid"] for key in after["keys"] if key["active"]]
    assert (await admin.ask("POST", "/keys/rotate", {"alg": "HS256"})).status == 422
    assert "d" not in str([key.keys() for key in after["keys"]]).split("'")


async def test_every_change_is_in_the_audit_log(admin: Admin) -> None:
    made = (await admin.ask("POST", "/clients", a_client())).json()
    page = await admin.get(f"/audit?actor_id={admin.id}&limit=200")
    mine = [each for each in page["events"] if made["client_id"] in str(each["detail"])]
    assert [(each["actor_kind"], each["outcome"]) for each in mine] == [("user", "done")]
    assert made["client_secret"] not in str(page)
    assert (await admin.get("/audit?until=2000-01-01T00:00:00Z"))["events"] == []


@pytest.mark.parametrize("noun", ["clients", "users", "resources", "audit"])
async def test_n210_a_cursor_is_sealed_and_bound_to_its_list(
    admin: Admin, limen: Installation, noun: str
) -> None:
    for _ in range(2):
        await limen.person()
        await admin.ask("POST", "/clients", a_client())
        resource = {"identifier": f"https://r{next(_numbers)}.example", "scopes": ["a"]}
        await admin.ask("POST", "/resources", resource)
    first = await admin.get(f"/{noun}?limit=1")
    cursor = first["next_cursor"]
    assert cursor
    second = await admin.get(f"/{noun}?limit=1&cursor={cursor}")
    assert (
        second[noun if noun != "audit" else "events"]
        != first[noun if noun != "audit" else "events"]
    )
    altered = ("A" if cursor[5] != "A" else "B").join((cursor[:5], cursor[6:]))
    other = "users" if noun != "users" else "clients"
    for path in (f"/{noun}?cursor={altered}", f"/{noun}?cursor=x", f"/{other}?cursor={cursor}"):
        refused = await admin.ask("GET", path)
        assert (refused.status, refused.json()["code"]) == (422, "cursor_invalid"), path


@pytest.mark.parametrize(
    "query",
    ["filter=password_hash", "sort=secret", "fields=mfa", "limit=0", "limit=201", "limit=x"],
)
async def test_n211_unknown_filters_are_refused(admin: Admin, query: str) -> None:
    for noun in ("clients", "users", "resources", "audit"):
        assert (await admin.ask("GET", f"/{noun}?{query}")).status == 422


async def test_the_same_request_again_is_answered_the_same_and_happens_once(admin: Admin) -> None:
    body, key = a_client(), f"key-{next(_numbers)}"
    first = await admin.ask("POST", "/clients", body, key=key)
    again = await admin.ask("POST", "/clients", body, key=key)
    assert (first.status, again.status) == (201, 201)
    assert again.json() == first.json()
    listed = await everything(admin, "clients")
    named = [each for each in listed if each["name"] == body["name"]]
    assert len(named) == 1

    reused = await admin.ask("POST", "/clients", a_client(), key=key)
    assert (reused.status, reused.json()["code"]) == (422, "idempotency_key_reused")
    other_path = await admin.ask("POST", f"/clients/{first.json()['client_id']}/disable", key=key)
    assert other_path.json()["code"] == "idempotency_key_reused"


async def test_of_many_at_once_with_one_key_one_has_an_effect(admin: Admin) -> None:
    body, key = a_client(), f"key-{next(_numbers)}"
    answers = await asyncio.gather(
        *(admin.ask("POST", "/clients", body, key=key) for _ in range(8))
    )
    made = {answer.json()["client_id"] for answer in answers if answer.status == 201}
    others = {(a.status, a.json()["code"]) for a in answers if a.status != 201}
    assert len(made) == 1
    assert others <= {(409, "request_in_progress")}
    listed = await everything(admin, "clients")
    assert [each["client_id"] for each in listed if each["name"] == body["name"]] == list(made)


async def test_a_key_is_its_callers_own_and_is_no_way_round_the_permission(
    limen: Installation, admin: Admin
) -> None:
    body, key = a_client(), f"key-{next(_numbers)}"
    first = await admin.ask("POST", "/clients", body, key=key)
    another = await somebody(limen, "admin")
    theirs = await another.ask("POST", "/clients", body, key=key)
    assert theirs.json()["client_id"] != first.json()["client_id"]

    owner = await somebody(limen, "owner")
    assert (await owner.ask("DELETE", f"/users/{admin.id}/roles/admin")).status == 204
    refused = await admin.ask("POST", "/clients", body, key=key)
    assert refused.status == 403
    assert first.json()["client_secret"] not in refused.text


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b"])
async def test_a_key_that_is_none_is_refused(admin: Admin, key: str) -> None:
    answer = await admin.ask("POST", "/clients", a_client(), key=key)
    assert (answer.status, answer.json()["code"]) == (400, "idempotency_key_invalid")


async def test_a_refusal_is_not_kept(admin: Admin) -> None:
    key = f"key-{next(_numbers)}"
    assert (await admin.ask("POST", "/clients", a_client(type="robot"), key=key)).status == 422
    assert (await admin.ask("POST", "/clients", a_client(), key=key)).status == 201


async def test_a_person_created_under_a_key_may_have_a_password(admin: Admin) -> None:
    body, key = {"email": new_address(), "password": PASSWORD}, f"key-{next(_numbers)}"
    first = await admin.ask("POST", "/users", body, key=key)
    assert first.status == 201, first.text
    assert (await admin.ask("POST", "/users", body, key=key)).json() == first.json()


ROUTES = [
    ("GET", "/clients"),
    ("POST", "/clients"),
    ("GET", "/clients/x"),
    ("PATCH", "/clients/x"),
    ("POST", "/clients/x/disable"),
    ("POST", "/clients/x/enable"),
    ("POST", "/clients/x/rotate-secret"),
    ("GET", "/users"),
    ("POST", "/users"),
    ("GET", "/users/x"),
    ("POST", "/users/x/disable"),
    ("POST", "/users/x/enable"),
    ("GET", "/users/x/roles"),
    ("PUT", "/users/x/roles/admin"),
    ("DELETE", "/users/x/roles/admin"),
    ("GET", "/resources"),
    ("POST", "/resources"),
    ("GET", "/tenants"),
    ("POST", "/tenants"),
    ("GET", "/policy"),
    ("PATCH", "/policy"),
    ("GET", "/keys"),
    ("POST", "/keys/rotate"),
    ("GET", "/audit"),
]


async def test_every_route_asks_for_its_permission(limen: Installation) -> None:
    member = await somebody(limen)
    auditor = await somebody(limen, "auditor")
    stranger = Admin(limen, "not-a-token")
    for method, path in ROUTES:
        body: object = {} if method in {"POST", "PATCH"} else None
        assert (await stranger.ask(method, path, body)).status == 401, path
        assert (await limen.api.fetch(method, f"/api/v1/admin{path}", body=body)).status == 401, (
            path
        )
        assert (await member.ask(method, path, body)).status == 403, path
        seen = (await auditor.ask(method, path, body)).status
        if method != "GET":
            assert seen == 403, path
        elif path != "/tenants" or limen.site.slug == "default":
            assert seen in {200, 404}, path


async def test_n243_nothing_of_another_tenant_is_reached(limen: Installation, admin: Admin) -> None:
    made = (await admin.ask("POST", "/clients", a_client())).json()
    other = limen.at(await add_tenant(limen.application, slug=f"foreign{next(_numbers)}"))
    foreign = await somebody(other, "owner")
    assert (await foreign.ask("GET", f"/clients/{made['client_id']}")).status == 404
    assert (await foreign.ask("POST", f"/clients/{made['client_id']}/disable")).status == 404
    assert (await foreign.ask("GET", f"/users/{admin.id}")).status == 404
    token_elsewhere = Admin(other, admin.token)
    assert (await token_elsewhere.ask("GET", "/clients")).status == 401
