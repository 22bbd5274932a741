"""Revoking one access ends others at some providers: none that its person still uses."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.db.outbox import Delivery
from limen.db.tables import outbox
from limen.db.work import Work, Works
from limen.federation.registry import Providers
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, NotFound
from limen.kernel.site import Site
from limen.simulators.serve import CLIENT_ID
from limen.vault.disconnect import disconnect
from limen.vault.erasing.preview import preview
from limen.vault.push.intake import Sent, take_event
from limen.vault.revoke_upstream import KIND, revoke_handler
from limen.vault.revoking.blast_radius import ends_another
from limen.vault.store import grants
from limen.vault.tables import upstream_grants, upstream_revocations
from tests.simulated import ADA, GRACE, NOTION_ADA, Simulated
from tests.unit.vault.test_every_vendor import register
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
_g = upstream_grants.c
_OUTCOMES = sa.select(upstream_revocations.c.outcome, upstream_revocations.c.unsent)


async def end(vault: Vault, actor: Actor, connection_id: str) -> bool:
    event = await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=actor.id),
        actor=actor,
    )
    return event.revoked


async def other_product(vault: Vault, subject: str) -> None:
    """Let what was connected at Notion be another of Google's products, as its entry keeps it."""
    issuer = sa.select(_g.issuer).where(_g.provider == "google").limit(1)
    twin = (
        sa.update(upstream_grants)
        .where(_g.provider == "notion")
        .values(
            issuer=sa.bindparam("of_issuer"),
            subject=sa.bindparam("of_subject"),
            live_subject=sa.bindparam("of_subject"),
        )
    )

    async def body(work: Work) -> None:
        found = (await work.execute(issuer)).scalar()
        await work.execute(twin, of_issuer=found, of_subject=subject)

    await vault.run(body)


async def receipts(vault: Vault) -> list[tuple[str | None, str | None]]:
    async def body(work: Work) -> list[tuple[str | None, str | None]]:
        return [(row.outcome, row.unsent) for row in (await work.execute(_OUTCOMES)).all()]

    return await vault.run(body)


async def revocations(simulated: Simulated) -> int:
    return len((await simulated.seen("google"))["revocations"])


def test_a_channel_is_a_part_of_its_account() -> None:
    providers = Providers()
    for name, subject, account in (
        ("youtube", "1234:UC5", "1234"),
        ("youtube", "1234:-", "1234"),
        ("google", "1234", "1234"),
        ("slack", "T1:U2", "T1:U2"),
        ("salesforce", "00D:005", "00D:005"),
    ):
        found = providers.find(name, {})
        assert found is not None
        assert found.facts.account_of(subject) == account


async def test_a_channel_keeps_its_accounts_other_products_alive(vault: Vault) -> None:
    ada = await vault.person()
    calendar = await vault.connect(ada, account=ADA)
    await vault.connect(ada, "notion", account=NOTION_ADA)
    await other_product(vault, f"{ADA}:UC5")
    told = await vault.run(
        lambda work: preview(work, vault.parts, connection_id=calendar, owner_id=ada.id)
    )
    assert (told.at_provider, told.also) == ("kept_for_others", ("notion",))
    assert not await end(vault, ada, calendar)
    assert await vault.outbox() == []
    assert await revocations(vault.simulated) == 0


async def test_what_has_to_be_connected_again_keeps_nothing_alive(vault: Vault) -> None:
    ada = await vault.person()
    calendar = await vault.connect(ada, account=ADA)
    await vault.connect(ada, "notion", account=NOTION_ADA)
    await other_product(vault, f"{ADA}:UC5")
    ended = sa.update(upstream_grants).values(state=sa.bindparam("of_state"))

    async def refuse(work: Work) -> None:
        await work.execute(ended.where(_g.provider == "notion"), of_state="reauth_required")

    await vault.run(refuse)
    assert await end(vault, ada, calendar)
    assert await vault.outbox() == []
    assert await revocations(vault.simulated) == 1


@pytest.mark.parametrize(
    ("dead", "ends"),
    [
        ({}, True),
        ({"upstream_client_id": "an earlier client of ours"}, False),
        ({"subject": "another bot"}, False),
        ({"subject": ""}, True),
    ],
    ids=["connected again", "by another client", "another account", "nobody knows whose"],
)
async def test_tokens_of_before_end_what_the_same_account_gave_the_same_client(
    vault: Vault, dead: dict[str, Any], ends: bool
) -> None:
    ada = await vault.person()
    await vault.connect(ada, "notion", account=NOTION_ADA)
    notion = vault.parts.catalogue.get("notion", {})
    [lives] = vault.named("connection:account:connected")

    async def would_end(work: Work) -> bool:
        grant = await grants.find_grant(work, lives.grant_id)
        assert grant is not None
        return await ends_another(work, notion, dataclasses.replace(grant, id="buried", **dead))

    assert await vault.run(would_end) is ends


async def test_an_account_that_only_begins_alike_is_another(vault: Vault) -> None:
    ada = await vault.person()
    calendar = await vault.connect(ada, account=ADA)
    await vault.connect(ada, "notion", account=NOTION_ADA)
    await other_product(vault, f"{ADA}5:UC5")
    assert await end(vault, ada, calendar)
    assert await vault.outbox() == []
    assert await revocations(vault.simulated) == 1


