from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.elsewhere import Elsewhere, elsewhere
from tests.browser.stage import VERIFIER, Person, Stage, sign_in

# What a page's script can do and read; a refused answer is a TypeError and nothing more.
FETCH = """
async ([url, options]) => {
  if (options.form) options = {method: "POST", body: new URLSearchParams(options.form)};
  try {
    const answer = await fetch(url, options);
    return {status: answer.status, type: answer.type, body: await answer.text()};
  } catch (error) {
    return {refused: error.name};
  }
}
"""
REFUSED = {"refused": "TypeError"}


@pytest.fixture(scope="module")
def stranger() -> Iterator[Elsewhere]:
    """An origin of no client."""
    with elsewhere() as origin:
        yield origin


class FrontEnd:
    """A single-page application on an origin of its own."""

    def __init__(self, page: Page, stage: Stage, home: str) -> None:
        self.page, self.stage, self.callback = page, stage, f"{home}/app"
        self.client_id = stage.client(self.callback, allowed_origins=[home])

    def fetch(self, path: str, **options: Any) -> Any:
        """Fetch from the page it is on."""
        return self.page.evaluate(FETCH, [self.stage.url + path, options])

    def code(self, person: Person) -> str:
        """Send somebody through the authorization; the page is then the application's."""
        scope = "openid email offline_access"
        url = self.stage.authorization(self.client_id, self.callback, scope=scope)
        self.page.goto(url)
        sign_in(self.page, person)
        self.page.click("#consent-allow")
        self.page.wait_for_url(f"{self.callback}?*")
        return parse_qs(urlsplit(self.page.url).query)["code"][0]

    def exchange(self, code: str) -> dict[str, str]:
        """Return the token request's form."""
        return {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": VERIFIER,
        }


@pytest.fixture
def app(page: Page, stage: Stage, far: Elsewhere) -> FrontEnd:
    return FrontEnd(page, stage, far.origin)


def _json(page: Page, answer: Any) -> Any:
    assert answer["status"] == 200, answer
    return page.evaluate("JSON.parse", answer["body"])


def test_a_front_end_of_a_registered_origin_has_its_whole_flow(
    page: Page, app: FrontEnd, person: Person
) -> None:
    code = app.code(person)
    found = _json(page, app.fetch("/.well-known/openid-configuration"))
    assert found["issuer"] == app.stage.url
    assert _json(page, app.fetch("/oauth2/jwks"))["keys"]
    made = _json(page, app.fetch("/oauth2/token", form=app.exchange(code)))

    bearer = {"Authorization": f"Bearer {made['access_token']}"}  # asks for a preflight
    claims = _json(page, app.fetch("/oauth2/userinfo", headers=bearer))
    assert claims["email"] == person.email

    again = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "refresh_token": made["refresh_token"],
    }
    refreshed = _json(page, app.fetch("/oauth2/token", form=again))
    assert refreshed["refresh_token"] != made["refresh_token"]
    over = {"client_id": app.client_id, "token": refreshed["refresh_token"]}
    assert app.fetch("/oauth2/revoke", form=over)["status"] == 200
    late = app.fetch("/oauth2/token", form={**again, "refresh_token": refreshed["refresh_token"]})
    assert late["status"] == 400
    assert "invalid_grant" in late["body"]


def test_a_front_end_of_another_origin_reads_nothing(
    page: Page, app: FrontEnd, person: Person, stranger: Elsewhere
) -> None:
    code = app.code(person)
    page.goto(f"{stranger.origin}/app")
    assert app.fetch("/oauth2/token", form=app.exchange(code)) == REFUSED
    assert app.fetch("/oauth2/userinfo", headers={"Authorization": "Bearer x"}) == REFUSED
    assert app.fetch("/.well-known/openid-configuration")["status"] == 200


def test_no_origin_acts_as_the_person_who_is_signed_in(
    page: Page, app: FrontEnd, person: Person
) -> None:
    app.code(person)
    for path in ("/api/v1/auth/me", "/account", "/api/v1/consents", "/oauth2/userinfo"):
        assert app.fetch(path, credentials="include") == REFUSED, path
    for path in ("/sign-in", "/dev/mail.json", "/oauth2/logout"):
        assert app.fetch(path) == REFUSED, path
    page.goto(f"{app.stage.url}/account")
    assert page.locator("#account").is_visible()
