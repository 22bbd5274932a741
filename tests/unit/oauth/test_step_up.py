from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from limen.accounts.create_user import NewUser, create_user
from limen.kernel.secret import Secret
from limen.mfa.prove import AMR
from limen.oauth.codes import find_code
from limen.oauth.model import AuthorizationCode
from limen.sessions.elevate import elevate
from limen.sessions.session import Session
from limen.tenants.policies.assurance import ONE_FACTOR, TWO_FACTORS
from limen.testing.clock import FrozenClock
from tests.unit.mfa.kit import App, enrol
from tests.unit.oauth.http_kit import Known, Server
from tests.unit.oauth.journey_kit import Browser, answered, hidden, query, request_of, way_back

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery staple"
EMAIL = "ada@app.example"
WHO = {"email": EMAIL, "password": PASSWORD}
ORIGIN = {"accept": "application/json", "origin": "https://app.example"}
ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "values": [TWO_FACTORS]}}})


@pytest.fixture
def browser(journey: Server) -> Browser:
    return Browser(journey)


async def person(journey: Server) -> str:
    new = NewUser(email=EMAIL, password=Secret(PASSWORD), verified=True)
    user = await journey.run(lambda work: create_user(work, new=new, hasher=journey.parts.hasher))
    return user.id


async def with_app(journey: Server, clock: FrozenClock) -> tuple[str, App]:
    user_id = await person(journey)
    envelope = journey.parts.envelope
    app, _ = await enrol(journey.run, envelope=envelope, clock=clock, user_id=user_id)
    assert isinstance(app, App)
    return user_id, app


async def code_of(journey: Server, told: dict[str, str]) -> AuthorizationCode:
    found = await journey.run(lambda work: find_code(work, raw_code=Secret(told["code"])))
    assert found is not None
    return found


async def stepped_up(journey: Server, session: Session) -> Session:
    """What the step page would leave behind, but for the cookie."""
    started = await journey.run(
        lambda work: elevate(work, session_id=session.id, amr=AMR, again=False)
    )
    return started.session


def steps(answer: httpx2.Response) -> str:
    """The step that a browser is led to."""
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.headers["location"]).path == "/sign-in/step"
    return query(answer.headers["location"])["step"]


# -- pages ----------------------------------------------------------------------------------------


async def test_n165_a_stronger_sign_in_is_asked_of_who_can_and_then_told(
    journey: Server, browser: Browser, clock: FrozenClock
) -> None:
    client = await journey.client(trusted=True)
    user_id, _ = await with_app(journey, clock)
    session = await browser.sign_in(user_id)
    answer = await browser.ask(client, acr_values=f"{TWO_FACTORS} {ONE_FACTOR}")
    assert steps(answer) == "second_factor"
    back = way_back(answer, page="/sign-in/step")
    assert steps(await browser.get(back)) == "second_factor"
    strong = await stepped_up(journey, session)
    other = await browser.sign_in(user_id)
    assert other.amr == ("pwd",)
    assert steps(await browser.get(back)) == "second_factor"
    await journey.run(lambda work: elevate(work, session_id=other.id, amr=AMR, again=False))
    assert strong.amr == ("pwd", "otp", "mfa")


async def test_rfc9470_a_second_factor_alone_does_not_meet_max_age(
    journey: Server, browser: Browser, clock: FrozenClock
) -> None:
    client = await journey.client(trusted=True)
    user_id, _ = await with_app(journey, clock)
    session = await browser.sign_in(user_id)
    clock.advance(dt.timedelta(seconds=61))
    await journey.run(lambda work: elevate(work, session_id=session.id, amr=AMR, again=False))
    answer = await browser.ask(client, acr_values=TWO_FACTORS, max_age="60")
    assert answer.headers["location"].startswith("/sign-in?")


async def test_what_was_reached_is_told(
    journey: Server, browser: Browser, clock: FrozenClock
) -> None:
    client = await journey.client(trusted=True)
    user_id, _ = await with_app(journey, clock)
    opened = await journey.http.get(
        "/oauth2/authorize",
        params=request_of(client, acr_values=TWO_FACTORS),
        headers=ORIGIN,
    )
    assert opened.json()["status"] == "sign_in"
    await browser.sign_in(user_id)
    silent = answered(await browser.ask(client, acr_values=TWO_FACTORS, prompt="none"))
    assert (await code_of(journey, silent)).acr == ""


