"""Connect sessions over HTTP: an agent asks, a person connects, the agent hears of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

import pytest

from limen.protocol.pkce import new_verifier, s256
from limen.testing.visitor import Page
from tests.at_provider import agree, new_account
from tests.installation import Installation, Person
from tests.simulated import query_of
from tests.standings import EACH_ONCE
from tests.unit.net.servers import answer, listening

pytestmark = EACH_ONCE
SESSIONS = "/api/v1/oauth/connect-sessions"
APP = "https://agent.example"


async def asked(limen: Installation, person: Person, own: str, **more: Any) -> dict[str, Any]:
    """Ask for a session, for the browser to end at the agent's."""
    body = {"provider": "google", "return_to": f"{APP}/done?kept=1", "state": "s t", **more}
    made = await person.api("POST", SESSIONS, own, body)
    assert made.status == 201, made.text
    assert made.json()["url"].startswith(f"{limen.issuer}/account/connect/google?link=")
    return dict(made.json())


async def pressed(person: Person, page: Page, button: str, **more: str) -> Page:
    """Press a button and stay; return the redirect."""
    form = page.form_with(button)
    sent = {**dict(form.fields), **more}
    answered = await person.browser.fetch("POST", urljoin(page.url, form.action), form=sent)
    assert answered.status == 303, answered.text
    return answered


async def confirmed(
    limen: Installation, person: Person, session: dict[str, Any], account: str
) -> dict[str, str]:
    """Follow a session to its end; return what its app is told in the redirect."""
    page = await person.browser.open(session["url"])
    page = await person.browser.sign_in(person.email, person.password, at=page)
    left = await pressed(person, page, "connect-continue")
    page = await person.browser.open(await agree(limen, left.headers["location"], account=account))
    assert page.has("external-account"), page.text[:800]
    assert person.email in page.text
    own = (await limen.login(person))["access_token"]
    waiting = await person.api("GET", f"{SESSIONS}/{session['id']}", own)
    assert waiting.json()["state"] == "pending"
    ended = await pressed(person, page, "confirm-connect", decision="connect")
    assert ended.headers["location"].startswith(f"{APP}/done?kept=1&")
    return query_of(ended.headers["location"])


async def test_f37_an_agent_hears_of_a_connection_its_person_confirmed(limen: Installation) -> None:
    await limen.set_policy(allowed_origins=[APP])
    person, admin = await limen.person(), await limen.person(role="admin")
    own, theirs = [(await limen.login(each))["access_token"] for each in (person, admin)]
    verifier, account = new_verifier(), await new_account(limen)
    async with listening(answer(b"{}")) as listener:
        hooks = {"url": listener.url, "types": ["connection.created"]}
        added = await admin.api("POST", "/api/v1/admin/webhooks", theirs, hooks)
        session = await asked(limen, person, own, code_challenge=s256(verifier))
        at = f"{SESSIONS}/{session['id']}"
        query = await confirmed(limen, person, session, account)
        assert (query["session"], query["state"]) == (session["id"], "s t")
        proof = {"code": query["code"], "code_verifier": verifier.reveal()}
        redeemed = await person.api("POST", f"{at}/redeem", own, proof)
        assert redeemed.status == 200, redeemed.text
        told = (await person.api("GET", at, own)).json()
        assert told["state"] == "completed"
        assert told["connection_id"] == redeemed.json()["connection_id"]
        assert told["connection_id"] not in query.values()
        assert (await person.api("POST", f"{at}/redeem", own, proof)).status == 422
        await limen.settle()
        bodies = [json.loads(sent.partition(b"\r\n\r\n")[2]) for sent in listener.requests]
        heard = [each["data"] for each in bodies if each["data"]["user_id"] == person.id]
        assert [each["connect_session_id"] for each in heard] == [session["id"]]
        path = f"/api/v1/admin/webhooks/{added.json()['id']}"
        assert (await admin.api("DELETE", path, theirs)).status == 204


async def test_f37_whoever_is_lured_says_no_and_the_agent_hears_it(limen: Installation) -> None:
    await limen.set_policy(allowed_origins=[APP])
    person, other = await limen.person(), await limen.person()
    own = (await limen.login(person))["access_token"]
    theirs = (await limen.login(other))["access_token"]
    session = await asked(limen, person, own, code_challenge=s256(new_verifier()))
    assert (await other.api("GET", f"{SESSIONS}/{session['id']}", theirs)).status == 404
    await other.sign_in()
    assert (await other.browser.open(session["url"])).status == 422
    await person.sign_in()
    page = await person.browser.open(session["url"])
    ended = await pressed(person, page, "connect-decline", decision="decline")
    assert query_of(ended.headers["location"])["error"] == "declined"
    told = (await person.api("GET", f"{SESSIONS}/{session['id']}", own)).json()
    assert (told["state"], told["reason"]) == ("refused", "declined")


async def test_the_providers_no_comes_back_to_the_agent(limen: Installation) -> None:
    await limen.set_policy(allowed_origins=[APP])
    person = await limen.person()
    own = (await limen.login(person))["access_token"]
    session = await asked(limen, person, own, code_challenge=s256(new_verifier()))
    await person.sign_in()
    page = await person.browser.open(session["url"])
    left = await pressed(person, page, "connect-continue")
    back = await agree(limen, left.headers["location"], deny=True)
    ended = await person.browser.fetch("GET", back)
    assert query_of(ended.headers["location"])["error"] == "provider_denied"
    told = (await person.api("GET", f"{SESSIONS}/{session['id']}", own)).json()
    assert (told["state"], told["reason"]) == ("refused", "provider_denied")


@pytest.mark.parametrize(
    ("return_to", "told"),
    [
        (f"{APP}/back?x=1#top", f"{APP}/back?x=1&error=provider_denied#top"),
        ("/account/connections", None),
    ],
    ids=["elsewhere", "here"],
)
async def test_the_providers_no_comes_back_to_who_waits(
    limen: Installation, return_to: str, told: str | None
) -> None:
    await limen.set_policy(allowed_origins=[APP])
    person = await limen.person()
    own = (await limen.login(person))["access_token"]
    body = {"features": ["calendar_read"], "return_to": return_to}
    begun = await person.api("POST", "/api/v1/oauth/google/connect", own, body)
    await person.sign_in()
    page = await person.browser.open(begun.json()["link_url"])
    left = await pressed(person, page, "connect-continue")
    callback = await agree(limen, left.headers["location"], deny=True)
    stranger = await limen.person()
    await stranger.sign_in()
    assert "location" not in (await stranger.browser.fetch("GET", callback)).headers
    ended = await person.browser.fetch("GET", callback)
    assert ended.headers.get("location") == told
    assert told or "error-code" in ended.text


async def test_a_session_needs_its_permission_and_a_challenge(limen: Installation) -> None:
    await limen.set_policy(allowed_origins=[APP])
    person = await limen.person()
    own = (await limen.login(person))["access_token"]
    body = {"provider": "google", "return_to": f"{APP}/done"}
    refused = await person.api("POST", SESSIONS, own, body)
    assert (refused.status, refused.json()["code"]) == (422, "code_challenge_required")
    made = await person.api("POST", "/api/v1/api-keys", own, {"name": "n", "scope": "self"})
    narrow = made.json().get("key") or made.json().get("api_key")
    calls = (("POST", SESSIONS), ("GET", f"{SESSIONS}/x"), ("POST", f"{SESSIONS}/x/redeem"))
    for method, path in calls:
        sent = body if method == "POST" else None
        assert (await person.api(method, path, narrow, sent)).status == 403
        assert (await limen.api.fetch(method, path, body=sent)).status == 401
