import json
from typing import Any

import pytest

from limen.oauth.registry.update_resource import update_resource
from tests.unit.oauth.http_kit import Known, Server
from tests.unit.oauth.journey_kit import Browser, answered, hidden

pytestmark = pytest.mark.anyio
API = "https://pay.example"
PAYMENT = {
    "type": "payment",
    "actions": ["initiate", "status"],
    "instructedAmount": {"currency": "EUR", "amount": "123.50"},
    "creditorName": "Merchant <b>A</b>",
}
TYPES = {
    "payment": {
        "description": "Pay from your account",
        "schema": {
            "type": "object",
            "required": ["instructedAmount"],
            "properties": {
                "actions": {"type": "array", "items": {"type": "string"}},
                "creditorName": {"type": "string"},
                "instructedAmount": {
                    "type": "object",
                    "properties": {"currency": {"type": "string"}, "amount": {"type": "string"}},
                },
            },
        },
    }
}


@pytest.fixture
def browser(journey: Server) -> Browser:
    return Browser(journey)


async def arranged(journey: Server, browser: Browser, **changes: Any) -> Known:
    await journey.resource(API, authorization_details_types=TYPES, **changes)
    await browser.sign_in(await journey.person())
    return await journey.client(
        metadata={"authorization_details_types": ["payment"]},
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
    )


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "resource": API,
        "scope": "openid offline_access read",
        "authorization_details": json.dumps([PAYMENT]),
        **changes,
    }


async def agreed(browser: Browser, client: Known, **changes: Any) -> str:
    to_consent = await browser.ask(client, **asked(**changes))
    page = await browser.get(to_consent.headers["location"])
    return answered(await browser.decide(page, "allow"))["code"]


async def test_details_are_shown_agreed_to_and_carried(journey: Server, browser: Browser) -> None:
    client = await arranged(journey, browser)
    to_consent = await browser.ask(client, **asked())
    page = await browser.get(to_consent.headers["location"])
    for text in ("Pay from your account", "123.50", "EUR", "initiate, status", "&lt;b&gt;A"):
        assert text in page.text
    code = answered(await browser.decide(page, "allow"))["code"]
    told = (await journey.redeem(client, code)).json()
    assert told["authorization_details"] == [PAYMENT]
    seen = await journey.introspect(client, told["access_token"])
    assert seen["authorization_details"] == [PAYMENT]
    again = (await journey.refresh(client, told["refresh_token"])).json()
    assert again["authorization_details"] == [PAYMENT]


async def test_details_are_asked_about_each_time(journey: Server, browser: Browser) -> None:
    client = await arranged(journey, browser)
    await agreed(browser, client)
    page = await browser.get((await browser.ask(client, **asked())).headers["location"])
    assert hidden(page)
    silent = answered(await browser.ask(client, **asked(prompt="none")))
    assert silent["error"] == "consent_required"


async def test_details_alone_are_enough(journey: Server, browser: Browser) -> None:
    client = await arranged(journey, browser)
    told = (await journey.redeem(client, await agreed(browser, client, scope=None))).json()
    assert told["authorization_details"] == [PAYMENT]
    assert "scope" not in told
    assert "scope" not in await journey.introspect(client, told["access_token"])
    again = await journey.refresh(client, told["refresh_token"])
    assert again.status_code == 200, again.text
    own = await journey.post(
        "/oauth2/token",
        client,
        grant_type="client_credentials",
        resource=API,
        authorization_details=json.dumps([PAYMENT]),
    )
    assert own.json()["authorization_details"] == [PAYMENT], own.text


async def test_a_token_may_carry_less_and_never_more(journey: Server, browser: Browser) -> None:
    client = await arranged(journey, browser)
    less = [{**PAYMENT, "actions": ["status"]}]
    more = [{**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": "999"}}]
    code = await agreed(browser, client)
    refused = await journey.redeem(client, code, authorization_details=json.dumps(more))
    assert refused.json()["error"] == "invalid_authorization_details"
    told = (await journey.redeem(client, code, authorization_details=json.dumps(less))).json()
    assert told["authorization_details"] == less
    refresh = told["refresh_token"]
    refused = await journey.refresh(client, refresh, authorization_details=json.dumps(more))
    assert refused.json()["error"] == "invalid_authorization_details"
    again = (await journey.refresh(client, refresh)).json()
    assert again["authorization_details"] == [PAYMENT]


async def test_n049_a_type_that_was_lost_is_carried_no_more(
    journey: Server, browser: Browser
) -> None:
    client = await arranged(journey, browser)
    told = (await journey.redeem(client, await agreed(browser, client))).json()
    changes: dict[str, Any] = {"authorization_details_types": {}}
    await journey.run(lambda work: update_resource(work, identifier=API, changes=changes))
    again = (await journey.refresh(client, told["refresh_token"])).json()
    assert "authorization_details" not in again


@pytest.mark.parametrize(
    "details",
    [
        [{"type": "unknown"}],
        [{"type": "payment"}],
        [{**PAYMENT, "undeclared": 1}],
        [{**PAYMENT, "locations": ["https://other.example"]}],
    ],
)
async def test_rfc9396_section_5_the_client_is_told(
    journey: Server, browser: Browser, details: Any
) -> None:
    client = await arranged(journey, browser)
    answer = await browser.ask(client, **asked(authorization_details=json.dumps(details)))
    assert answered(answer)["error"] == "invalid_authorization_details"


async def test_a_client_without_the_type_and_a_resource_without_it_refuse(
    journey: Server, browser: Browser
) -> None:
    client = await arranged(journey, browser)
    elsewhere = await browser.ask(client, **asked(resource=None))
    assert answered(elsewhere)["error"] == "invalid_authorization_details"
    other = await journey.client()
    refused = await browser.ask(other, **asked())
    assert answered(refused)["error"] == "invalid_authorization_details"


async def test_discovery_names_the_types(journey: Server, browser: Browser) -> None:
    await arranged(journey, browser)
    document = (await journey.http.get("/.well-known/openid-configuration")).json()
    assert document["authorization_details_types_supported"] == ["payment"]
