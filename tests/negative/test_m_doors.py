"""N168: a second door that lets the password alone through would make the factor worthless."""

from __future__ import annotations

import pytest

from tests.flows.test_two_steps import with_app
from tests.installation import Installation
from tests.oauth_client import Flow

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("door", ["page", "account page", "JSON", "native", "authorize", "device"])
async def test_n168_every_door_asks_for_the_factor(limen: Installation, door: str) -> None:
    person, _ = await with_app(limen)
    browser = person.browser
    if door == "JSON":
        body = {"email": person.email, "password": person.password}
        answer = await limen.api.fetch("POST", "/api/v1/auth/login", body=body)
        assert answer.status in {401, 403}, answer.text
        assert answer.json()["code"] == "mfa_required"
        assert "access_token" not in answer.text
        return
    client = await limen.client(trusted=True, first_party=True)
    flow = Flow(limen, client)
    if door == "native":
        begun = await limen.post(
            "/oauth2/authorization_challenge",
            client,
            **flow.asking(client_id="", redirect_uri="", response_type=""),
            username=person.email,
            password=person.password,
        )
        assert begun.json().get("required") == "otp", begun.text
        assert "authorization_code" not in begun.text
        return
    start = {
        "page": "/sign-in",
        "account page": "/account",
        "authorize": flow.url(),
        "device": "/device?user_code=BCDF-GHJK",
    }[door]
    page = await browser.open(start)
    page = await browser.sign_in(person.email, person.password, at=page)
    assert page.has("mfa-submit"), page.text[:500]
    assert not [name for name in browser.cookies() if "lm_session" in name]
    me = await browser.fetch("GET", "/api/v1/auth/me")
    assert me.status == 401
