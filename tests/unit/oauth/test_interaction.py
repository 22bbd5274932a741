import asyncio
import datetime as dt

import httpx2
import pytest

from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.oauth.sweep import sweep
from limen.testing.clock import FrozenClock
from tests.unit.oauth.hint_kit import id_token_for
from tests.unit.oauth.http_kit import CALLBACK, Known, Server
from tests.unit.oauth.journey_kit import Browser, answered, hidden, refused_by_page, way_back

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(journey: Server) -> Known:
    return await journey.client()


@pytest.fixture
async def asked(journey: Server, client: Known) -> tuple[Browser, httpx2.Response]:
    """Somebody signed in, before the question."""
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    assert 'id="consent-allow"' in page.text
    return browser, page


async def test_of_many_answers_at_once_one_counts(
    asked: tuple[Browser, httpx2.Response],
) -> None:
    browser, page = asked
    decisions = ["allow", "deny"] * 10
    answers = await asyncio.gather(*(browser.decide(page, decision) for decision in decisions))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 404, 409}


async def test_a_second_answer_finds_nothing(asked: tuple[Browser, httpx2.Response]) -> None:
    browser, page = asked
    answered(await browser.decide(page, "allow"))
    again = await browser.decide(page, "deny")
    assert (again.status_code, "location" in again.headers) == (404, False)


async def test_anothers_link_leads_nowhere(
    journey: Server, client: Known, asked: tuple[Browser, httpx2.Response]
) -> None:
    browser, page = asked
    victim = Browser(journey)
    await victim.sign_in(await journey.person("eve@app.example"))
    link = f"/consent?interaction={hidden(page)['interaction']}"
    back = way_back(await Browser(journey).ask(client))
    for foreign in (link, back, back + "&cancelled=1"):
        answer = await victim.get(foreign)
        assert (answer.status_code, "location" in answer.headers) == (404, False)
    own = await victim.ask(client)
    csrf = hidden(await victim.get(own.headers["location"]))["csrf"]
    form = {**hidden(page), "csrf": csrf, "decision": "allow"}
    assert (await victim.send("POST", "/consent", data=form)).status_code == 404
    answered(await browser.decide(page, "allow"))


async def test_a_forged_answer_is_refused(asked: tuple[Browser, httpx2.Response]) -> None:
    browser, page = asked
    form = {**hidden(page), "decision": "allow"}
    form.pop("csrf")
    assert (await browser.send("POST", "/consent", data=form)).status_code == 403
    headers = {"sec-fetch-site": "cross-site"}
    form = {**hidden(page), "decision": "allow"}
    assert (await browser.send("POST", "/consent", data=form, headers=headers)).status_code == 403
    answered(await browser.decide(page, "allow"))


async def test_nothing_else_in_the_form_counts(asked: tuple[Browser, httpx2.Response]) -> None:
    browser, page = asked
    form = {
        **hidden(page),
        "decision": "allow",
        "redirect_uri": "https://evil.example/cb",
        "client_id": "other",
        "scope": "openid offline_access",
        "state": "forged",
    }
    told = answered(await browser.send("POST", "/consent", data=form), to=CALLBACK)
    assert told["state"] != "forged"


@pytest.mark.parametrize("decision", ["", "maybe"])
async def test_an_unclear_answer_is_none(
    asked: tuple[Browser, httpx2.Response], decision: str
) -> None:
    browser, page = asked
    assert (await browser.decide(page, decision)).status_code == 400
    answered(await browser.decide(page, "deny"))


async def test_what_changed_meanwhile_counts(
    journey: Server, client: Known, asked: tuple[Browser, httpx2.Response]
) -> None:
    browser, page = asked
    changes = ClientChanges(metadata={"redirect_uris": ["https://app.example/other"]})
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    for decision in ("allow", "deny"):
        assert refused_by_page(await browser.decide(page, decision)) == "invalid_redirect_uri"
    changes = ClientChanges(metadata={"redirect_uris": [CALLBACK]})
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    await journey.run(lambda work: disable_client(work, client_id=client.id))
    assert refused_by_page(await browser.decide(page, "allow")) == "invalid_client"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"require_pushed_authorization_requests": True}, "invalid_request"),
        ({"require_signed_request_object": True}, "invalid_request"),
        ({"response_modes": ["form_post", "query"]}, ""),
        ({"require_pushed_authorization_requests": False}, ""),
    ],
    ids=["pushed", "signed", "modes", "nothing"],
)
async def test_n017_a_registration_stricter_meanwhile_is_told_to_the_client(
    journey: Server,
    client: Known,
    asked: tuple[Browser, httpx2.Response],
    *,
    changed: dict[str, object],
    code: str,
) -> None:
    browser, page = asked
    changes = ClientChanges(metadata=changed)
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    told = answered(await browser.decide(page, "allow"))
    assert told.get("error", "") == code
    assert ("code" in told) == (code == "")


async def test_n018_a_response_mode_given_up_meanwhile_is_not_used(
    journey: Server, client: Known
) -> None:
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    asked = await browser.ask(client, response_mode="form_post")
    page = await browser.get(asked.headers["location"])
    changes = ClientChanges(metadata={"response_modes": ["query"]})
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    assert answered(await browser.decide(page, "allow"))["error"] == "invalid_request"


async def test_who_signed_out_meanwhile_signs_in_first(
    journey: Server, asked: tuple[Browser, httpx2.Response]
) -> None:
    browser, page = asked
    name = next(name for name in browser.cookies if "session" in name)
    cookie = browser.cookies.pop(name)
    back = way_back(await browser.decide(page, "allow"))
    browser.cookies[name] = cookie
    page = await browser.get((await browser.get(back)).headers["location"])
    answered(await browser.decide(page, "allow"))


async def test_an_interaction_is_over_after_half_an_hour(
    journey: Server, asked: tuple[Browser, httpx2.Response], clock: FrozenClock
) -> None:
    browser, page = asked
    clock.advance(dt.timedelta(minutes=30))
    assert (await browser.decide(page, "allow")).status_code == 404
    assert await journey.run(sweep) == 1


async def test_another_user_than_the_hinted_one_is_no_answer(
    journey: Server, client: Known
) -> None:
    ada, eve = await journey.person(), await journey.person("eve@app.example")
    hint = await id_token_for(journey, client, ada)
    browser = Browser(journey)
    back = way_back(await browser.ask(client, id_token_hint=hint))
    await browser.sign_in(eve)
    assert answered(await browser.get(back))["error"] == "login_required"
    assert answered(await browser.ask(client, id_token_hint=hint))["error"] == "login_required"
    await browser.sign_in(ada)
    assert (
        (await browser.ask(client, id_token_hint=hint)).headers["location"].startswith("/consent")
    )
    other = await journey.client()
    told = answered(await browser.ask(other, id_token_hint=hint))
    assert told["error"] == "invalid_request"
