"""Signing in with a provider inside an interaction that a front end leads over JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from limen.kernel.secret import Secret
from limen.protocol.pkce import s256
from limen.testing.visitor import Page
from tests.at_provider import agree, new_account, order
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.simulated import query_of
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE
FRONT = "https://screens.example"
VERIFIER = "v" * 64


async def opened(flow: Flow) -> dict[str, Any]:
    """An interaction that waits for somebody to sign in."""
    page = await flow.limen.api.fetch(
        "POST", "/api/v1/interactions", body=flow.asking(), headers=flow.client.basic
    )
    assert page.status == 200, page.text
    return dict(page.json())


async def step(flow: Flow, handle: str, what: str, body: Any = None) -> Page:
    path = f"/api/v1/interactions/{handle}{what and '/'}{what}"
    return await flow.limen.api.fetch(
        "POST" if what else "GET", path, body=body, headers=flow.client.basic
    )


async def ticket_of(limen: Installation, start_url: str, **choices: Any) -> dict[str, str]:
    """Go where a button leads; return what comes back to the front end."""
    asked = {"return_to": f"{FRONT}/back", "state": "s", "code_challenge": s256(Secret(VERIFIER))}
    browser = limen.browser()
    left = await browser.fetch("GET", f"{start_url}?{urlencode(asked)}")
    assert left.status == 303, left.text
    callback = await agree(limen, left.headers["location"], **choices)
    back = await browser.fetch("GET", callback)
    assert back.headers["location"].startswith(f"{FRONT}/back?")
    return query_of(back.headers["location"])


async def test_a_front_end_draws_the_buttons_and_goes_on_with_the_ticket(
    limen: Installation,
) -> None:
    await limen.set_policy(allowed_origins=[FRONT])
    flow, other = Flow(limen, await limen.client()), Flow(limen, await limen.client())
    at = await opened(flow)
    shown = (await step(flow, at["id"], "")).json()
    assert shown["providers"] == at["providers"]
    [google] = [each for each in at["providers"] if each["id"] == "google"]
    assert (google["title"], google["status"]) == ("Google", "ok")
    assert google["start_url"] == f"{limen.issuer}/api/v1/auth/oauth2/google/start"

    denied = await ticket_of(limen, google["start_url"], deny=True)
    assert denied == {"error": "provider_denied", "state": "s"}
    came = await ticket_of(limen, google["start_url"], account=await new_account(limen))
    body = {"ticket": came["ticket"], "code_verifier": VERIFIER}
    for whose, wrong in ((other, body), (flow, {**body, "code_verifier": "w" * 64})):
        refused = await step(whose, at["id"], "ticket", wrong)
        assert refused.status in {401, 403, 404, 422}
    signed = await step(flow, at["id"], "ticket", body)
    assert (signed.status, signed.json()["status"]) == (200, "consent"), signed.text
    assert "providers" not in signed.json()
    done = (await step(flow, at["id"], "consent")).json()
    redeemed = await flow.redeem(query_of(done["redirect_to"])["code"])
    assert redeemed.status == 200, redeemed.text
    again = await opened(flow)
    assert (await step(flow, again["id"], "ticket", body)).status == 422


async def test_n129_an_address_of_somebodys_is_proven_inside_the_interaction(
    limen: Installation,
) -> None:
    await limen.set_policy(allowed_origins=[FRONT])
    person, flow = await limen.person(), Flow(limen, await limen.client())
    sub = f"headless-{person.id}"
    account = {"sub": sub, "email": person.email, "name": "Ada"}
    await order(limen, "google", accounts=[account])
    at = await opened(flow)
    [google] = [each for each in at["providers"] if each["id"] == "google"]
    came = await ticket_of(limen, google["start_url"], account=sub)
    body = {"ticket": came["ticket"], "code_verifier": VERIFIER}
    asked = await step(flow, at["id"], "ticket", body)
    assert (asked.status, asked.json()["code"]) == (403, "mailbox_proof_required")
    challenge = asked.json()["challenge"]
    assert (await step(flow, at["id"], "")).json()["status"] == "sign_in"
    mailed = await limen.api.fetch(
        "POST", "/api/v1/auth/oauth2/proof/mail", body={"challenge": challenge}
    )
    assert mailed.status == 200, mailed.text
    text = str((await limen.mails(person.email))[0]["text"])
    code = next(line for line in text.splitlines() if line.isdigit() and len(line) == 8)
    wrong = {"challenge": challenge, "code": "1"}
    assert (await step(flow, at["id"], "proof", wrong)).status == 422
    signed = await step(flow, at["id"], "proof", {"challenge": challenge, "code": code})
    assert (signed.status, signed.json()["status"]) == (200, "consent"), signed.text
    assert signed.json()["user_id"] == person.id


async def test_a_tenant_that_offers_none_lists_none(limen: Installation) -> None:
    flow = Flow(limen, await limen.client())
    await limen.set_policy(sign_in={"only": []})
    try:
        assert (await opened(flow))["providers"] == []
    finally:
        await limen.set_policy(sign_in=None)
