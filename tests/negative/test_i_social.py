"""Cases I: signing in with a provider, and J where its e-mail address is somebody's."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from limen.db.work import Work
from limen.federation.upstream_clients import switch_provider
from tests.installation import Installation
from tests.negative.social_cases import Social, changed, moved, session_of
from tests.simulated import ADA, query_of
from tests.standings import Plan, copied, prepared_sqlite, standing

pytestmark = pytest.mark.anyio
SIGN_IN = "/api/v1/auth/oauth2/google/callback"
CONNECT = "/api/v1/oauth/google/callback"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for the module: the server lives in it."""
    return "asyncio"


@pytest.fixture(scope="module")
async def limen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    prepared = await prepared_sqlite(tmp_path_factory.mktemp("prepared"))
    folder: Path = tmp_path_factory.mktemp("limen")
    plan = Plan(folder=folder, database_url=copied(prepared, folder))
    async with standing(plan) as running:
        yield running


@pytest.fixture
async def social(limen: Installation) -> AsyncIterator[Social]:
    made = Social(limen)
    await made.order(reset=True)
    yield made
    await made.order(reset=True)


async def test_signing_in_works_at_all(social: Social) -> None:
    browser = social.limen.browser()
    page = await social.sign_in(browser, account=ADA)
    assert (page.status, page.headers["location"]) == (303, "/account")
    first = session_of(browser.cookies())
    assert first
    me = await browser.open("/account")
    assert "ada@example.test" in me.text
    # Again: the same account by (issuer, subject), a new session, the old one gone.
    await social.sign_in(browser, account=ADA)
    assert session_of(browser.cookies()) not in {"", first}


async def test_n113_an_answer_that_names_another_issuer(social: Social) -> None:
    browser = social.limen.browser()
    callback = await social.callback(browser)
    for issuer in ("https://accounts.google.com", "https://evil.example", "http://localhost"):
        code = await social.refused(browser, changed(callback, iss=issuer))
        assert code == "callback_invalid"
    assert await social.calls("exchange") == 0


async def test_n114_an_answer_without_the_issuer_that_was_promised(social: Social) -> None:
    browser = social.limen.browser()
    callback = await social.callback(browser)
    assert await social.refused(browser, changed(callback, iss=None)) == "callback_invalid"
    assert await social.refused(browser, changed(callback, iss="")) == "callback_invalid"
    assert await social.calls("exchange") == 0


async def test_n115_a_state_that_is_absent_foreign_used_or_without_its_cookie(
    social: Social,
) -> None:
    browser, other = social.limen.browser(), social.limen.browser()
    callback = await social.callback(browser)
    theirs = await social.callback(other)
    for hostile in (
        changed(callback, state=None),
        changed(callback, state=""),
        changed(callback, state="lmu_aaaaaaaaaa_" + "A" * 43),
        changed(callback, state=query_of(theirs)["state"]),
        changed(callback, state="\x00"),
    ):
        await social.refused(browser, hostile)
    await social.refused(other, callback)
    await social.refused(social.limen.browser(), callback)  # no cookie at all
    assert await social.calls("exchange") == 0
    assert (await browser.fetch("GET", callback)).status == 303  # still whole for its owner
    assert await social.refused(browser, callback) == "callback_invalid"  # and once only
    assert await social.calls("exchange") == 1


async def test_n115_a_repeated_parameter(social: Social) -> None:
    browser = social.limen.browser()
    callback = await social.callback(browser)
    for name in ("state", "code", "iss"):
        await social.refused(browser, f"{callback}&{name}={query_of(callback)[name]}")


async def test_n116_a_state_made_for_another_provider_or_purpose(social: Social) -> None:
    person = await social.limen.person()
    await person.sign_in()
    callback = await social.callback(person.browser)
    await social.refused(person.browser, moved(callback, CONNECT))
    notion = moved(changed(callback, iss=None), "/api/v1/oauth/notion/callback")
    await social.refused(person.browser, notion)
    assert await social.calls("exchange") == 0
    assert await social.calls("exchange", "/dev/providers/notion") == 0


@pytest.mark.parametrize(
    "lie", [{"nonce": None}, {"nonce": "another"}, {"nonce": ""}, {"nonce": 7}]
)
async def test_n117_an_id_token_without_our_nonce(social: Social, lie: dict[str, Any]) -> None:
    browser = social.limen.browser()
    await social.order(lies={"id_token": lie})
    callback = await social.callback(browser)
    assert await social.refused(browser, callback) == "provider_id_token"


