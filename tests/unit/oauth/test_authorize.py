import datetime as dt
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from limen.db.base import metadata
from limen.db.work import Work
from limen.kernel.actor import ANONYMOUS, Actor
from limen.kernel.secret import Secret
from limen.oauth.codes import find_code
from limen.oauth.endpoints.interactive.browser import signed_in
from limen.oauth.registry.create_resource import NewResource, create_resource
from limen.oauth.registry.disable_client import disable_client
from limen.tenants.policies.assurance import ONE_FACTOR
from limen.testing.clock import START, FrozenClock
from tests.unit.oauth.http_kit import CALLBACK, Server
from tests.unit.oauth.journey_kit import (
    STATE,
    Browser,
    answered,
    hidden,
    query,
    refused_by_page,
    request_of,
    way_back,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def browser(journey: Server) -> Browser:
    return Browser(journey)


async def count(server: Server, table: str) -> int:
    counted = sa.select(sa.func.count()).select_from(metadata.tables[f"limen_{table}"])

    async def body(work: Work) -> int:
        return int((await work.execute(counted)).scalar())

    return await server.run(body)


async def test_a_stranger_signs_in_agrees_and_the_client_gets_a_code(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    user_id = await journey.person()
    back = way_back(await browser.ask(client))
    session = await browser.sign_in(user_id)
    to_consent = await browser.get(back)
    assert to_consent.status_code == 303
    page = await browser.get(to_consent.headers["location"])
    assert 'id="consent-allow"' in page.text
    assert 'id="consent-deny"' in page.text
    assert "app.example" in page.text
    assert "ada@app.example" in page.text
    told = answered(await browser.decide(page, "allow"))
    assert set(told) == {"code", "state"}
    assert told["state"] == STATE
    code = await journey.run(lambda work: find_code(work, raw_code=Secret(told["code"])))
    assert code is not None
    assert (code.user_id, code.session_id, code.client_id) == (user_id, session.id, client.id)
    assert (code.scope, code.nonce, code.redirect_uri) == (("openid", "email"), "n-1", CALLBACK)
    assert code.resource == "http://localhost:8000"
    assert (code.acr, code.amr) == ("", ("pwd",))
    assert code.expires_at - journey.works.clock.now() == dt.timedelta(seconds=60)


async def test_with_session_and_consent_on_file_no_interaction_is_written(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    answered(await browser.decide(page, "allow"))
    assert await count(journey, "interactions") == 1
    told = answered(await browser.ask(client))
    assert told["code"]
    assert await count(journey, "interactions") == 1


async def test_more_than_was_agreed_to_is_asked_about_again(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    answered(await browser.decide(page, "allow"))
    again = await browser.ask(client, scope="openid email profile")
    assert again.headers["location"].startswith("/consent?")
    silent = await browser.ask(client, scope="openid email profile", prompt="none")
    assert answered(silent)["error"] == "consent_required"


async def test_the_user_denies(journey: Server, browser: Browser) -> None:
    client = await journey.client()
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    told = answered(await browser.decide(page, "deny"))
    assert told["error"] == "access_denied"
    assert told["state"] == STATE
    assert "code" not in told
    assert await count(journey, "codes") == 0


async def test_cancelling_the_sign_in_denies(journey: Server, browser: Browser) -> None:
    back = way_back(await browser.ask(await journey.client()))
    assert answered(await browser.get(f"{back}&cancelled=1"))["error"] == "access_denied"
    assert (await browser.get(back)).status_code == 404


async def test_trusted_clients_are_not_asked_about(journey: Server, browser: Browser) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    assert "code" in answered(await browser.ask(client))
    asked = await browser.ask(client, prompt="consent")
    assert asked.headers["location"].startswith("/consent?")


async def test_form_post_escapes_and_carries_a_nonced_script(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    state = "\"><script>alert(1)</script>'&"
    page = await browser.ask(client, response_mode="form_post", state=state)
    fields = hidden(page)
    assert fields["state"] == state
    assert fields["code"]
    assert fields["iss"] == journey.site.issuer
    assert "<script>alert" not in page.text
    assert f'action="{CALLBACK}"' in page.text
    assert 'id="form-post-submit"' in page.text
    policy = page.headers["content-security-policy"]
    assert "form-action" not in policy
    assert "script-src 'nonce-" in policy


async def test_hints_travel_to_the_sign_in_page(journey: Server, browser: Browser) -> None:
    client = await journey.client()
    answer = await browser.ask(client, login_hint="ada@app.example", ui_locales="de en")
    asked = query(answer.headers["location"])
    assert (asked["login_hint"], asked["ui_locales"]) == ("ada@app.example", "de en")
    assert "reauth" not in asked
    way_back(await browser.ask(client, prompt="create"), page="/sign-up")


async def test_a_post_from_the_clients_page_goes_round_by_get_without_cookies(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    answer = await browser.send(
        "POST",
        "/oauth2/authorize",
        data=request_of(client),
        headers={"origin": "https://app.example", "sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    assert "code" in answered(await browser.get(answer.headers["location"]))


async def test_head_does_nothing(journey: Server, browser: Browser) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    asked = "/oauth2/authorize?" + urlencode(request_of(client))
    assert (await browser.send("HEAD", asked)).status_code == 405
    assert await count(journey, "codes") == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_redirect_uri"),
        ({"redirect_uri": None}, "invalid_request"),
    ],
)
async def test_without_a_verified_redirect_uri_nothing_redirects(
    journey: Server, browser: Browser, changes: dict[str, str | None], code: str
) -> None:
    client = await journey.client()
    assert refused_by_page(await browser.ask(client, **changes)) == code
    assert journey.denied() == ["oauth:authorization:refused"]


async def test_a_disabled_client_is_unknown(journey: Server, browser: Browser) -> None:
    client = await journey.client()
    await browser.ask(client)
    await journey.run(lambda work: disable_client(work, client_id=client.id))
    assert refused_by_page(await browser.ask(client)) == "invalid_client"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"resource": "https://api.example/nobody"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"id_token_hint": "x.y.z"}, "invalid_request"),
        ({"request": "x.y.z"}, "invalid_request_object"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_what_is_wrong_is_told_to_the_client(
    journey: Server, browser: Browser, changes: dict[str, str | None], error: str
) -> None:
    told = answered(await browser.ask(await journey.client(), **changes))
    assert (told["error"], told["state"]) == (error, STATE)
    assert journey.denied() == ["oauth:authorization:refused"]
    assert await count(journey, "interactions") == 0


async def test_only_clients_with_the_grant_may_ask(journey: Server, browser: Browser) -> None:
    client = await journey.client(grant_types=("client_credentials",), redirect_uris=())
    assert refused_by_page(await browser.ask(client)) == "invalid_redirect_uri"


@pytest.mark.parametrize(
    ("actor", "known"),
    [
        (Actor("user", id="u", session_id="s", authenticated_at=START), True),
        (Actor("user", id="u", session_id="s", authenticated_at=START, scope=frozenset()), False),
        (Actor("client", id="c", authenticated_at=START), False),
        (ANONYMOUS, False),
    ],
)
async def test_only_a_browsers_session_signs_in(actor: Actor, known: bool) -> None:
    assert (signed_in(actor) is not None) is known


async def test_repeated_parameters_are_refused(journey: Server, browser: Browser) -> None:
    asked = request_of(await journey.client())
    twice = urlencode([*asked.items(), ("scope", "openid")])
    assert answered(await browser.get(f"/oauth2/authorize?{twice}"))["error"] == "invalid_request"
    twice = urlencode([*asked.items(), ("redirect_uri", CALLBACK)])
    assert refused_by_page(await browser.get(f"/oauth2/authorize?{twice}")) == "invalid_request"


async def test_the_scope_is_what_client_and_resource_have_in_common(
    journey: Server, browser: Browser
) -> None:
    async def body(work: Work) -> None:
        await create_resource(
            work, new=NewResource(identifier="https://API.example/", scopes=("read", "admin"))
        )

    await journey.run(body)
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    told = answered(
        await browser.ask(client, scope="openid read write admin", resource="https://api.example")
    )
    code = await journey.run(lambda work: find_code(work, raw_code=Secret(told["code"])))
    assert code is not None
    assert (code.resource, code.scope) == ("https://api.example", ("openid", "read"))


async def test_without_scope_the_clients_default_is_granted(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    told = answered(await browser.ask(client, scope=None))
    code = await journey.run(lambda work: find_code(work, raw_code=Secret(told["code"])))
    assert code is not None
    assert code.scope == ("profile", "email", "read", "write")


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_an_old_session_does_not_do_where_a_new_sign_in_is_asked_for(
    journey: Server, browser: Browser, clock: FrozenClock, changes: dict[str, str | None]
) -> None:
    client = await journey.client(trusted=True)
    user_id = await journey.person()
    await browser.sign_in(user_id)
    clock.advance(dt.timedelta(minutes=1))
    answer = await browser.ask(client, acr_values=f"x {ONE_FACTOR}", **changes)
    assert query(answer.headers["location"])["reauth"] == "1"
    back = way_back(answer)
    assert way_back(await browser.get(back)) == back
    clock.advance(dt.timedelta(minutes=1))
    session = await browser.sign_in(user_id)
    told = answered(await browser.get(back))
    code = await journey.run(lambda work: find_code(work, raw_code=Secret(told["code"])))
    assert code is not None
    assert code.authenticated_at == session.authenticated_at == clock.now()
    assert code.acr == ONE_FACTOR


async def test_a_session_of_the_very_moment_is_no_new_sign_in(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    way_back(await browser.ask(client, prompt="login"))
    silent = await browser.ask(client, max_age="0", prompt="none")
    assert answered(silent)["error"] == "login_required"


async def test_max_age_counts_from_the_sign_in(
    journey: Server, browser: Browser, clock: FrozenClock
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await journey.person())
    clock.advance(dt.timedelta(seconds=59))
    assert "code" in answered(await browser.ask(client, max_age="60"))
    clock.advance(dt.timedelta(seconds=2))
    way_back(await browser.ask(client, max_age="60"))
    silent = await browser.ask(client, max_age="60", prompt="none")
    assert answered(silent)["error"] == "login_required"


async def test_a_client_may_register_its_max_age(
    journey: Server, browser: Browser, clock: FrozenClock
) -> None:
    client = await journey.client(trusted=True, metadata={"default_max_age": 60})
    await browser.sign_in(await journey.person())
    clock.advance(dt.timedelta(seconds=61))
    way_back(await browser.ask(client))
    assert "code" in answered(await browser.ask(client, max_age="600"))


async def test_public_clients_on_the_device_are_asked_about_each_time(
    journey: Server, browser: Browser
) -> None:
    redirect = "com.example.app:/cb"
    client = await journey.client("native", redirect_uris=(redirect,))
    await browser.sign_in(await journey.person())
    for _ in range(2):
        page = await browser.get(
            (await browser.ask(client, redirect_uri=redirect)).headers["location"]
        )
        assert 'id="consent-unverified"' in page.text
        assert "code" in answered(await browser.decide(page, "allow"), to=redirect)
    silent = await browser.ask(client, redirect_uri=redirect, prompt="none")
    assert answered(silent, to=redirect)["error"] == "consent_required"


async def test_what_was_agreed_to_on_the_device_spares_no_question_elsewhere(
    journey: Server, browser: Browser
) -> None:
    local = "http://127.0.0.1/cb"
    client = await journey.client("native", redirect_uris=(local, CALLBACK))
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client, redirect_uri=local)).headers["location"])
    answered(await browser.decide(page, "allow"), to=local)
    page = await browser.get((await browser.ask(client)).headers["location"])
    answered(await browser.decide(page, "allow"))
    assert "code" in answered(await browser.ask(client))


async def test_a_client_nobody_vouched_for_bounces_no_stranger(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(verified=False)
    assert refused_by_page(await browser.ask(client, scope="unknown")) == "invalid_scope"
    assert answered(await browser.ask(client, prompt="none"))["error"] == "login_required"
