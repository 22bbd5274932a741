"""An app asks for a connection over HTTP: it is refused, sends the person, and is served."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.testing.visitor import Page
from tests.at_provider import agree, new_account
from tests.installation import Installation, Known, Person, basic
from tests.oauth_client import Flow
from tests.sharing import FEATURE, agent, connected, share
from tests.simulated import query_of
from tests.standings import EACH_ONCE
from tests.unit.net.servers import answer, listening

pytestmark = EACH_ONCE
REQUESTS = "/api/v1/oauth/sharing-requests"
CONSENTS = "/api/v1/oauth/consents"
SHARED = "https://app.example/shared"
SCOPE = ("openid", "connections:ask", "connections:token", "connections:read")


async def app_of(limen: Installation, person: Person, *, mode: str) -> tuple[Known, str]:
    """An app that a person signed in to; return it with its token."""
    uris = ("https://app.example/cb", SHARED)
    known = await limen.client("web", scope=SCOPE, redirect_uris=uris, name="The <b>Diary")
    admin = await limen.person(role="admin")
    own = (await limen.login(admin))["access_token"]
    path = f"/api/v1/oauth/release-policies/{known.id}"
    assert (await admin.api("PUT", path, own, {"mode": mode})).status == 200
    resource = f"{limen.issuer}/api/v1"
    tokens = await Flow(limen, known).tokens(person, scope=" ".join(SCOPE), resource=resource)
    return known, tokens["access_token"]


async def pressed(person: Person, page: Page, button: str, decision: str, **more: str) -> Page:
    """Press a button and stay; return what answers."""
    form = page.form_with(button)
    sent = {**dict(form.fields), "decision": decision, **more}
    return await person.browser.fetch("POST", urljoin(page.url, form.action), form=sent)


async def test_an_app_is_refused_asks_and_is_served(limen: Installation) -> None:
    person = await limen.person()
    known, token = await app_of(limen, person, mode="raw")
    body: dict[str, Any] = {"provider": "google", "features": [FEATURE], "state": "s t"}
    made = await person.api("POST", REQUESTS, token, {**body, "redirect_uri": SHARED})
    assert made.status == 201, made.text
    person.browser = limen.browser()
    page = await looked_at(person, made.json()["url"])
    told = await connected_and_allowed(limen, person, page)
    assert told == {"sharing_request": made.json()["id"], "state": "s t", "iss": limen.issuer}
    followed = (await person.api("GET", f"{REQUESTS}/{made.json()['id']}", token)).json()
    assert followed["state"] == "completed"
    path = f"/api/v1/oauth/connections/{followed['connection_id']}/token?feature={FEATURE}"
    assert (await person.api("GET", path, token)).status == 200
    assert (await person.browser.open(made.json()["url"])).status == 422  # used
    own = (await limen.login(person))["access_token"]
    dropped = f"/api/v1/oauth/consents/{followed['connection_id']}/{known.id}"
    assert (await person.api("DELETE", dropped, own)).status == 204
    refused = await person.api("GET", path, token)
    assert refused.json()["ask_uri"] == f"{limen.issuer}{REQUESTS}"


async def looked_at(person: Person, url: str) -> Page:
    """Open a link as somebody who is not signed in, and sign in."""
    page = await person.browser.open(url)
    assert page.has("sign-in-submit")  # it tells a stranger nothing
    assert "Diary" not in page.text
    page = await person.browser.sign_in(person.email, person.password, at=page)
    assert "The &lt;b&gt;Diary" in page.text
    assert person.email in page.text
    assert "See your calendars and events" in page.text
    assert page.has("share-connect")
    assert not page.has("share-allow")
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy
    return page


async def connected_and_allowed(limen: Installation, person: Person, page: Page) -> dict[str, str]:
    """Connect an account first, come back and share it; return what the app is told."""
    forged = await pressed(person, page, "share-connect", "connect", csrf="forged")
    assert forged.status == 403
    left = await pressed(person, page, "share-connect", "connect")
    assert left.status == 303, left.text
    account = await new_account(limen)
    page = await person.browser.open(await agree(limen, left.headers["location"], account=account))
    assert page.has("share-allow"), page.text[:800]
    assert "link=" not in page.url
    shown_before = await pressed(person, page, "share-allow", "allow", mode="proxy")
    assert shown_before.status == 409  # a policy that became another while the page was open
    ended = await pressed(person, page, "share-allow", "allow")
    assert ended.status == 303, ended.text
    assert ended.headers["location"].startswith(f"{SHARED}?")
    return query_of(ended.headers["location"])


async def test_a_no_reaches_the_app_and_the_tenants_receivers(limen: Installation) -> None:
    ada = await connected(limen)
    person, admin, other = ada.person, await limen.person(role="admin"), await limen.person()
    _, token = await app_of(limen, person, mode="proxy")
    theirs = (await limen.login(admin))["access_token"]
    async with listening(answer(b"{}")) as listener:
        hooks = {"url": listener.url, "types": ["connection.sharing_refused"]}
        added = await admin.api("POST", "/api/v1/admin/webhooks", theirs, hooks)
        body = {"provider": "google", "features": [FEATURE], "redirect_uri": SHARED}
        made = (await person.api("POST", REQUESTS, token, body)).json()
        await other.sign_in()
        assert (await other.browser.open(made["url"])).status == 422  # another person's
        page = await person.browser.open(made["url"])
        ended = await pressed(person, page, "share-deny", "deny")
        assert query_of(ended.headers["location"])["error"] == "declined"
        followed = (await person.api("GET", f"{REQUESTS}/{made['id']}", token)).json()
        assert (followed["state"], followed["reason"]) == ("refused", "declined")
        await limen.settle()
        [sent] = listener.requests
        heard = json.loads(sent.partition(b"\r\n\r\n")[2])["data"]
        assert (heard["sharing_request_id"], heard["user_id"]) == (made["id"], person.id)
        path = f"/api/v1/admin/webhooks/{added.json()['id']}"
        assert (await admin.api("DELETE", path, theirs)).status == 204


async def test_an_exchange_that_is_refused_says_where_to_ask(limen: Installation) -> None:
    ada, known = await connected(limen), await agent(limen)
    for code in ("connection_consent_required", "raw_consent_required"):
        for audience in (f"connection:{ada.connection}", "provider:google"):
            refused = await limen.api.fetch(
                "POST",
                "/oauth2/token",
                form={
                    "grant_type": TOKEN_EXCHANGE,
                    "subject_token": ada.own,
                    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
                    "audience": f"urn:limen:{audience}",
                },
                headers=basic(known.id, known.secret),
            )
            assert refused.json()["limen_code"] == code, refused.text
            assert refused.json()["limen_ask_uri"] == f"{limen.issuer}{REQUESTS}"
        await share(ada, known.id, mode="proxy")


async def test_an_agreement_that_says_nothing_of_tokens_gives_none(limen: Installation) -> None:
    ada = await connected(limen)
    known, token = await app_of(limen, ada.person, mode="raw")
    at = f"/api/v1/oauth/connections/{ada.connection}/token"
    body = {"connection_id": ada.connection, "client_id": known.id, "features": [FEATURE]}
    for more, recorded, status in (({}, "proxy", 403), ({"mode": "raw"}, "raw", 200)):
        made = await ada.person.api("POST", CONSENTS, ada.own, {**body, **more})
        assert (made.status, made.json()["mode"]) == (201, recorded), made.text
        [listed] = (await ada.person.api("GET", CONSENTS, ada.own)).json()["items"]
        assert listed["mode"] == recorded
        given = await ada.person.api("GET", at, token)
        assert given.status == status, given.text
        if status == 403:
            assert given.json()["code"] == "raw_consent_required"
            assert given.json()["ask_uri"] == f"{limen.issuer}{REQUESTS}"
            asked = {"provider": "google", "features": [FEATURE]}
            again = (await ada.person.api("POST", REQUESTS, token, asked)).json()
            page = await ada.person.browser.open(again["url"])
            assert "It is given a key to the account" in page.text
            assert "Until now you let it use this one without a key." in page.text
    wrong = await ada.person.api("POST", CONSENTS, ada.own, {**body, "mode": "none"})
    assert wrong.status == 422


async def test_asking_takes_its_scope(limen: Installation) -> None:
    person = await limen.person()
    full = (await limen.login(person))["access_token"]
    body = {"provider": "google", "features": [FEATURE]}
    refused = await person.api("POST", REQUESTS, full, body)
    assert (refused.status, refused.json()["code"]) == (403, "client_required")
    made = await person.api("POST", "/api/v1/api-keys", full, {"name": "n", "scope": "self"})
    narrow = made.json().get("key") or made.json().get("api_key")
    agent_ = await limen.client("machine", scope=("connections:ask",))
    form = {"grant_type": "client_credentials", "resource": f"{limen.issuer}/api/v1"}
    told = (await limen.post("/oauth2/token", agent_, **form)).json()
    assert (await person.api("POST", REQUESTS, told["access_token"], body)).status == 403
    for method, path, sent in (("POST", REQUESTS, body), ("GET", f"{REQUESTS}/x", None)):
        answered = await person.api(method, path, narrow, sent)
        assert answered.status == 403
        assert "connections:ask" in answered.headers["www-authenticate"]
        assert (await limen.api.fetch(method, path, body=sent)).status == 401