async def test_n117_a_replayed_id_token(social: Social) -> None:
    browser = social.limen.browser()
    first = await social.callback(browser)
    url = await social.leave(social.limen.browser())
    await social.order(lies={"id_token": {"nonce": query_of(url)["nonce"]}})
    assert await social.refused(browser, first) == "provider_id_token"


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "another-client"},
        {"aud": None},
        {"aud": ["limen-simulated", "another-client"], "azp": None},
        {"aud": ["limen-simulated", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
async def test_n118_an_id_token_for_somebody_else(social: Social, lie: dict[str, Any]) -> None:
    browser = social.limen.browser()
    await social.order(lies={"id_token": lie})
    assert await social.refused(browser, await social.callback(browser)) == "provider_id_token"


async def test_n118_an_unsigned_id_token(social: Social) -> None:
    browser = social.limen.browser()
    await social.order(lies={"id_token_unsigned": True})
    assert await social.refused(browser, await social.callback(browser)) == "provider_id_token"


async def test_n118_an_id_token_of_a_key_nobody_published(social: Social) -> None:
    browser = social.limen.browser()
    head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "x"}).encode())
    forged = f"{head.decode().rstrip('=')}.e30.AAAA"
    await social.order(lies={"token_response": {"id_token": forged}})
    assert await social.refused(browser, await social.callback(browser)) == "provider_id_token"


async def test_n118_no_id_token_at_all(social: Social) -> None:
    browser = social.limen.browser()
    await social.order(lies={"token_response": {"id_token": None}})
    assert await social.refused(browser, await social.callback(browser)) == "provider_id_token"


@pytest.mark.parametrize("lie", [{"sub": "another"}, {"sub": None}])
async def test_n120_userinfo_of_another_subject(social: Social, lie: dict[str, Any]) -> None:
    browser = social.limen.browser()
    await social.order(lies={"userinfo": lie})
    assert await social.refused(browser, await social.callback(browser)) == "provider_id_token"


async def test_n126_a_provider_that_was_switched_off(social: Social) -> None:
    browser = social.limen.browser()
    callback = await social.callback(browser)

    def switched(state: Any) -> Any:
        async def body(work: Work) -> None:
            await switch_provider(work, provider="google", state=state)

        return body

    await social.limen.run(switched("disabled"))
    try:
        assert await social.refused(browser, callback, status=403) == "provider_disabled"
        start = "/api/v1/auth/oauth2/google/start"
        assert await social.refused(browser, start, status=403) == "provider_disabled"
        listed = await browser.fetch("GET", "/api/v1/auth/oauth2/providers")
        assert "google" not in [each["id"] for each in listed.json()["items"]]
    finally:
        await social.limen.run(switched("enabled"))
    assert await social.calls("exchange") == 0


async def test_n124_another_sites_form_connects_nothing(social: Social) -> None:
    person, attacker = await social.limen.person(), await social.limen.person()
    await person.sign_in()
    await attacker.sign_in()
    own = await attacker.browser.open("/account/connect/google")
    fields = dict(own.form_with("connect-continue").fields)
    path = "/account/connect/google"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {}):
        page = await person.browser.fetch("POST", path, form=fields, headers=headers)
        assert page.status == 403, page.text
    page = await person.browser.fetch("POST", path, form={"feature": "calendar_read"})
    assert page.status == 403
    api = await person.browser.fetch("POST", "/api/v1/oauth/google/connect", body={})
    assert api.status == 403
    assert api.json()["code"] == "csrf_failed"


async def test_n125_a_connect_link_works_once_for_its_person_alone(social: Social) -> None:
    person, mallory = await social.limen.person(), await social.limen.person()
    await mallory.sign_in()
    raw = (await social.limen.login(person))["access_token"]
    made = await person.api("POST", "/api/v1/oauth/google/connect", raw, {})
    assert made.status == 200, made.text
    link = made.json()["link_url"]
    assert link.startswith(f"{social.limen.issuer}/account/connect/google?link=")
    theirs = await mallory.browser.fetch("GET", link)
    assert (theirs.status, theirs.has("connect-continue")) == (422, False)
    stranger = await social.limen.browser().fetch("GET", link)
    assert stranger.status == 303
    assert stranger.headers["location"].startswith("/sign-in?continue=")
    await person.sign_in()
    page = await person.browser.open(link)
    assert person.email in page.text
    form = page.form_with("connect-continue")
    left = await person.browser.fetch("POST", form.action, form=form.fields)
    assert left.status == 303
    assert left.headers["location"].startswith(f"{social.limen.root}/dev/providers/google/")
    again = await person.browser.fetch("POST", form.action, form=form.fields)
    assert again.status == 422
    assert again.has("error-page")


