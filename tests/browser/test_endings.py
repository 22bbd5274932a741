from __future__ import annotations

import json
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, Route, expect

from tests.browser.elsewhere import Elsewhere
from tests.browser.stage import VERIFIER, Person, Stage, sign_in

PRIVATE = "com.example.notebook:/callback"


def test_consent_ends_at_another_origin(
    any_page: Page, stage: Stage, person: Person, far: Elsewhere
) -> None:
    page, callback = any_page, f"{far.origin}/callback"
    # Confidential: whoever has no secret and ends on loopback could be anybody, and always asks.
    client_id = stage.client(callback, kind="web")
    page.goto(stage.authorization(client_id, callback, state="kept"))
    sign_in(page, person)
    expect(page.locator("h1")).to_have_text("Allow The Notebook?")
    page.click("#consent-allow")
    page.wait_for_url(f"{callback}?*")
    query = parse_qs(urlsplit(page.url).query)
    assert query["state"] == ["kept"]
    assert query["iss"] == [stage.url]
    assert query["code"]

    # Remembered: the second time nothing is asked.
    page.goto(stage.authorization(client_id, callback))
    page.wait_for_url(f"{callback}?*")

    # Withdrawn on the account page: it is asked again.
    page.goto("/account")
    page.get_by_role("button", name="Withdraw the access of The Notebook").click()
    expect(page.locator("#consents [data-consent]")).to_have_count(0)
    page.goto(stage.authorization(client_id, callback))
    page.click("#consent-deny")
    page.wait_for_url(f"{callback}?*")
    assert parse_qs(urlsplit(page.url).query)["error"] == ["access_denied"]


def test_cancelling_the_sign_in_ends_at_the_client(
    any_page: Page, stage: Stage, far: Elsewhere
) -> None:
    callback = f"{far.origin}/callback"
    any_page.goto(stage.authorization(stage.client(callback), callback))
    any_page.click("#sign-in-cancel")
    any_page.wait_for_url(f"{callback}?*")
    assert parse_qs(urlsplit(any_page.url).query)["error"] == ["access_denied"]


def test_consent_ends_at_an_origin_that_redirects_again(
    any_page: Page, stage: Stage, person: Person, near: Elsewhere, far: Elsewhere
) -> None:
    callback = f"{near.origin}/hop"
    any_page.goto(stage.authorization(stage.client(callback), callback))
    sign_in(any_page, person)
    any_page.click("#consent-allow")
    any_page.wait_for_url(f"{far.origin}/landed?*")
    assert "code=" in any_page.url


def test_consent_ends_as_a_form_posted_to_another_origin(
    page: Page, stage: Stage, person: Person, far: Elsewhere
) -> None:
    callback = f"{far.origin}/callback"
    url = stage.authorization(stage.client(callback), callback, response_mode="form_post")
    page.goto(url)
    sign_in(page, person)
    page.click("#consent-allow")
    page.wait_for_url(callback)
    assert far.posted[-1]["code"]
    assert far.posted[-1]["iss"] == stage.url


def _leave_for_an_app(page: Page, stage: Stage, person: Person, *, policy: str = "") -> str:
    """Consent to an app with a scheme of its own; return the last address set out for."""

    def restrict(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        stricter = answer.headers["content-security-policy"] + policy
        headers = {**answer.headers, "content-security-policy": stricter}
        route.fulfill(response=answer, headers=headers)

    page.goto(stage.authorization(stage.client(PRIVATE, kind="native"), PRIVATE))
    sign_in(page, person)
    expect(page.locator("#consent-destination")).to_be_visible()
    page.route("**/consent?interaction=*", restrict)
    page.reload()
    left: list[str] = []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.requestWillBeSent", lambda event: left.append(event["request"]["url"]))
    with page.expect_event("requestfailed"):  # no app here takes the scheme
        page.click("#consent-allow", no_wait_after=True)
    return left[-1]


def test_consent_ends_at_a_private_scheme(page: Page, stage: Stage, person: Person) -> None:
    assert _leave_for_an_app(page, stage, person).startswith(f"{PRIVATE}?code=")


def test_a_policy_on_submissions_would_stop_it_as_the_test_above_sees(
    page: Page, stage: Stage, person: Person
) -> None:
    url = _leave_for_an_app(page, stage, person, policy="; form-action 'self'")
    assert url == f"{stage.url}/consent"


def test_sign_out_tells_a_client_in_a_frame_and_ends_at_it(
    page: Page, stage: Stage, person: Person, far: Elsewhere
) -> None:
    callback, goodbye, out = (f"{far.origin}/{name}" for name in ("callback", "bye", "out"))
    client_id = stage.client(
        callback, post_logout_redirect_uris=[goodbye], metadata={"frontchannel_logout_uri": out}
    )
    page.goto(stage.authorization(client_id, callback))
    sign_in(page, person)
    page.click("#consent-allow")
    page.wait_for_url(f"{callback}?*")
    asked = {
        "id_token_hint": _id_token(stage, client_id, page.url),
        "post_logout_redirect_uri": goodbye,
        "state": "kept",
    }
    page.goto(f"{stage.url}/oauth2/logout?{urlencode(asked)}")
    with page.expect_request(f"{out}?*") as framed:
        page.click("#logout-yes")
    page.wait_for_url(f"{goodbye}?state=kept")
    told = framed.value
    assert told.is_navigation_request()
    assert parse_qs(urlsplit(told.url).query)["iss"] == [stage.url]


def _id_token(stage: Stage, client_id: str, callback: str) -> str:
    """Redeem the code that came to a callback."""
    to = urlsplit(callback)
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": parse_qs(to.query)["code"][0],
        "redirect_uri": f"{to.scheme}://{to.netloc}{to.path}",
        "code_verifier": VERIFIER,
    }
    with urllib.request.urlopen(
        f"{stage.url}/oauth2/token", urlencode(form).encode(), timeout=20
    ) as answer:
        return str(json.load(answer)["id_token"])
