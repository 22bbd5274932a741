"""API keys of people, from the making to the end, and what they open."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.protocol.token_exchange import ACCESS_TOKEN, API_KEY
from limen.testing.visitor import Page
from tests.flows.admin.test_admin_api import somebody
from tests.installation import Installation, Person
from tests.oauth_client import Flow, claims_in
from tests.standings import EACH_ONCE, add_tenant

pytestmark = EACH_ONCE


class Keys:
    """Somebody signed in, and their keys."""

    def __init__(self, limen: Installation, person: Person, token: str) -> None:
        self.limen, self.person, self.token = limen, person, token

    async def ask(self, method: str, path: str = "", body: object = None, *, by: str = "") -> Page:
        headers = {"Authorization": f"Bearer {by or self.token}"}
        return await self.limen.api.fetch(
            method, f"/api/v1/api-keys{path}", body=body, headers=headers
        )

    async def make(self, scope: str = "self", **more: Any) -> dict[str, Any]:
        made = await self.ask("POST", "", {"name": "laptop", "scope": scope, **more})
        assert made.status == 201, made.text
        key = dict(made.json())
        self.limen.secrets.append(key["api_key"])
        return key


async def signed_in(limen: Installation, role: Any = None) -> Keys:
    person = await limen.person(role=role)
    return Keys(limen, person, (await limen.login(person))["access_token"])


@pytest.fixture
async def ada(limen: Installation) -> Keys:
    return await signed_in(limen)


async def test_a_key_is_made_used_rotated_and_revoked(ada: Keys) -> None:
    made = await ada.make()
    assert made["api_key"].startswith("lmk_")
    assert made["owner_id"] == ada.person.id
    listed = await ada.ask("GET")
    assert [key["id"] for key in listed.json()["api_keys"]] == [made["id"]]
    assert made["api_key"] not in listed.text

    assert (await ada.ask("GET", by=made["api_key"])).status == 200
    rotated = await ada.ask("POST", f"/{made['id']}/rotate", {"overlap_hours": 1})
    assert rotated.status == 200, rotated.text
    for raw in (made["api_key"], rotated.json()["api_key"]):
        assert (await ada.ask("GET", by=raw)).status == 200
    assert (await ada.ask("DELETE", f"/{made['id']}")).status == 204
    for raw in (made["api_key"], rotated.json()["api_key"]):
        assert (await ada.ask("GET", by=raw)).status == 401
    assert (await ada.ask("DELETE", f"/{made['id']}")).status == 404


async def test_a_key_does_what_it_says_and_its_owner_may(limen: Installation) -> None:
    admin = await signed_in(limen, "admin")
    narrow = await admin.make("users:read")
    read = {"Authorization": f"Bearer {narrow['api_key']}"}
    assert (await limen.api.fetch("GET", "/api/v1/admin/users", headers=read)).status == 200
    assert (await limen.api.fetch("GET", "/api/v1/admin/clients", headers=read)).status == 403
    assert (await admin.ask("GET", by=narrow["api_key"])).status == 403
    owner = await somebody(limen, "owner")
    taken = await owner.ask("DELETE", f"/users/{admin.person.id}/roles/admin")
    assert taken.status == 204
    assert (await limen.api.fetch("GET", "/api/v1/admin/users", headers=read)).status == 403


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scope": "limen:full"}, "scope_not_available"),
        ({"scope": "users:read"}, "scope_not_available"),
        ({"scope": "openid"}, "scope_not_available"),
        ({"scope": "self made-up"}, "scope_not_available"),
        ({"scope": " "}, "scope_not_available"),
        ({"resource": "https://nobody.example"}, "resource_invalid"),
        ({"resource": "not a uri"}, "resource_invalid"),
        ({"days": 366}, "lifetime_invalid"),
        ({"days": 0}, "invalid_input"),
        ({"name": ""}, "invalid_input"),
        ({"expires_at": "2100-01-01T00:00:00Z"}, "invalid_input"),
    ],
)
async def test_what_no_key_may_be(ada: Keys, body: dict[str, Any], code: str) -> None:
    refused = await ada.ask("POST", "", {"name": "laptop", "scope": "self", **body})
    assert (refused.status, refused.json()["code"]) == (422, code)
    assert (await ada.ask("GET")).json()["api_keys"] == []


@pytest.mark.parametrize("member", ["user_id", "owner", "userId", "owner_id", "principal_id"])
async def test_n197_whose_a_key_is_is_never_in_the_body(
    limen: Installation, ada: Keys, member: str
) -> None:
    victim = await signed_in(limen)
    body = {"name": "mine", "scope": "self", member: victim.person.id}
    refused = await ada.ask("POST", "", body)
    assert refused.status == 422
    assert (await victim.ask("GET")).json()["api_keys"] == []
    anonymous = await limen.api.fetch("POST", "/api/v1/api-keys", body=body)
    assert anonymous.status == 401


async def test_n200_another_s_key_is_not_there(limen: Installation, ada: Keys) -> None:
    made, other = await ada.make(), await signed_in(limen)
    assert (await other.ask("DELETE", f"/{made['id']}")).status == 404
    assert (await other.ask("POST", f"/{made['id']}/rotate", {})).status == 404
    assert (await ada.ask("GET", by=made["api_key"])).status == 200


async def test_n206_a_key_of_one_tenant_opens_nothing_in_another(
    limen: Installation, ada: Keys
) -> None:
    made = await ada.make()
    there = limen.at(await add_tenant(limen.application, slug="no-keys"))
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert (await there.api.fetch("GET", "/api/v1/api-keys", headers=headers)).status == 401
    api = await there.api_client(f"{there.issuer}/api/v1")
    told = await there.post("/oauth2/introspect", api, token=made["api_key"])
    assert told.json() == {"active": False}


async def test_no_key_is_made_without_a_recent_sign_in(limen: Installation, ada: Keys) -> None:
    made = await ada.make()
    by_key = await ada.ask("POST", "", {"name": "more", "scope": "self"}, by=made["api_key"])
    assert (by_key.status, by_key.json()["code"]) == (403, "reauth_required")
    rotated = await ada.ask("POST", f"/{made['id']}/rotate", {}, by=made["api_key"])
    assert (rotated.status, rotated.json()["code"]) == (403, "reauth_required")


async def test_an_application_makes_no_keys_for_its_user(limen: Installation) -> None:
    api = f"{limen.issuer}/api/v1"
    flow = Flow(limen, await limen.client(scope=("openid", "self"), default_resource=api))
    person = await limen.person()
    tokens = await flow.tokens(person, scope="openid self", resource=api)
    keys = Keys(limen, person, tokens["access_token"])
    assert (await keys.ask("GET")).status == 200
    refused = await keys.ask("POST", "", {"name": "x", "scope": "self"})
    assert (refused.status, refused.json()["code"]) == (403, "first_party_only")
    # Nor is it a way to take the account over for good: its sign-in is as recent as can be.
    passwords = {"current_password": person.password, "new_password": "another long one 17"}
    for method, path, body in (
        ("POST", "mfa/totp", None),
        ("DELETE", "mfa/totp", None),
        ("POST", "mfa/recovery-codes", None),
        ("POST", "password/change", passwords),
        ("DELETE", "oauth2/identities/x", None),
    ):
        told = await person.api(method, f"/api/v1/auth/{path}", keys.token, body)
        assert (told.status, told.json()["code"]) == (403, "first_party_only"), path


async def test_a_key_for_a_tenant_s_api_is_introspected_by_it_alone(
    limen: Installation, ada: Keys
) -> None:
    resource = await limen.resource()
    refused = await ada.ask("POST", "", {"name": "ci", "scope": "read", "resource": resource})
    assert (refused.status, refused.json()["code"]) == (422, "scope_not_available")
    before = limen.site.policy.api_keys
    await limen.set_policy(api_keys={"scopes": ["read"]})
    api = await limen.api_client(resource)
    try:
        made = await ada.make("read", resource=resource)
        told = await limen.post("/oauth2/introspect", api, token=made["api_key"])
    finally:
        await limen.set_policy(api_keys=before.model_dump(mode="json"))
    said = told.json()
    assert (said["active"], said["sub"], said["scope"]) == (True, ada.person.id, "read")
    # What people may let their keys do no more, a key that is there does no more.
    gone = await limen.post("/oauth2/introspect", api, token=made["api_key"])
    assert gone.json() == {"active": False}
    assert (said["aud"], said["token_type"]) == (resource, "Bearer")
    stranger = await limen.post(
        "/oauth2/introspect", await limen.client("machine"), token=made["api_key"]
    )
    assert stranger.json() == {"active": False}
    assert (await ada.ask("GET", by=made["api_key"])).status == 401


async def test_a_key_is_exchanged_for_an_access_token(limen: Installation, ada: Keys) -> None:
    api = f"{limen.issuer}/api/v1"
    made = await ada.make()
    service = await limen.client(
        "machine", scope=("self",), metadata={"grant_types": [TOKEN_EXCHANGE]}
    )
    admin = await somebody(limen, "admin")
    policy = {
        "subject_clients": ["limen-api-keys"],
        "subjects": ["*"],
        "audiences": [api],
        "scopes": ["self"],
    }
    set_ = await admin.ask("PUT", f"/clients/{service.id}/exchange-policy", policy)
    assert set_.status == 200, set_.text

    async def exchange(raw: str, type_: str) -> Page:
        return await limen.post(
            "/oauth2/token",
            service,
            grant_type=TOKEN_EXCHANGE,
            subject_token=raw,
            subject_token_type=type_,
            resource=api,
        )

    answer = await exchange(made["api_key"], API_KEY)
    assert answer.status == 200, answer.text
    raw = answer.json()["access_token"]
    claims = claims_in(raw)
    assert (claims["sub"], claims["scope"], claims["aud"]) == (ada.person.id, "self", api)
    assert "auth_time" not in claims
    assert (await ada.ask("GET", by=raw)).status == 200
    again = await ada.ask("POST", "", {"name": "x", "scope": "self"}, by=raw)
    assert again.status == 403

    assert (await exchange(made["api_key"], ACCESS_TOKEN)).status == 400
    assert (await exchange(ada.token, API_KEY)).status == 400
    assert (await ada.ask("DELETE", f"/{made['id']}")).status == 204
    assert (await exchange(made["api_key"], API_KEY)).status == 400


async def test_administrators_see_and_end_everybody_s_keys(limen: Installation, ada: Keys) -> None:
    made = await ada.make()
    auditor, admin = await somebody(limen, "auditor"), await somebody(limen, "admin")
    listed = await auditor.get(f"/api-keys?owner_id={ada.person.id}")
    assert [key["id"] for key in listed["api_keys"]] == [made["id"]]
    assert (await auditor.ask("DELETE", f"/api-keys/{made['id']}")).status == 403
    assert (await auditor.get(f"/api-keys/{made['id']}"))["name"] == "laptop"
    assert (await admin.ask("DELETE", f"/api-keys/{made['id']}")).status == 204
    assert (await ada.ask("GET", by=made["api_key"])).status == 401


async def test_n048_a_disabled_person_s_key_opens_nothing(limen: Installation, ada: Keys) -> None:
    made, admin = await ada.make(), await somebody(limen, "admin")
    assert (await admin.ask("POST", f"/users/{ada.person.id}/disable")).status == 204
    assert (await ada.ask("GET", by=made["api_key"])).status == 401


async def test_people_may_be_kept_from_making_keys(limen: Installation, ada: Keys) -> None:
    await limen.set_policy(api_keys={"people": False})
    try:
        refused = await ada.ask("POST", "", {"name": "x", "scope": "self"})
    finally:
        await limen.set_policy(api_keys=None)
    assert (refused.status, refused.json()["code"]) == (403, "api_keys_off")


async def test_a_key_lives_ninety_days_if_nothing_is_said(ada: Keys) -> None:
    made = await ada.make()
    lives = dt.datetime.fromisoformat(made["expires_at"]) - dt.datetime.fromisoformat(
        made["created_at"]
    )
    assert lives == dt.timedelta(days=90)
