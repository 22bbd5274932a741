"""Cases I and J: whose an account elsewhere is, and who may say so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from limen.federation.profile.identity_id import identity_id
from limen.testing.visitor import Page
from tests.flows.test_two_steps import with_app
from tests.installation import PASSWORD, Installation, Person, Watched, new_address
from tests.negative.linking_cases import IDENTITIES, PROVE, Linking, add_microsoft
from tests.negative.social_cases import session_of
from tests.standings import add_tenant

pytestmark = pytest.mark.anyio
MICROSOFT = "/dev/providers/microsoft"


@pytest.fixture
def social(limen: Installation) -> Linking:
    return Linking(limen)


@pytest.mark.parametrize(
    ("proven", "claimed"),
    [(False, {}), (True, {"email_verified": None}), (True, {"email_verified": "true"}), (True, {})],
    ids=["unverified", "absent", "text", "verified"],
)
async def test_n129_an_address_that_is_somebodys_opens_nothing(
    social: Linking, proven: bool, claimed: dict[str, Any]
) -> None:
    person = await social.limen.person()
    sub = await social.account(person.email, proven=proven)
    await social.order(lies={"id_token": claimed, "userinfo": claimed})
    browser = social.limen.browser()
    page = await social.blocked(browser, sub)
    await social.order(lies={})
    assert "never used with Google" in page.text
    assert session_of(browser.cookies()) == ""
    assert await social.whoami(browser) == {}
    assert await social.identities_of(person.id) == []
    assert (await person.sign_in()).status == 200
    await social.blocked(social.limen.browser(), sub)  # nothing was remembered of it


async def test_n129_entra_says_anything_about_an_address(social: Linking) -> None:
    await add_microsoft(social.limen)
    person = await social.limen.person()
    sub = "11111111-1111-4111-8111-111111111111"
    told = await social.order(MICROSOFT)
    assert told is not None
    await social.order(MICROSOFT, accounts=[{**_entra(sub), "email": person.email}])
    browser = social.limen.browser()
    start = await browser.fetch("GET", "/api/v1/auth/oauth2/microsoft/start")
    back = await social.approve(start.headers["location"], account=_entra(sub)["sub"])
    page = await browser.fetch("GET", back)
    assert page.status == 303, page.text[:600]
    assert page.headers["location"].startswith(PROVE)
    assert await social.identities_of(person.id) == []


def _entra(oid: str) -> dict[str, Any]:
    tenant = "22222222-2222-4222-8222-222222222222"
    return {"sub": f"{tenant}:{oid}", "name": "Mallory", "email_verified": True}


async def test_n129_the_owner_of_the_mailbox_gets_in_and_stays_linked(social: Linking) -> None:
    person = await social.limen.person()
    sub = await social.account(person.email)
    browser = social.limen.browser()
    code = await social.mail_code(browser, await social.blocked(browser, sub), person.email)
    page = await social.type_code(browser, code)
    assert (page.status, page.headers["location"]) == (303, "/account"), page.text[:500]
    assert (await social.whoami(browser))["id"] == person.id
    assert await social.identities_of(person.id) == [sub]
    again = social.limen.browser()
    assert (await social.sign_in(again, account=sub)).headers["location"] == "/account"
    assert (await social.whoami(again))["id"] == person.id
    assert (await person.sign_in()).status == 200  # as before: it was verified here
    [told, *_] = await social.limen.mails(person.email)
    assert "new way to sign in" in told["subject"].lower()


async def test_a_mailbox_alone_adds_nothing_to_two_step_sign_in(social: Linking) -> None:
    person, _ = await with_app(social.limen)
    sub, browser = await social.account(person.email), social.limen.browser()
    code = await social.mail_code(browser, await social.blocked(browser, sub), person.email)
    page = await social.type_code(browser, code)
    assert (page.status, "two-step sign-in" in page.text) == (409, True)
    assert await social.identities_of(person.id) == []
    assert session_of(browser.cookies()) == ""


async def test_n130_what_a_squatter_prepared_ends_before_the_owner_is_in(social: Linking) -> None:
    email = new_address()
    squatter = social.limen.browser()
    registered = await squatter.fetch(
        "POST", "/api/v1/auth/register", body={"email": email, "password": PASSWORD}
    )
    assert registered.status == 200, registered.text
    pair = await squatter.fetch(
        "POST", "/api/v1/auth/login", body={"email": email, "password": PASSWORD}
    )
    assert pair.status == 200, pair.text
    prepared = Person(pair.json().get("user_id", ""), email, PASSWORD, squatter)
    await prepared.sign_in()
    their_own = await social.account(new_address())
    assert (await social.link(prepared, their_own)).status == 303
    owner = social.limen.browser()
    sub = await social.account(email)
    code = await social.mail_code(owner, await social.blocked(owner, sub), email)
    await social.type_code(owner, code)
    me = await social.whoami(owner)
    assert (me["email"], me["email_verified"]) == (email, True)
    assert await social.whoami(squatter) == {}
    bearer = {"Authorization": f"Bearer {pair.json()['access_token']}"}
    dead = await social.limen.api.fetch("GET", "/api/v1/auth/me", headers=bearer)
    assert dead.status == 401
    refused = await squatter.fetch(
        "POST", "/api/v1/auth/login", body={"email": email, "password": PASSWORD}
    )
    assert refused.status == 401
    assert await social.identities_of(me["id"]) == [sub]


async def test_n131_a_proof_is_of_one_account_and_one_sign_in(social: Linking) -> None:
    person = await social.limen.person()
    first, second = social.limen.browser(), social.limen.browser()
    page = await social.blocked(first, await social.account(person.email))
    other = await social.account(person.email)
    await social.blocked(second, other)
    code = await social.mail_code(first, page, person.email)
    ended = await social.type_code(second, code)
    assert ended.status == 422, ended.text[:300]
    assert await social.identities_of(person.id) == []
    stranger = await social.limen.browser().fetch("GET", PROVE)
    assert (stranger.status, stranger.headers["location"]) == (303, "/sign-in")


async def test_n123_what_is_half_done_goes_on_by_a_form_in_its_browser_alone(
    social: Linking,
) -> None:
    person = await social.limen.person()
    browser, other = social.limen.browser(), social.limen.browser()
    sub = await social.account(person.email)
    code = await social.mail_code(browser, await social.blocked(browser, sub), person.email)
    # A plain link with all that is asked for, in the very browser, only shows the form again.
    assert (await browser.fetch("GET", f"{PROVE}?code={code}&answer=yes")).has("prove-mail")
    assert session_of(browser.cookies()) == ""
    # The form without this browser's token, and with it from a browser that began nothing.
    assert (await browser.fetch("POST", PROVE, form={"code": code})).status == 403
    fields = dict((await browser.open(PROVE)).form_with("prove-mail").fields)
    elsewhere = await other.fetch("POST", PROVE, form={**fields, "code": code})
    assert elsewhere.status == 403, elsewhere.text[:300]
    assert await social.identities_of(person.id) == []
    assert session_of(other.cookies()) == ""
    assert (await social.type_code(browser, code)).status == 303
    assert await social.identities_of(person.id) == [sub]


async def test_n131_a_code_works_once_and_five_guesses_end_it(social: Linking) -> None:
    person = await social.limen.person()
    browser = social.limen.browser()
    page = await social.blocked(browser, await social.account(person.email))
    code = await social.mail_code(browser, page, person.email)
    wrong = str((int(code) + 1) % 10**8).zfill(8)
    for _ in range(5):
        assert (await social.type_code(browser, wrong)).status == 422
    assert (await social.type_code(browser, code)).status == 422
    soon = await browser.press(await browser.open(PROVE), "prove-mail")
    assert soon.status == 429  # one mail a minute, whoever asks
    social.limen.clock.advance(minutes=1)
    code = await social.mail_code(browser, await browser.open(PROVE), person.email)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies().items())
    assert (await social.type_code(browser, code)).status == 303
    gone = await social.limen.api.fetch("GET", PROVE, headers={"Cookie": cookies})
    assert (gone.status, gone.headers["location"]) == (303, "/sign-in")
    assert len(await social.identities_of(person.id)) == 1


async def test_n124_nobody_links_by_a_link_or_from_another_site(social: Linking) -> None:
    person = await social.limen.person()
    await person.sign_in()
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}):
        page = await person.browser.fetch("POST", "/account/link/google", form={}, headers=headers)
        assert page.status == 403
    sub = await social.account(new_address())
    # A start that anyone can send a browser to signs in, and links nothing.
    await social.sign_in(person.browser, account=sub)
    assert await social.identities_of(person.id) == []


async def test_n115_a_link_ends_in_the_session_it_began_in(social: Linking) -> None:
    person, other = await social.limen.person(), await social.limen.person()
    await person.sign_in()
    sub = await social.account(new_address())
    callback = await social.link_callback(person, sub)
    await other.sign_in()
    assert await social.refused(other.browser, callback) == "callback_invalid"
    # The same browser, and somebody else in it by now.
    await person.browser.press(await person.browser.open("/sign-out"), "logout-yes")
    await person.browser.sign_in(other.email, other.password)
    code = await social.refused(person.browser, callback, status=403)
    assert code == "link_other_session"
    assert (await social.identities_of(person.id), await social.identities_of(other.id)) == ([], [])


async def test_an_account_that_signs_in_somebody_else_is_not_linked(social: Linking) -> None:
    person, other = await social.limen.person(), await social.limen.person()
    sub = await social.account(new_address())
    await person.sign_in()
    assert (await social.link(person, sub)).status == 303
    await other.sign_in()
    page = await social.link(other, sub)
    assert (page.status, page.has("error-page")) == (409, True)
    assert "identity_in_use" in page.text
    assert await social.identities_of(other.id) == []
    assert await social.identities_of(person.id) == [sub]
    assert (await social.link(person, sub)).status == 303  # one's own again is fine


async def test_two_who_link_one_account_at_once(limen_on_both: Installation) -> None:
    social = Linking(limen_on_both)
    people = [await limen_on_both.person() for _ in range(2)]
    sub = await social.account(new_address())
    callbacks = []
    for person in people:
        await person.sign_in()
        callbacks.append(await social.link_callback(person, sub))
    pages: list[Page] = await asyncio.gather(
        *(person.browser.fetch("GET", url) for person, url in zip(people, callbacks, strict=True))
    )
    assert sorted(page.status for page in pages) == [303, 409], [page.text[:200] for page in pages]
    held = [await social.identities_of(person.id) for person in people]
    assert sorted(held) == [[], [sub]]


async def test_to_link_takes_a_recent_sign_in(social: Linking) -> None:
    person = await social.limen.person()
    await person.sign_in()
    form = (await person.browser.open("/account/link/google")).form_with("link-continue")
    token = await social.token(person)
    social.limen.clock.advance(minutes=16)
    page = await person.browser.fetch("POST", form.action, form=form.fields)
    assert page.status == 403
    assert "reauth_required" in page.text
    shown = await person.browser.fetch("GET", "/account/link/google")
    assert shown.headers["location"].startswith("/sign-in?reauth=1")
    refreshed = await social.limen.login(person)
    social.limen.clock.advance(minutes=14)
    asked = await person.api("POST", IDENTITIES, refreshed["access_token"], {"provider": "google"})
    assert asked.json()["link_url"] == f"{social.limen.issuer}/account/link/google"
    assert token != refreshed["access_token"]


async def test_the_last_way_in_stays(limen_on_both: Installation) -> None:
    social = Linking(limen_on_both)
    browser = social.limen.browser()
    first, second = await social.account(new_address()), await social.account(new_address())
    await social.sign_in(browser, account=first)
    me = await social.whoami(browser)
    person = Person(me["id"], me["email"], "", browser)
    [only] = (await browser.fetch("GET", IDENTITIES)).json()["items"]
    csrf = await _csrf(browser)
    refused = await browser.fetch("DELETE", f"{IDENTITIES}/{only['id']}", headers=csrf)
    assert (refused.status, refused.json()["code"]) == (409, "last_way_in")
    await social.link(person, second)
    listed = (await browser.fetch("GET", IDENTITIES)).json()["items"]
    assert len(listed) == 2
    pages = await asyncio.gather(
        *(browser.fetch("DELETE", f"{IDENTITIES}/{each['id']}", headers=csrf) for each in listed)
    )
    assert sorted(page.status for page in pages) == [204, 409]
    assert len(await social.identities_of(me["id"])) == 1


async def test_another_persons_identity_is_nobodys(social: Linking) -> None:
    person, other = await social.limen.person(), await social.limen.person()
    sub = await social.account(new_address())
    await person.sign_in()
    await social.link(person, sub)
    [theirs] = (await person.browser.fetch("GET", IDENTITIES)).json()["items"]
    page = await other.api("DELETE", f"{IDENTITIES}/{theirs['id']}", await social.token(other))
    assert (page.status, page.json()["code"]) == (404, "identity_not_found")
    assert await social.identities_of(person.id) == [sub]


async def test_one_account_is_two_people_in_two_tenants(social: Linking) -> None:
    there = social.limen.at(await add_tenant(social.limen.application, slug="linking"))
    elsewhere = Linking(there)
    sub = await social.account(new_address())
    here, browser = social.limen.browser(), there.browser()
    await social.sign_in(here, account=sub)
    start = await browser.fetch("GET", "/api/v1/auth/oauth2/google/start")
    back = await social.approve(start.headers["location"], account=sub)
    assert (await here.fetch("GET", back.replace("/t/linking", ""))).status == 400
    assert (await browser.fetch("GET", back)).status == 303
    mine, theirs = await social.whoami(here), await elsewhere.whoami(browser)
    assert mine["id"] != theirs["id"]
    assert mine["email"] == theirs["email"]
    [identity] = (await browser.fetch("GET", IDENTITIES)).json()["items"]
    assert await elsewhere.identities_of(mine["id"]) == []
    assert identity["account"] == mine["email"]


async def _csrf(browser: Watched) -> dict[str, str]:
    fields = dict((await browser.open("/account/link/google")).form_with("link-continue").fields)
    return {"X-CSRF-Token": fields["csrf"], "Sec-Fetch-Site": "same-origin"}


async def test_odd_names_are_nobodys(limen_on_both: Installation) -> None:
    person = await limen_on_both.person()
    await person.sign_in()
    limen_on_both.clock.advance(minutes=16)
    for path in (
        "/pictures/%00",
        "/pictures/..%2F..%2Fetc",
        "/account/link/%00",
        "/account/link/%0A",
        "/account/link/nobody",
        "/api/v1/auth/oauth2/%00/start",
    ):
        page = await person.browser.fetch("GET", path)
        assert page.status in {400, 404, 422}, (path, page.status, page.text[:300])


def test_an_identitys_name_tells_issuer_and_subject_apart() -> None:
    assert identity_id("https://a", "b") != identity_id("https://", "ab")
