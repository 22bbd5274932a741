import datetime as dt
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey

from limen.protocol.jwe import decrypt, is_encrypted
from limen.protocol.jwt import JwtRefused
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import CALLBACK, Known, Server
from tests.unit.oauth.journey_kit import STATE, hidden, query, way_back
from tests.unit.oauth.request_kit import ISSUER, Visitor, read_signed, signing_client

pytestmark = pytest.mark.anyio


@pytest.fixture
def browser(journey: Server) -> Visitor:
    return Visitor(journey)


async def signed_in(journey: Server, browser: Visitor, **changes: Any) -> Known:
    await browser.sign_in(await journey.person())
    return await journey.client(trusted=True, **changes)


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
async def test_a_signed_answer_says_everything_and_nothing_stands_beside_it(
    journey: Server, browser: Visitor, mode: str
) -> None:
    client = await signed_in(journey, browser)
    answer = await browser.ask(client, response_mode=mode)
    told = query(answer.headers["location"])
    assert set(told) == {"response"}
    said = await read_signed(journey, told["response"], client=client)
    assert set(said) == {"iss", "aud", "exp", "code", "state"}
    assert (said["iss"], said["aud"], said["state"]) == (ISSUER, client.id, STATE)
    now = journey.works.clock.now()
    assert said["exp"] == int((now + dt.timedelta(minutes=5)).timestamp())
    assert (await journey.redeem(client, said["code"])).status_code == 200


async def test_an_error_is_signed_too(journey: Server, browser: Visitor) -> None:
    client = await journey.client()
    answer = await browser.ask(client, response_mode="jwt", prompt="none")
    said = await read_signed(journey, query(answer.headers["location"])["response"], client=client)
    assert (said["error"], said["iss"], said["state"]) == ("login_required", ISSUER, STATE)


async def test_a_signed_answer_is_over_after_five_minutes_and_for_no_other(
    journey: Server, browser: Visitor, clock: FrozenClock
) -> None:
    client = await signed_in(journey, browser)
    raw = query((await browser.ask(client, response_mode="jwt")).headers["location"])["response"]
    with pytest.raises(JwtRefused):
        await read_signed(journey, raw, client=Known("somebody-else"))
    clock.advance(dt.timedelta(minutes=5))
    with pytest.raises(JwtRefused):
        await read_signed(journey, raw, client=client)


@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt"])
async def test_a_fragment_carries_what_no_server_sees(
    journey: Server, browser: Visitor, mode: str
) -> None:
    client = await signed_in(journey, browser)
    parts = urlsplit((await browser.ask(client, response_mode=mode)).headers["location"])
    assert not parts.query
    told = dict(parse_qsl(parts.fragment))
    if mode == "fragment.jwt":
        told = await read_signed(journey, told["response"], client=client)
    assert (told["state"], told["iss"]) == (STATE, ISSUER)
    assert "code" in told


async def test_a_signed_answer_is_posted(journey: Server, browser: Visitor) -> None:
    client = await signed_in(journey, browser)
    page = await browser.ask(client, response_mode="form_post.jwt")
    assert f'action="{CALLBACK}"' in page.text
    assert "form-action" not in page.headers["content-security-policy"]
    told = hidden(page)
    assert set(told) == {"response"}
    assert "code" in await read_signed(journey, told["response"], client=client)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "PS256"])
async def test_it_is_signed_with_what_the_client_registered(
    journey: Server, browser: Visitor, alg: str
) -> None:
    client = await signed_in(journey, browser, metadata={"authorization_signed_response_alg": alg})
    told = query((await browser.ask(client, response_mode="jwt")).headers["location"])
    assert await read_signed(journey, told["response"], client=client, alg=alg)


async def test_it_is_encrypted_to_who_registered_that(journey: Server, browser: Visitor) -> None:
    key = ECKey.generate_key("P-256")
    public = {**key.as_dict(private=False), "use": "enc"}
    client = await signed_in(
        journey,
        browser,
        metadata={
            "jwks": {"keys": [public]},
            "authorization_encrypted_response_alg": "ECDH-ES+A256KW",
            "authorization_encrypted_response_enc": "A256GCM",
        },
    )
    raw = query((await browser.ask(client, response_mode="jwt")).headers["location"])["response"]
    assert is_encrypted(raw)
    said = await read_signed(journey, decrypt(raw, key).decode(), client=client)
    assert "code" in said


async def test_after_a_consent_the_answer_is_signed_as_well(
    journey: Server, browser: Visitor
) -> None:
    client = await signing_client(journey)
    await browser.sign_in(await journey.person())
    to_consent = await browser.ask(client, response_mode="query.jwt")
    page = await browser.get(to_consent.headers["location"])
    told = query((await browser.decide(page, "allow")).headers["location"])
    assert "code" in await read_signed(journey, told["response"], client=client)


async def test_n018_a_client_is_answered_in_the_modes_it_registered(
    journey: Server, browser: Visitor
) -> None:
    client = await journey.client(metadata={"response_modes": ["jwt"]})
    for mode in ("query", "fragment", "form_post", "form_post.jwt", "web_message", None):
        answer = await browser.ask(client, response_mode=mode)
        told = query(answer.headers["location"])
        assert set(told) == {"response"}, mode
        said = await read_signed(journey, told["response"], client=client)
        assert said["error"] == "invalid_request"
    way_back(await browser.ask(client, response_mode="jwt"))