async def test_who_has_no_factor_is_not_kept_out_by_a_wish(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await person(journey))
    told = answered(await browser.ask(client, acr_values=f"{TWO_FACTORS} {ONE_FACTOR}"))
    assert (await code_of(journey, told)).acr == ONE_FACTOR


async def test_an_essential_acr_takes_a_factor_or_an_enrolment_or_ends(
    journey: Server, browser: Browser
) -> None:
    client = await journey.client(trusted=True)
    await browser.sign_in(await person(journey))
    assert steps(await browser.ask(client, claims=ESSENTIAL)) == "enrol_factor"
    silent = answered(await browser.ask(client, claims=ESSENTIAL, prompt="none"))
    assert silent["error"] == "interaction_required"
    unknown = ESSENTIAL.replace(TWO_FACTORS, "x")
    told = answered(await browser.ask(client, claims=unknown))
    assert told["error"] == "unmet_authentication_requirements"


# -- JSON -----------------------------------------------------------------------------------------


class FrontEnd:
    """Leads somebody through an interaction."""

    def __init__(self, journey: Server, client: Known) -> None:
        self.journey, self.client, self.handle = journey, client, ""

    async def open(self, **changes: Any) -> dict[str, Any]:
        params = request_of(self.client, **changes)
        answer = await self.journey.http.get("/oauth2/authorize", params=params, headers=ORIGIN)
        self.handle = answer.json()["id"]
        return dict(answer.json())

    async def post(self, path: str, body: Any = None) -> httpx2.Response:
        url = f"/api/v1/interactions/{self.handle}/{path}"
        return await self.journey.http.post(url, json=body or {}, headers=ORIGIN)

    async def show(self) -> dict[str, Any]:
        url = f"/api/v1/interactions/{self.handle}"
        return dict((await self.journey.http.get(url, headers=ORIGIN)).json())


