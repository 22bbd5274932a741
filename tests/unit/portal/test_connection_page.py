"""The page of one connection."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from limen.kernel.clock import UTC
from limen.kernel.errors import Conflict
from limen.oauth.registry.register_client import NewClient, register_client
from limen.portal.connection_page import health_of
from limen.vault.listing import ShownConnection
from limen.vault.sharing.consents import Wish, share
from tests.house import PASSWORD
from tests.unit.portal.conftest import Portal
from tests.unit.portal.test_account import ADA, BOB, csrf_of
from tests.unit.signin.kit import error_code

pytestmark = pytest.mark.anyio


async def test_a_connection_has_a_page_of_its_own(portal: Portal) -> None:
    await portal.way.house.user(ADA)
    await portal.way.house.user(BOB)
    browser, actor = await portal.enter(ADA, PASSWORD)
    stranger, _ = await portal.enter(BOB, PASSWORD)
    connection_id = await portal.vault.connect(actor, features=("calendar_read",))
    path = f"/account/connections/{connection_id}"
    client = await portal.way.run(
        lambda work: register_client(
            work,
            new=NewClient(name="Planner <b>", type="machine", scope=("connections:token",)),
            envelope=portal.way.house.envelope,
        )
    )
    wish = Wish(
        connection_id=connection_id, client_id=client.client.client_id, features=("calendar_read",)
    )
    await portal.vault.run(
        lambda work: share(work, portal.vault.parts, owner_id=actor.id, wish=wish), actor=actor
    )
    page = await browser.open(path)
    assert '<span class="tag good" id="health">works</span>' in page.text
    assert "Planner &lt;b&gt;" in page.text
    assert 'data-mode="proxy">It never holds a key to the account' in page.text
    assert "See your calendars and events" in page.text
    assert error_code(await stranger.open(path)) == "connection_not_found"
    fields = {"csrf": csrf_of(page), "client": client.client.client_id}
    theirs = {**fields, "csrf": csrf_of(await stranger.open("/sign-out"))}
    refused = await stranger.post(f"{path}/unshare", theirs)
    assert error_code(refused) == "connection_consent_not_found"
    done = await browser.post(f"{path}/unshare", fields)
    assert done.headers["location"] == "/account?done=connection-unshared"
    assert "No app but this service uses it." in (await browser.open(path)).text


async def test_a_connection_that_broke_says_so_and_is_renewed_with_the_same_account(
    portal: Portal,
) -> None:
    await portal.way.house.user(ADA)
    browser, actor = await portal.enter(ADA, PASSWORD)
    connection_id = await portal.vault.connect(actor)
    first = await portal.vault.token(actor, connection_id)
    account = (await portal.vault.simulated.seen("google"))["accounts"][0]["sub"]
    await portal.vault.simulated.order("google", revoke_grants=[account])
    portal.way.house.clock.advance(dt.timedelta(hours=2))
    with pytest.raises(Conflict):
        await portal.vault.token(actor, connection_id, seen_generation=first.generation)
    page = await browser.open(f"/account/connections/{connection_id}")
    assert "needs attention" in page.text
    assert f"/account/connect/google?connection={connection_id}" in page.text


@pytest.mark.parametrize(
    ("state", "reconnect_in_days", "health"),
    [
        ("active", None, "good"),
        ("active", 15, "good"),
        ("active", 13, "soon"),
        ("refreshing", 1, "busy"),
        ("uncertain", None, "bad"),
        ("reauth_required", 400, "bad"),
    ],
)
def test_how_a_connection_does(state: Any, reconnect_in_days: int | None, health: str) -> None:
    now = dt.datetime(2026, 11, 21, tzinfo=UTC)
    shown = ShownConnection(
        id="c",
        provider="google",
        title="Google",
        label="ada",
        state=state,
        reason="",
        advice="",
        scopes=(),
        features={},
        generation=1,
        connected_at=now,
        expires_at=None,
        manage_url="",
        reconnect_by=None
        if reconnect_in_days is None
        else now + dt.timedelta(days=reconnect_in_days),
    )
    assert health_of(shown, now=now) == health
