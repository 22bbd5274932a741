"""Invitations over the admin API, mailed, accepted over JSON."""

from __future__ import annotations

from urllib.parse import urlsplit

from limen.testing.visitor import Page
from tests.flows.admin.test_admin_api import Admin, somebody
from tests.installation import PASSWORD, Installation, new_address
from tests.simulated import query_of
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
PATH = "/invitations"


async def accept(limen: Installation, link: str) -> Page:
    body = {"token": query_of(link)["token"], "password": PASSWORD}
    return await limen.api.fetch("POST", "/api/v1/auth/invitations/accept", body=body)


async def test_an_administrator_invites_mails_again_and_takes_back(limen: Installation) -> None:
    admin, email, other = await somebody(limen, "admin"), new_address(), new_address()
    made = await admin.ask("POST", PATH, {"email": email, "role": "auditor", "days": 2})
    assert made.status == 201, made.text
    assert made.json()["state"] == "pending"
    assert (made.json()["invited_by"], "token" in made.text) == (admin.id, False)
    first = await limen.link_to(email, "/invitation")
    assert urlsplit(first)._replace(query="").geturl() == f"{limen.issuer}/invitation"
    taken = await admin.ask("POST", PATH, {"email": email})
    assert (taken.status, taken.json()["code"]) == (409, "invitation_pending")
    again = await admin.ask("POST", f"{PATH}/{made.json()['id']}/resend?language=fr")
    assert again.status == 200, again.text
    assert (await limen.mails(email))[0]["subject"].startswith("Vous êtes invité à ")
    second = await limen.link_to(email, "/invitation")
    assert (await accept(limen, first)).status == 422
    assert (await accept(limen, second)).status == 200
    login = await limen.api.fetch(
        "POST", "/api/v1/auth/login", body={"email": email, "password": PASSWORD}
    )
    assert (await Admin(limen, login.json()["access_token"]).ask("GET", "/users")).status == 200
    back = (await admin.ask("POST", PATH, {"email": other})).json()
    link = await limen.link_to(other, "/invitation")
    assert (await admin.ask("DELETE", f"{PATH}/{back['id']}")).status == 204
    assert (await admin.ask("DELETE", f"{PATH}/{back['id']}")).status == 404
    assert (await accept(limen, link)).status == 422
    states = {each["email"]: each["state"] for each in (await admin.get(PATH))["invitations"]}
    assert (states[email], states[other]) == ("accepted", "revoked")


async def test_who_may_invite_whom(limen: Installation) -> None:
    auditor, member = await somebody(limen, "auditor"), await somebody(limen)
    admin = await somebody(limen, "admin")
    body = {"email": new_address()}
    assert (await auditor.ask("GET", PATH)).status == 200
    assert (await auditor.ask("POST", PATH, body)).status == 403
    for method, sent in (("GET", None), ("POST", body)):
        assert (await member.ask(method, PATH, sent)).status == 403
    refused = await admin.ask("POST", PATH, {**body, "role": "owner"})
    assert (refused.status, refused.json()["code"]) == (403, "role_above_own")
    for wrong in ({"email": "no address"}, {**body, "days": 0}, {**body, "role": "king"}):
        assert (await admin.ask("POST", PATH, wrong)).status == 422


async def test_a_token_that_gives_no_roles_mails_none_again(limen: Installation) -> None:
    admin, emails = await somebody(limen, "admin"), (new_address(), new_address())
    body = {"name": "Inviter", "scope": "users:write", "roles": ["admin"]}
    made = (await admin.ask("POST", "/service-accounts", body)).json()
    path = f"/service-accounts/{made['client_id']}/api-keys"
    key = await admin.ask("POST", path, {"name": "ci", "scope": "users:write"})
    machine = Admin(limen, key.json()["api_key"])
    first, second = [
        (await admin.ask("POST", PATH, {"email": email, "role": role})).json()["id"]
        for email, role in zip(emails, ("admin", "member"), strict=True)
    ]
    link = await limen.link_to(emails[0], "/invitation")
    refused = await machine.ask("POST", PATH, {"email": new_address(), "role": "admin"})
    assert refused.status == 403
    assert (await machine.ask("POST", f"{PATH}/{first}/resend")).status == 403
    assert (await machine.ask("POST", f"{PATH}/{second}/resend")).status == 200
    assert (await accept(limen, link)).status == 200  # no other was mailed
