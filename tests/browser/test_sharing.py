from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.elsewhere import Elsewhere
from tests.browser.stage import VERIFIER, Person, Stage, sign_in
from tests.browser.test_everybody import find_violations

SCOPE = "openid connections:ask"
NARROW = 360


@pytest.fixture
def app_token(page: Page, stage: Stage, person: Person, far: Elsewhere) -> str:
    """The token of an app that a person signed in to, in this browser."""
    callback = f"{far.origin}/callback"
    client_id = stage.client(callback, scope=SCOPE)
    stage.let_use_connections(client_id, "raw")
    resource = f"{stage.url}/api/v1"
    page.goto(stage.authorization(client_id, callback, scope=SCOPE, resource=resource))
    sign_in(page, person)
    page.click("#consent-allow")
    page.wait_for_url(f"{callback}?code=*")
    [code] = urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "redirect_uri": callback,
        "code_verifier": VERIFIER,
    }
    sent = urllib.request.Request(
        f"{stage.url}/oauth2/token", urllib.parse.urlencode(form).encode()
    )
    with urllib.request.urlopen(sent, timeout=20) as answer:
        return str(json.loads(answer.read())["access_token"])


def test_an_app_asks_and_its_person_connects_first_and_shares(
    page: Page, stage: Stage, app_token: str, far: Elsewhere
) -> None:
    body: dict[str, Any] = {
        "provider": "google",
        "features": ["calendar_read"],
        "redirect_uri": f"{far.origin}/callback",
    }
    made = stage.post("/api/v1/oauth/sharing-requests", body, token=app_token)
    page.set_viewport_size({"width": NARROW, "height": 740})
    page.goto(made["url"])
    expect(page.locator("#share-none")).to_be_visible()
    assert find_violations(page) == []
    page.click("#share-connect")
    page.locator("button[id^=account-]").first.click()
    page.click("#allow")
    expect(page.locator("#share-allow")).to_be_visible()
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    page.click("#share-allow")
    page.wait_for_url(f"{far.origin}/callback?sharing_request=*")