async def test_n125_a_connect_link_ends_after_a_quarter_of_an_hour(social: Social) -> None:
    person = await social.limen.person()
    raw = (await social.limen.login(person))["access_token"]
    made = await person.api("POST", "/api/v1/oauth/google/connect", raw, {})
    await person.sign_in()
    social.limen.clock.advance(minutes=15)
    page = await person.browser.fetch("GET", made.json()["link_url"])
    assert page.status == 422


async def test_n201_connections_are_shown_to_nobody_unknown(social: Social) -> None:
    stranger = social.limen.browser()
    for method, path in (
        ("GET", "/api/v1/oauth/connections"),
        ("GET", "/api/v1/oauth/providers"),
        ("GET", "/api/v1/oauth/connections/x"),
        ("GET", "/api/v1/oauth/connections/x/token"),
        ("POST", "/api/v1/oauth/connections/x/refresh"),
        ("DELETE", "/api/v1/oauth/connections/x"),
        ("POST", "/api/v1/oauth/google/connect"),
    ):
        page = await stranger.fetch(method, path)
        assert page.status == 401, (method, path, page.status)
    page = await stranger.fetch("GET", "/api/v1/oauth/google/callback")
    assert (page.status, page.headers["location"].partition("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "html", "status": 200},
        {"kind": "html", "status": 502},
        {"kind": "array"},
        {"kind": "drop"},
        {"kind": "drop_before"},
        {"kind": "huge"},
        {"kind": "error", "status": 401, "error": "invalid_client"},
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", ["exchange", "userinfo"])
async def test_n127_a_provider_that_talks_nonsense(
    social: Social, operation: str, fault: dict[str, Any]
) -> None:
    browser = social.limen.browser()
    callback = await social.callback(browser)
    await social.order(faults={operation: [fault]})
    page = await browser.fetch("GET", callback)
    assert page.status in {400, 502}, page.text
    assert page.has("error-page")
    assert session_of(browser.cookies()) == ""


async def test_n127_a_token_of_a_type_we_can_not_send(social: Social) -> None:
    for kind in ("DPoP", "mac", "N_A", 7):
        browser = social.limen.browser()
        callback = await social.callback(browser)
        await social.order(lies={"token_response": {"token_type": kind}})
        assert (await browser.fetch("GET", callback)).status == 502
        assert session_of(browser.cookies()) == ""
    browser = social.limen.browser()
    callback = await social.callback(browser)
    await social.order(lies={"token_response": {"token_type": "BEARER"}})
    assert (await browser.fetch("GET", callback)).status == 303


async def test_n130_an_unverified_address_reserves_nothing(social: Social) -> None:
    email = "victim@unproven.example"
    await social.person_at_provider("n130", email, email_verified=False)
    browser = social.limen.browser()
    assert (await social.sign_in(browser, account="n130")).status == 303
    victim = await social.limen.person(email)  # the address is still its owner's to take
    assert victim.email == email


async def test_n132_the_account_stays_with_its_subject(social: Social) -> None:
    await social.person_at_provider("n132", "first@n132.example", hd="n132.example")
    browser = social.limen.browser()
    await social.sign_in(browser, account="n132")
    await social.person_at_provider("n132", "second@n132.example", hd="n132.example")
    other = social.limen.browser()
    await social.sign_in(other, account="n132")
    assert "first@n132.example" in (await other.open("/account")).text


async def test_n153_registration_is_closed_here_too(social: Social) -> None:
    await social.limen.set_policy(sign_up="closed")
    try:
        browser = social.limen.browser()
        await social.person_at_provider("n153", "new@n153.example")
        callback = await social.callback(browser, account="n153")
        assert await social.refused(browser, callback, status=403) == "registration_closed"
    finally:
        await social.limen.set_policy(sign_up="open")
