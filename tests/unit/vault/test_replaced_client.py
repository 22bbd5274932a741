"""Our client at a provider is another by now: people connect again, and nothing of theirs is lost."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.errors import Conflict
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.disconnect import disconnect
from limen.vault.revoke_upstream import CLIENT_REPLACED
from limen.vault.sharing.consents import Wish, list_shared, share
from limen.vault.tables import upstream_grants
from tests.simulated import ADA, GRACE, query_of
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
_g = upstream_grants.c
EARLIER = "the client of before"


async def earlier(vault: Vault, client_id: str = EARLIER) -> None:
    """Let all that was given have been given to an earlier client of ours."""
    statement = sa.update(upstream_grants).values(upstream_client_id=sa.bindparam("of_client"))

    async def body(work: Work) -> None:
        await work.execute(statement, of_client=client_id)

    await vault.run(body)


async def states(vault: Vault) -> list[tuple[str, str | None]]:
    statement = sa.select(_g.state, _g.reason).order_by(_g.created_at, _g.id)

    async def body(work: Work) -> list[tuple[str, str | None]]:
        return [(row.state, row.reason) for row in (await work.execute(statement)).all()]

    return await vault.run(body)


async def test_what_an_earlier_client_was_given_asks_for_its_person(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await earlier(vault)
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.reason) == ("reauth_required", "client_replaced")
    assert shown.advice
    assert (await vault.token(ada, connection_id)).raw_access  # good until it ends
    vault.house.clock.advance(dt.timedelta(hours=2))
    for _ in range(2):
        with pytest.raises(Conflict, match="connection_reauth_required"):
            await vault.token(ada, connection_id)
    assert vault.named("connection:grant:reauth_required") == []  # an operator may set it back
    await earlier(vault, CLIENT_ID)
    assert (await vault.token(ada, connection_id)).generation == 2


async def test_the_loop_does_not_turn_on_the_spot_for_it(vault: Vault) -> None:
    ada = await vault.person()
    await vault.connect(ada, account=ADA)
    await earlier(vault)
    vault.house.clock.advance(dt.timedelta(hours=2))
    assert await vault.loop() == 1
    assert await vault.loop() == 0
    await earlier(vault, CLIENT_ID)
    vault.house.clock.advance(dt.timedelta(minutes=11))
    assert await vault.loop() == 1
    assert len(vault.named("connection:token:refreshed")) == 1


async def test_the_same_account_goes_on_where_it_was(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    client = await vault.client()
    wish = Wish(connection_id=connection_id, client_id=client, features=("calendar_read",))
    await vault.run(lambda work: share(work, vault.parts, owner_id=ada.id, wish=wish), actor=ada)
    before = (await vault.token(ada, connection_id)).generation
    await earlier(vault)
    # The refresh token that is held is the earlier client's: another is asked for.
    assert query_of(await vault.leave(ada, connection_id=connection_id))["prompt"] == "consent"
    assert await vault.connect(ada, account=ADA, connection_id=connection_id) == connection_id
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.reason, dict(shown.features)) == (
        "active",
        "",
        {"calendar_read": "active"},
    )
    assert (await vault.token(ada, connection_id)).generation > before
    [kept] = await vault.run(lambda work: list_shared(work, owner_id=ada.id))
    assert (kept.connection_id, kept.client_id) == (connection_id, client)
    assert await states(vault) == [("erased", "client_replaced"), ("active", None)]
    assert await vault.outbox() == []
    assert (await vault.simulated.seen("google"))["revocations"] == []


async def test_another_account_does_not(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await earlier(vault)
    url = await vault.leave(ada, connection_id=connection_id)
    stubborn = url.replace("login_hint", "ignored_hint")
    callback = await vault.simulated.approve(stubborn, account=GRACE)
    with pytest.raises(Conflict, match="account_mismatch"):
        await vault.come_back(ada, callback)
    assert (await vault.shown(ada, connection_id)).reason == "client_replaced"


async def test_nor_does_an_account_that_was_connected_anew_already(vault: Vault) -> None:
    ada = await vault.person()
    old = await vault.connect(ada, account=ADA)
    await earlier(vault)
    new = await vault.connect(ada, account=ADA)
    assert new != old
    with pytest.raises(Conflict, match="account_connected_already"):
        await vault.connect(ada, account=ADA, connection_id=old)
    # What was given for the second one in vain is the newest of the first.
    assert (await vault.token(ada, new)).generation == 2
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=old, user_id=ada.id), actor=ada
    )
    assert (await vault.token(ada, new)).raw_access


async def test_whoever_else_stands_on_the_earlier_grant_stays_there(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    mine = await vault.connect(ada, account=ADA)
    theirs = await vault.connect(grace, account=ADA)
    await earlier(vault)
    await vault.connect(ada, account=ADA, connection_id=mine)
    assert (await vault.shown(grace, theirs)).reason == "client_replaced"
    await vault.connect(grace, account=ADA, connection_id=theirs)
    assert (await vault.shown(grace, theirs)).state == "active"
    assert ("erased", "client_replaced") in await states(vault)
    assert len(await states(vault)) == 2


@pytest.mark.parametrize(
    ("provider", "receipt"), [("github", CLIENT_REPLACED), ("google", "revoked")]
)
async def test_another_client_says_nothing_of_a_grant(
    vault: Vault, provider: str, receipt: str
) -> None:
    """GitHub would answer that there is no such grant; Google asks nobody who they are."""
    await register(vault, provider)
    ada = await vault.person()
    connection_id = await vault.connect(ada, provider)
    await earlier(vault)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id),
        actor=ada,
    )
    assert await vault.outbox() == []
    assert [event.receipt for event in vault.named("connection:grant:revoked")] == [receipt]


async def test_a_damaged_row_keeps_nobody_from_ending_it(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    swapped = sa.update(upstream_grants).values(sealed_access=_g.sealed_refresh)

    async def damage(work: Work) -> None:
        await work.execute(swapped)

    await vault.run(damage)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id),
        actor=ada,
    )
    assert await states(vault) == [("erased", "disconnected")]
    assert [event.receipt for event in vault.named("connection:grant:revoked")] == ["unreadable"]


async def test_a_client_set_anew_under_its_own_name_changes_nothing(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    new = NewUpstreamClient(
        provider="google", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
    )
    await vault.run(lambda work: set_upstream_client(work, vault.house.envelope, new=new))
    assert (await vault.shown(ada, connection_id)).state == "active"
