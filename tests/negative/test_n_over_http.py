"""Cases N on the whole application: every route, every page, logout by clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from limen.accounts.ending.close_account import close_account
from limen.accounts.ending.disable_user import disable_user
from limen.testing.forms import forms_in
from limen.testing.visitor import Page
from tests.architecture.test_routes import walked
from tests.installation import PASSWORD, Installation, Person
from tests.oauth_client import Flow, claims_in

NEW_PASSWORD = "another quite long passphrase 7"
SIMPLE = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x")


@pytest.fixture
async def person(limen: Installation) -> Person:
    made = await limen.person()
    await made.sign_in()
    return made


async def _is_in(person: Person) -> bool:
    return (await person.browser.fetch("GET", "/api/v1/auth/me")).status == 200


async def _sign_out(person: Person) -> Page:
    page = await person.browser.open("/sign-out")
    return await person.browser.press(page, "logout-yes")


async def test_n177_the_next_person_on_a_browser_inherits_nothing(
    limen: Installation, person: Person
) -> None:
    flow = Flow(limen, await limen.client())
    first = await flow.tokens(person)
    held = person.browser.cookies()
    second = await limen.person()
    second.browser = person.browser
    page = await second.browser.sign_in(second.email, PASSWORD, at=await _reauth(second))
    assert page.has("account"), page.text[:500]
    page = await second.browser.open(flow.url())
    assert page.has("consent-allow")
    made = await flow.tokens(second)
    assert claims_in(made["id_token"])["sub"] == second.id
    assert claims_in(made["id_token"]).get("sid") != claims_in(first["id_token"]).get("sid", "-")
    session = next(value for name, value in held.items() if "session" in name)
    name = next(name for name in held if "session" in name)
    answer = await limen.api.fetch(
        "GET", "/api/v1/auth/me", headers={"Cookie": f"{name}={session}"}
    )
    assert answer.status == 401


async def _reauth(person: Person) -> Page:
    return await person.browser.open("/sign-in?reauth=1")


async def _change(limen: Installation, person: Person) -> None:
    page = await person.browser.open("/account/password")
    fields = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    page = await person.browser.press(page, "password-submit", fields)
    assert page.has("account"), page.text[:500]


async def _reset(limen: Installation, person: Person) -> None:
    body = {"email": person.email}
    await limen.api.fetch("POST", "/api/v1/auth/password/forgot", body=body)
    link = await limen.link_to(person.email, "/reset-password")
    body = {"token": link.partition("token=")[2], "password": NEW_PASSWORD}
    await limen.api.fetch("POST", "/api/v1/auth/password/reset", body=body)


async def _disable(limen: Installation, person: Person) -> None:
    await limen.run(lambda work: disable_user(work, user_id=person.id))


async def _close(limen: Installation, person: Person) -> None:
    await limen.run(lambda work: close_account(work, user_id=person.id))


@pytest.mark.parametrize(
    ("happens", "keeps_own"), [(_change, True), (_reset, False), (_disable, False), (_close, False)]
)
async def test_n178_what_ends_sessions_ends_them_at_once(
    limen: Installation,
    person: Person,
    happens: Callable[[Installation, Person], Awaitable[None]],
    *,
    keeps_own: bool,
) -> None:
    other = Person(person.id, person.email, PASSWORD, limen.browser())
    await other.sign_in()
    pair = await limen.login(person)
    tied = await Flow(limen, await limen.client()).tokens(other, scope="openid")
    assert await _is_in(person)
    await happens(limen, person)
    assert await _is_in(person) is keeps_own
    assert not await _is_in(other)
    assert (await person.api("GET", "/api/v1/auth/me", pair["access_token"])).status == 401
    body = {"refresh_token": pair["refresh_token"]}
    assert (await limen.api.fetch("POST", "/api/v1/auth/refresh", body=body)).status == 401
    header = {"Authorization": f"Bearer {tied['access_token']}"}
    assert (await limen.api.fetch("GET", "/oauth2/userinfo", headers=header)).status == 401


async def test_n179_a_session_idles_out(limen: Installation, person: Person) -> None:
    limen.clock.advance(days=29)
    assert await _is_in(person)
    limen.clock.advance(days=29)
    assert await _is_in(person)
    limen.clock.advance(days=30, seconds=1)
    assert not await _is_in(person)


async def test_n179_use_does_not_move_the_absolute_end(limen: Installation, person: Person) -> None:
    flow = Flow(limen, await limen.client())
    made = await flow.tokens(person, scope="openid")
    for _ in range(4):
        limen.clock.advance(days=22)
        assert await _is_in(person)
        assert (await flow.refresh(made["refresh_token"])).status == 200
    limen.clock.advance(days=3)
    assert not await _is_in(person)
    assert (await flow.refresh(made["refresh_token"])).status == 400


def _changing() -> list[tuple[str, str]]:
    """Every route that changes something for whoever is signed in."""
    return sorted(
        (method, demand.path)
        for demand in walked()
        for method in demand.methods - {"GET", "HEAD", "OPTIONS"}
        if "public" not in demand.permissions
    )


def _filled(path: str) -> str:
    return "/".join(
        "google" if "{provider}" in part else part.strip("{}") for part in path.split("/")
    )


@pytest.mark.parametrize(("method", "path"), _changing())
async def test_n180_no_other_site_changes_anything(
    limen: Installation, method: str, path: str
) -> None:
    owner = await limen.person(role="owner")
    await owner.sign_in()
    for kind in SIMPLE:
        for sender in ("cross-site", "same-site", None):
            headers = {"Content-Type": kind, "Origin": "https://evil.example"}
            headers |= {"Sec-Fetch-Site": sender} if sender else {}
            form = {"csrf": "forged", "name": "x", "_method": "DELETE"}
            answer = await owner.browser.fetch(method, _filled(path), form=form, headers=headers)
            assert answer.status in {401, 403, 405, 415}, (kind, sender, answer.text[:300])
    json = await owner.browser.fetch(method, _filled(path), body={})
    assert json.status in {401, 403}, json.text[:300]
    got = await owner.browser.fetch("GET", f"{_filled(path)}?_method={method}")
    # Through the proxy a GET may write too, at some providers: it wants the proof like the rest.
    may_refuse = {403} if "/proxy/" in path else set()
    assert got.status in {200, 303, 404, 405, 422} | may_refuse, got.text[:300]
    assert await _is_in(owner)


async def test_n180_n124_a_strangers_token_is_no_token_of_this_browser(
    limen: Installation, person: Person
) -> None:
    stranger = await limen.person()
    await stranger.sign_in()
    page = await stranger.browser.open("/account/password")
    theirs = dict(page.form_with("password-submit").fields)["csrf"]
    form = {"csrf": theirs, "current_password": PASSWORD, "password": NEW_PASSWORD}
    answer = await person.browser.fetch("POST", "/account/password", form=form)
    assert (answer.status, answer.has("error-page")) == (403, True)
    assert (await limen.login(person))["access_token"]


async def test_n180_a_form_of_before_signing_in_is_void_after_it(
    limen: Installation, person: Person
) -> None:
    page = await person.browser.open("/account/password")
    old = dict(page.form_with("password-submit").fields)["csrf"]
    await person.browser.sign_in(person.email, PASSWORD, at=await _reauth(person))
    form = {"csrf": old, "current_password": PASSWORD, "password": NEW_PASSWORD}
    answer = await person.browser.fetch("POST", "/account/password", form=form)
    assert answer.status == 403


@pytest.mark.parametrize(
    "path",
    [demand.path for demand in walked() if "GET" in demand.methods and "{" not in demand.path],
)
async def test_n181_n182_n225_every_answer_guards_itself(
    limen: Installation, person: Person, path: str
) -> None:
    for headers in ({"Accept": "text/html"}, {"Accept": "application/json"}):
        answer = await person.browser.fetch("GET", path, headers=headers)
        told = answer.headers
        assert "frame-ancestors 'none'" in told["content-security-policy"], path
        assert told["x-frame-options"] == "DENY"
        assert told["x-content-type-options"] == "nosniff"
        assert told["referrer-policy"] == "same-origin"
        is_public = path.startswith(("/.well-known/", "/oauth2/jwks"))
        assert is_public or told["cache-control"] == "no-store", (path, told["cache-control"])


async def test_n183_no_form_sends_a_secret_by_get(limen: Installation, person: Person) -> None:
    await Flow(limen, await limen.client()).tokens(person)
    for browser in (limen.browser(), person.browser):
        for path in (
            "/sign-in?reauth=1",
            "/sign-up",
            "/forgot-password",
            "/account",
            "/account/password",
        ):
            page = await browser.open(path)
            for form in forms_in(page.text):
                assert form.method == "post", (path, form)
                assert "csrf" in form.names, (path, form)


async def test_n184_nothing_happens_by_get(limen: Installation, person: Person) -> None:
    for path in (
        f"/sign-in?email={person.email}&password={PASSWORD.replace(' ', '+')}",
        f"/api/v1/auth/login?email={person.email}&password=x",
        "/api/v1/auth/logout",
        "/api/v1/auth/refresh?refresh_token=x",
        "/oauth2/token?grant_type=client_credentials",
        "/oauth2/logout",
        "/sign-out",
        "/oauth2/logout/answer?answer=yes",
        "/account/sessions/end-others",
    ):
        answer = await person.browser.fetch("GET", path)
        assert "access_token" not in answer.text
        assert answer.status in {200, 303, 404, 405}, (path, answer.status)
        assert "logged-out" not in answer.text
    assert await _is_in(person)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/bye/",
        "https://app.example/bye?x=1",
        "https://app.example.evil.example/bye",
        "https://evil.example/?https://app.example/bye",
        "javascript:alert(1)",
        "//evil.example",
        "https://app.example/cb",
    ],
)
async def test_n187_no_unregistered_way_out(limen: Installation, person: Person, uri: str) -> None:
    flow = Flow(limen, await limen.client())
    hint = (await flow.tokens(person, scope="openid"))["id_token"]
    query = f"id_token_hint={hint}&post_logout_redirect_uri={uri.replace('&', '%26')}"
    page = await person.browser.open(f"/oauth2/logout?{query}")
    assert page.status in {200, 400}, page.text[:300]
    if page.has("logout-yes"):
        page = await person.browser.press(page, "logout-yes")
        assert page.has("logged-out")
    assert page.url.startswith(limen.issuer)


async def test_n188_a_strangers_hint_ends_nothing(limen: Installation, person: Person) -> None:
    other = await limen.person()
    flow = Flow(limen, await limen.client(trusted=True))
    theirs = await flow.tokens(other, scope="openid")
    mine = await flow.tokens(person, scope="openid")
    for query in (
        f"id_token_hint={theirs['id_token']}",
        "",
        "id_token_hint=x.y.z",
        f"sid={claims_in(mine['id_token']).get('sid', 'x')}&iss={limen.issuer}",
    ):
        page = await person.browser.open(f"/oauth2/logout?{query}")
        assert page.status in {200, 400}, query
        assert not page.has("logged-out"), query
        assert await _is_in(person), query
    assert await flow.is_active(theirs["access_token"])
    assert await flow.is_active(mine["access_token"])


async def test_n176_n186_a_new_session_at_every_sign_in(
    limen: Installation, person: Person
) -> None:
    before = person.browser.cookies()
    await person.browser.sign_in(person.email, PASSWORD, at=await _reauth(person))
    after = person.browser.cookies()
    name = next(name for name in before if "session" in name)
    assert before[name] != after[name]
    headers = {"Cookie": f"{name}={before[name]}"}
    assert (await limen.api.fetch("GET", "/api/v1/auth/me", headers=headers)).status == 401
