from __future__ import annotations

import datetime as dt
import re
from urllib.parse import quote

import httpx2
import pytest

from limen.db.work import Work
from limen.oauth.consent import grant_consent, list_consents
from limen.oauth.registry.register_client import NewClient, register_client
from limen.portal.browser_name import browser_name
from limen.vault.listing import list_connections
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.unit.portal.conftest import Portal
from tests.unit.signin.kit import error_code

pytestmark = pytest.mark.anyio
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
ADA, BOB = "ada@example.org", "bob@example.org"


def named(page: httpx2.Response, kind: str) -> list[str]:
    return re.findall(rf'data-{kind}="([^"]+)"', page.text)


def csrf_of(page: httpx2.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_nobody_is_sent_to_sign_in_and_back(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    browser = portal.way.browser()
    for path in ("/account", "/account/password"):
        answer = await browser.open(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?")
        assert f"continue={quote(path, safe='')}" in answer.headers["location"]
    answer = await browser.open("/account/password")
    again = await browser.sign_in(ADA, PASSWORD, at=answer.headers["location"])
    assert again.headers["location"] == "/account/password"


async def test_the_root_leads_to_the_account_page(portal: Portal) -> None:
    answer = await portal.way.browser().open("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_sessions_are_shown_and_ended(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    await portal.way.house.user(BOB)
    here, actor = await portal.enter(ADA, PASSWORD)
    there, _ = await portal.enter(ADA, PASSWORD)
    third, _ = await portal.enter(ADA, PASSWORD)
    stranger, _ = await portal.enter(BOB, PASSWORD)
    page = await portal.account(here)
    assert page.status_code == 200
    assert len(named(page, "session")) == 3
    other = (await portal.enter(ADA, PASSWORD))[1].session_id
    theirs = csrf_of(await stranger.open("/sign-out"))
    refused = await stranger.post("/account/sessions/end", {"csrf": theirs, "session": other})
    assert (refused.status_code, error_code(refused)) == (404, "session_not_found")
    mine = csrf_of(page)
    ended = await here.post("/account/sessions/end", {"csrf": mine, "session": other})
    assert ended.headers["location"] == "/account?done=session-ended"
    own = await here.post("/account/sessions/end", {"csrf": mine, "session": actor.session_id})
    assert own.headers["location"] == "/sign-out"
    page = await here.open("/account?done=session-ended")
    assert "That session is over." in page.text
    await here.press(page, "end-other-sessions")
    assert len(named(await portal.account(here), "session")) == 1
    for gone in (there, third):
        assert (await portal.account(gone)).status_code == 303


async def test_consents_are_shown_in_words_and_withdrawn(portal: Portal) -> None:
    user = await portal.way.house.user(ADA)
    await portal.way.house.user(BOB)

    async def consent(work: Work) -> None:
        new = NewClient(
            name="Calendar <b>Helper</b>", type="web", redirect_uris=("https://app.example/cb",)
        )
        client = (await register_client(work, new=new)).client
        await grant_consent(
            work,
            user_id=user.id,
            client=client,
            resource=work.site.issuer,
            scope=("openid", "email"),
            remembered=True,
        )

    await portal.way.run(consent)
    browser, _ = await portal.enter(ADA, PASSWORD)
    stranger, _ = await portal.enter(BOB, PASSWORD)
    page = await portal.account(browser)
    assert "Calendar &lt;b&gt;Helper&lt;/b&gt;" in page.text
    assert "See your e-mail address" in page.text
    [consent_id] = named(page, "consent")
    theirs = csrf_of(await stranger.open("/sign-out"))
    refused = await stranger.post(
        "/account/consents/withdraw", {"csrf": theirs, "consent": consent_id}
    )
    assert error_code(refused) == "consent_not_found"
    fields = {"csrf": csrf_of(page), "consent": consent_id}
    done = await browser.post("/account/consents/withdraw", fields)
    assert done.headers["location"] == "/account?done=consent-withdrawn"
    assert await portal.way.run(lambda work: list_consents(work, user_id=user.id)) == []


async def test_connections_are_shown_and_ended(portal: Portal) -> None:
    user = await portal.way.house.user(ADA)
    await portal.way.house.user(BOB)
    browser, actor = await portal.enter(ADA, PASSWORD)
    stranger, _ = await portal.enter(BOB, PASSWORD)
    connection_id = await portal.vault.connect(actor)
    page = await portal.account(browser)
    assert named(page, "connection") == [connection_id]
    assert 'id="connect-google"' in page.text
    theirs = csrf_of(await stranger.open("/sign-out"))
    refused = await stranger.post(
        "/account/connections/disconnect", {"csrf": theirs, "connection": connection_id}
    )
    assert error_code(refused) == "connection_not_found"
    page = await browser.open(f"/account/connections/{connection_id}")
    assert "Google is told to forget us" in page.text
    fields = {"csrf": csrf_of(page), "connection": connection_id}
    done = await browser.post("/account/connections/disconnect", fields)
    assert done.headers["location"] == "/account?done=disconnected"
    left = await portal.way.run(
        lambda work: list_connections(work, portal.vault.parts, user_id=user.id)
    )
    assert left == []


async def test_a_new_password_needs_a_recent_sign_in_and_the_old_one(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    browser, _ = await portal.enter(ADA, PASSWORD)
    page = await browser.open("/account/password")
    wrong = await browser.press(
        page, "password-submit", {"current_password": "no", "password": OTHER_PASSWORD}
    )
    assert wrong.status_code == 403
    assert "The current password is not right." in wrong.text
    short = await browser.press(
        wrong, "password-submit", {"current_password": PASSWORD, "password": "short"}
    )
    assert short.status_code == 422
    assert 'id="password-error"' in short.text
    portal.way.house.clock.advance(dt.timedelta(minutes=16))
    stale = await browser.open("/account/password")
    assert stale.headers["location"] == "/sign-in?reauth=1&continue=%2Faccount%2Fpassword"
    await browser.sign_in(ADA, PASSWORD, at=stale.headers["location"])
    page = await browser.open("/account/password")
    fields = {"current_password": PASSWORD, "password": OTHER_PASSWORD}
    done = await browser.press(page, "password-submit", fields)
    assert done.headers["location"] == "/account?done=password-changed"
    assert (await browser.sign_in(ADA, OTHER_PASSWORD, at="/sign-in?reauth=1")).status_code == 303


async def test_who_has_no_password_is_told_how_to_get_one(portal: Portal) -> None:
    user = await portal.way.house.user(ADA, password=None)
    _, raw = await portal.way.house.signed_in(user)
    browser = portal.way.browser()
    browser.client.cookies.set("lm_session_testtenant", raw.reveal())
    assert "have no password here" in (await portal.account(browser)).text
    assert error_code(await browser.open("/account/password")) == "no_password"


async def test_an_unverified_address_is_mailed_again(portal: Portal) -> None:
    await portal.way.house.user(ADA, verified=False)
    browser, _ = await portal.enter(ADA, PASSWORD)
    page = await portal.account(browser)
    assert "not confirmed" in page.text
    done = await browser.press(page, "mail-again")
    assert done.headers["location"] == "/account?done=mail-sent"
    assert len(await portal.way.house.mails(ADA)) == 1


@pytest.mark.parametrize("done", ["<script>alert(1)</script>", "x" * 5000, "session-ended&done=x"])
async def test_the_address_can_not_make_the_page_say_anything(portal: Portal, done: str) -> None:
    await portal.way.house.user(ADA)
    browser, _ = await portal.enter(ADA, PASSWORD)
    page = await browser.open(f"/account?done={done}")
    assert page.status_code == 200
    assert 'id="done"' not in page.text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{CHROME} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32", "A Python program"),
        ("", "Unknown browser"),
        ("<script>", "Unknown browser"),
    ],
)
def test_browsers_have_names(user_agent: str, name: str) -> None:
    assert str(browser_name(user_agent)) == name
