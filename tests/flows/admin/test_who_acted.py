"""Who the audit log names when an application has people sign in: they, and by which client."""

from __future__ import annotations

from typing import Any

import pytest

from limen.testing.visitor import Page
from tests.flows.admin.test_admin_api import Admin, somebody
from tests.installation import Installation, Known, Person
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE
from tests.unit.mfa.kit import App

pytestmark = EACH_ONCE


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


async def audited(admin: Admin, client: Known) -> dict[str, tuple[str, str]]:
    """By event: the kind of its actor and who, of all that a client had to do with."""
    page = await admin.get("/audit?limit=200")
    return {
        each["name"]: (each["actor_kind"], each["actor_id"])
        for each in reversed(page["events"])
        if each["client_id"] == client.id
    }


async def challenged(limen: Installation, client: Known, person: Person) -> None:
    flow = Flow(limen, client)

    async def ask(**form: str) -> Page:
        return await limen.post("/oauth2/authorization_challenge", client, **form)

    begun = await ask(**flow.asking(client_id="", redirect_uri="", response_type=""))
    handle = begun.json()["auth_session"]
    wrong = await ask(auth_session=handle, username=person.email, password="not at all that")
    assert wrong.json()["error"] == "invalid_grant"
    done = await ask(auth_session=handle, username=person.email, password=person.password)
    assert done.status == 200, done.text


async def led_over_json(limen: Installation, client: Known, person: Person) -> None:
    async def step(name: str, body: Any = None) -> Page:
        return await limen.api.fetch("POST", path + name, body=body, headers=client.basic)

    path = "/api/v1/interactions"
    opened = await step("", Flow(limen, client).asking())
    path = f"{path}/{opened.json()['id']}"
    wrong = {"email": person.email, "password": "not at all that"}
    assert (await step("/login", wrong)).status == 401
    signed = await step("/login", {"email": person.email, "password": person.password})
    assert signed.json()["status"] == "consent", signed.text
    assert (await step("/consent")).json()["status"] == "complete"


async def test_who_signs_in_by_a_first_party_app_is_who_did(
    limen: Installation, admin: Admin
) -> None:
    person = await limen.person()
    client = await limen.client(trusted=True, first_party=True)
    await challenged(limen, client, person)
    told = await audited(admin, client)
    assert told["account:session:started"] == ("user", person.id)
    assert told["account:sign_in:refused"] == ("anonymous", "")


async def test_who_signs_in_and_agrees_by_a_front_end_is_who_did(
    limen: Installation, admin: Admin
) -> None:
    person, client = await limen.person(), await limen.client()
    await led_over_json(limen, client, person)
    told = await audited(admin, client)
    assert told["account:session:started"] == ("user", person.id)
    assert told["account:sign_in:refused"] == ("anonymous", "")
    assert [who for name, who in told.items() if "consent" in name] == [("user", person.id)]


async def test_it_is_the_person_who_enrols_a_factor_on_the_way_in(
    limen: Installation, admin: Admin
) -> None:
    person, client = await limen.person(), await limen.client(trusted=True)
    await limen.set_policy(assurance={"second_factor": "required"})
    try:
        path = "/api/v1/interactions"
        asked = Flow(limen, client).asking()
        opened = await limen.api.fetch("POST", path, body=asked, headers=client.basic)
        path = f"{path}/{opened.json()['id']}"
        right = {"email": person.email, "password": person.password}
        signed = await limen.api.fetch("POST", f"{path}/login", body=right, headers=client.basic)
        assert signed.json()["status"] == "enrol_factor", signed.text
        begun = await limen.api.fetch(
            "POST", f"{path}/steps/enrol_factor/begin", body={}, headers=client.basic
        )
        app = App.of(limen.clock, begun.json()["secret"])
        body = {"factor_id": begun.json()["factor_id"], "code": app.code()}
        done = await limen.api.fetch(
            "POST", f"{path}/steps/enrol_factor", body=body, headers=client.basic
        )
        assert done.status == 200, done.text
    finally:
        await limen.set_policy(assurance=None)
    told = await audited(admin, client)
    assert told["account:session:started"] == ("user", person.id)
    assert {who[0] for name, who in told.items() if name.startswith(("account:", "mfa:"))} == {
        "user",
        "anonymous",
    }
    assert not [name for name, who in told.items() if who[0] == "client" and "factor" in name]
