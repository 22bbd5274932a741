"""Another e-mail address, on the pages and over the JSON API."""

from __future__ import annotations

from tests.installation import Installation, new_address
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
CHANGE = "/api/v1/auth/email/change"


async def test_n133_on_the_pages(limen: Installation) -> None:
    person, wanted = await limen.person(), new_address()
    await person.sign_in()
    page = await person.browser.open("/account/email")
    asked = await person.browser.press(page, "email-submit", {"email": wanted})
    assert "We sent a link" in asked.text
    link = await limen.link_to(wanted, "/account/email")
    shown = await person.browser.open(link)
    assert wanted in shown.text
    assert person.email in (await person.browser.open("/account")).text  # opening it does nothing
    done = await person.browser.press(shown, "email-confirm")
    assert "Your e-mail address is changed." in done.text
    assert wanted in done.text
    again = await person.browser.press(shown, "email-confirm")
    assert again.status == 422
    answers = []
    for email in (person.email, wanted):
        body = {"email": email, "password": person.password}
        answers.append((await limen.api.fetch("POST", "/api/v1/auth/login", body=body)).status)
    assert answers == [401, 200]


async def test_n133_over_json_in_the_persons_own_session(limen: Installation) -> None:
    person, other, wanted = await limen.person(), await limen.person(), new_address()
    mine = (await limen.login(person))["access_token"]
    theirs = (await limen.login(other))["access_token"]
    assert (await person.api("POST", CHANGE, mine, {"email": "no address"})).status == 422
    assert (await limen.api.fetch("POST", CHANGE, body={"email": wanted})).status == 401
    assert (await person.api("POST", CHANGE, mine, {"email": wanted})).json() == {
        "status": "accepted"
    }
    token = (await limen.link_to(wanted, "/account/email")).partition("token=")[2]
    refused = await other.api("POST", f"{CHANGE}/confirm", theirs, {"token": token})
    assert (refused.status, refused.json()["code"]) == (422, "link_invalid")
    made = await person.api("POST", "/api/v1/api-keys", mine, {"name": "ci", "scope": "self"})
    key = made.json()["api_key"]
    for path, body in ((CHANGE, {"email": wanted}), (f"{CHANGE}/confirm", {"token": token})):
        refused = await person.api("POST", path, key, body)
        assert (refused.status, refused.json()["code"]) == (403, "first_party_only")
    changed = await person.api("POST", f"{CHANGE}/confirm", mine, {"token": token})
    assert changed.json() == {"email": wanted, "email_verified": True}