async def test_n162_a_password_alone_gets_nobody_further(
    journey: Server, clock: FrozenClock
) -> None:
    _, app = await with_app(journey, clock)
    front = FrontEnd(journey, await journey.client(trusted=True))
    await front.open(acr_values=TWO_FACTORS)
    waiting = (await front.post("login", WHO)).json()
    assert waiting["status"] == "second_factor"
    assert "user_id" not in waiting
    assert (await front.post("consent")).json()["status"] == "sign_in"
    assert (await front.show())["status"] == "second_factor"
    ahead = await front.post("steps/accept_terms", {"version": "1"})
    assert (ahead.status_code, ahead.json()["code"]) == (409, "step_not_due")
    wrong = await front.post("mfa", {"code": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "code_invalid")
    done = (await front.post("mfa", {"code": app.code()})).json()
    code = await code_of(journey, query(done["redirect_to"]))
    assert (code.amr, code.acr) == (("pwd", "otp", "mfa"), TWO_FACTORS)


async def test_a_factor_is_enrolled_where_the_client_must_have_it(
    journey: Server, clock: FrozenClock
) -> None:
    await person(journey)
    front = FrontEnd(journey, await journey.client(trusted=True))
    await front.open(claims=ESSENTIAL)
    assert (await front.post("login", WHO)).json()["status"] == "enrol_factor"
    begun = (await front.post("steps/enrol_factor/begin")).json()
    app = App.of(clock, begun["secret"])
    body = {"code": app.code(), "factor_id": begun["factor_id"]}
    done = (await front.post("steps/enrol_factor", body)).json()
    assert len(done["recovery_codes"]) == 10
    assert (await code_of(journey, query(done["redirect_to"]))).acr == TWO_FACTORS


async def test_a_browsers_session_steps_up_under_a_new_cookie(
    journey: Server, browser: Browser, clock: FrozenClock
) -> None:
    user_id, app = await with_app(journey, clock)
    client = await journey.client(trusted=True)
    await browser.sign_in(user_id)
    asked = await browser.ask(await journey.client())
    csrf = hidden(await browser.get(asked.headers["location"]))["csrf"]
    before = dict(browser.cookies)
    opened = await browser.get(
        "/oauth2/authorize?" + urlencode(request_of(client, acr_values=TWO_FACTORS)),
        headers=ORIGIN,
    )
    assert opened.json()["status"] == "second_factor"
    answer = await browser.send(
        "POST",
        f"/api/v1/interactions/{opened.json()['id']}/mfa",
        json={"code": app.code()},
        headers={**ORIGIN, "x-csrf-token": csrf},
    )
    assert answer.status_code == 200, answer.text
    code = await code_of(journey, query(answer.json()["redirect_to"]))
    assert code.acr == TWO_FACTORS
    assert browser.cookies != before


# -- first-party apps -----------------------------------------------------------------------------


class Native:
    """One of the tenant's own apps, without a browser."""

    def __init__(self, journey: Server, client: Known) -> None:
        self.journey, self.client = journey, client

    async def ask(self, **form: str) -> httpx2.Response:
        return await self.journey.post("/oauth2/authorization_challenge", self.client, **form)

    async def begin(self, **form: str) -> httpx2.Response:
        given = request_of(self.client, redirect_uri=None, state=None, nonce=None)
        del given["client_id"], given["response_type"]
        return await self.ask(**given, **form)


@pytest.fixture
async def native(journey: Server) -> Native:
    client = await journey.client(
        "native", first_party=True, trusted=True, redirect_uris=("com.example.app:/cb",)
    )
    return Native(journey, client)


async def test_an_app_signs_somebody_in_step_by_step(
    journey: Server, native: Native, clock: FrozenClock
) -> None:
    _, app = await with_app(journey, clock)
    first = await native.begin(acr_values=TWO_FACTORS)
    assert (first.status_code, first.json()["error"]) == (400, "insufficient_authorization")
    assert (first.json()["required"], first.headers["cache-control"]) == ("password", "no-store")
    session = first.json()["auth_session"]
    second = await native.ask(auth_session=session, username=EMAIL, password=PASSWORD)
    assert second.json()["required"] == "otp"
    spent = await native.ask(auth_session=session, username=EMAIL, password=PASSWORD)
    assert (spent.status_code, spent.json()["error"]) == (400, "invalid_session")
    session = second.json()["auth_session"]
    wrong = await native.ask(auth_session=session, otp="000000")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    done = await native.ask(auth_session=session, otp=app.code())
    assert done.status_code == 200, done.text
    pair = await journey.redeem(native.client, done.json()["authorization_code"], redirect_uri="")
    assert pair.status_code == 200, pair.text


async def test_an_app_may_send_everything_at_once(journey: Server, native: Native) -> None:
    await person(journey)
    done = await native.begin(username=EMAIL, password=PASSWORD)
    assert list(done.json()) == ["authorization_code"]
    wrong = await native.begin(username=EMAIL, password="not the right one at all")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")


async def test_only_our_own_apps_ask_for_passwords(journey: Server) -> None:
    stranger = Native(journey, await journey.client("native", redirect_uris=("com.example.x:/cb",)))
    answer = await stranger.begin(username=EMAIL, password=PASSWORD)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_a_session_is_of_the_app_that_began_it(journey: Server, native: Native) -> None:
    other = Native(
        journey,
        await journey.client(
            "native", first_party=True, trusted=True, redirect_uris=("com.example.b:/cb",)
        ),
    )
    session = (await native.begin()).json()["auth_session"]
    for app, raw in ((other, session), (native, "x"), (native, session[:-1] + "x")):
        answer = await app.ask(auth_session=raw, username=EMAIL, password=PASSWORD)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_session")


async def test_what_takes_a_browser_goes_there(journey: Server, native: Native) -> None:
    await person(journey)
    answer = await native.begin(prompt="consent", username=EMAIL, password=PASSWORD)
    assert (answer.status_code, answer.json()["error"]) == (400, "redirect_to_web")


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}], ids=["prompt", "age"])
async def test_a_sign_in_of_this_very_moment_is_a_new_one(
    journey: Server, native: Native, asked: dict[str, str]
) -> None:
    await person(journey)
    done = await native.begin(**asked, username=EMAIL, password=PASSWORD)
    assert list(done.json()) == ["authorization_code"], done.text
    session = (await native.begin(**asked)).json()["auth_session"]
    done = await native.ask(auth_session=session, username=EMAIL, password=PASSWORD)
    assert list(done.json()) == ["authorization_code"], done.text


async def test_who_wants_an_account_goes_to_the_browser(journey: Server, native: Native) -> None:
    await person(journey)
    answer = await native.begin(prompt="create", username=EMAIL, password=PASSWORD)
    assert (answer.status_code, answer.json()["error"]) == (400, "redirect_to_web")


async def test_pkce_is_needed_without_a_browser_too(journey: Server, native: Native) -> None:
    answer = await native.ask(scope="openid", username=EMAIL, password=PASSWORD)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