async def test_what_waited_for_its_provider_does_not_end_what_was_connected_since(
    vault: Vault,
) -> None:
    ada = await vault.person()
    first = await vault.connect(ada, account=ADA)
    assert await end(vault, ada, first)
    # The provider is away; meanwhile the person changes their mind.
    again = await vault.connect(ada, account=ADA)
    assert await vault.outbox() == []
    assert await revocations(vault.simulated) == 0
    assert await receipts(vault) == [(None, "kept_for_others")]
    assert len((await vault.simulated.seen("google"))["live_refresh_tokens"]) == 2
    assert await end(vault, ada, again)
    assert await vault.outbox() == []
    assert (await vault.simulated.seen("google"))["live_refresh_tokens"] == []


async def test_another_account_that_is_not_wanted_keeps_its_other_products(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.connect(ada, "notion", account=NOTION_ADA)
    await other_product(vault, f"{GRACE}:UC5")
    url = await vault.leave(ada, connection_id=connection_id)
    stubborn = url.replace("login_hint", "ignored_hint")
    callback = await vault.simulated.approve(stubborn, account=GRACE)
    with pytest.raises(Conflict, match="account_mismatch"):
        await vault.come_back(ada, callback)
    assert await vault.outbox() == []
    assert await revocations(vault.simulated) == 0
    assert (None, "kept_for_others") in await receipts(vault)


async def test_f39_what_comes_back_for_a_connection_that_is_gone_is_revoked(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    callback = await vault.simulated.approve(
        await vault.leave(ada, connection_id=connection_id), account=ADA
    )
    assert await end(vault, ada, connection_id)
    assert await vault.outbox() == []
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.come_back(ada, callback)
    assert await vault.outbox() == []
    assert await revocations(vault.simulated) == 2


@pytest.mark.parametrize("provider", ["dropbox", "github-app", "zoom"])
async def test_f40_a_grant_is_ended_also_after_its_access_token(
    vault: Vault, provider: str
) -> None:
    """It is revoked by its access token, which is gone by itself while the refresh token lives."""
    await register(vault, provider)
    ada = await vault.person()
    connection_id = await vault.connect(ada, provider)
    vault.house.clock.advance(dt.timedelta(days=2))
    assert await end(vault, ada, connection_id)
    assert await vault.outbox() == []
    seen = await vault.simulated.seen(provider)
    assert (seen["live_refresh_tokens"], seen["live_access_tokens"]) == ([], [])
    assert await receipts(vault) == [("revoked", None)]


async def test_f40_what_was_renewed_to_be_revoked_is_what_is_revoked_at_the_next_try(
    vault: Vault,
) -> None:
    await register(vault, "github-app")
    ada = await vault.person()
    connection_id = await vault.connect(ada, "github-app")
    vault.house.clock.advance(dt.timedelta(days=2))
    await vault.simulated.order("github-app", faults={"revoke": [{"kind": "status"}]})
    assert await end(vault, ada, connection_id)
    assert await vault.outbox() == ["provider_revocation"]
    queued = sa.select(outbox.c.payload).where(outbox.c.kind == KIND)

    async def waiting(work: Work) -> bytes:
        return bytes((await work.execute(queued)).scalar())

    payload = await vault.run(waiting)
    # Its refresh token was spent by the first.
    await revoke_handler(vault.parts)(Delivery(vault.house.site, "this", KIND, payload, 2))
    seen = await vault.simulated.seen("github-app")
    assert (seen["live_refresh_tokens"], seen["live_access_tokens"]) == ([], [])
    assert await receipts(vault) == [("revoked", None)]


async def test_an_event_of_an_account_ends_its_other_products_too(vault: Vault) -> None:
    ada = await vault.person()
    calendar = await vault.connect(ada, account=ADA)
    channel = await vault.connect(ada, "notion", account=NOTION_ADA)
    await other_product(vault, f"{ADA}:UC5")
    order = {"client_id": CLIENT_ID, "sub": ADA}
    [event] = (await vault.simulated.order("google", events=[order]))["events"]
    sent = Sent(headers=event["headers"], body=event["body"].encode())
    await vault.run(
        lambda work: take_event(
            work, vault.parts, provider="google", tenant_key="testtenant", sent=sent
        )
    )
    for connection_id in (calendar, channel):
        assert (await vault.shown(ada, connection_id)).reason == "revoked_at_provider"


@pytest.mark.parametrize("engine_name", ["postgresql"])  # SQLite compares bytes
async def test_accounts_are_in_the_order_of_their_characters_in_any_language(
    works: Works, site: Site
) -> None:
    """In the order of a language ``T1;`` comes before ``T1:``, and nothing is between them."""
    column = sa.column
    asked: sa.Select[Any] = (
        sa.select(column("collation_name"))
        .select_from(sa.table("columns", schema="information_schema"))
        .where(
            column("table_name") == sa.literal_column("'limen_upstream_grants'"),
            column("column_name") == sa.literal_column("'live_subject'"),
        )
    )

    async def body(work: Work) -> str:
        return str((await work.execute(asked)).scalar())

    assert await works.run(site, body) == "C"
