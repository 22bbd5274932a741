"""What ends with a connection, what is taken along, and what is left afterwards."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
import sqlalchemy as sa
from fastapi.encoders import jsonable_encoder

from limen.db.outbox import MAX_ATTEMPTS, Delivery
from limen.db.tables import outbox
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    NotFound,
    NotPermitted,
    ProviderUnavailable,
    ReauthenticationRequired,
)
from limen.vault.disconnect import disconnect
from limen.vault.erasing.erase import erase_person, list_erasures
from limen.vault.erasing.export import export
from limen.vault.erasing.preview import Preview, preview
from limen.vault.revoke_upstream import KIND, revoke_handler
from limen.vault.sharing.consents import Wish, share
from limen.vault.sweep import sweeper
from limen.vault.tables import (
    connection_consents,
    connection_features,
    token_releases,
    upstream_grants,
    upstream_revocations,
)
from tests.simulated import ADA, GRACE, NOTION_ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio


async def look_ahead(vault: Vault, actor: Actor, id_: str) -> Preview:
    return await vault.run(
        lambda work: preview(work, vault.parts, connection_id=id_, owner_id=actor.id)
    )


async def end(vault: Vault, actor: Actor, id_: str) -> bool:
    event = await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=id_, user_id=actor.id)
    )
    return event.revoked


async def count(vault: Vault, table: sa.Table) -> int:
    counted = sa.select(sa.func.count()).select_from(table)

    async def body(work: Work) -> int:
        return int((await work.execute(counted)).scalar())

    return await vault.run(body)


async def test_a_preview_tells_and_changes_nothing(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    client = await vault.client()
    wish = Wish(connection_id=connection_id, client_id=client, features=("calendar_read",))
    await vault.run(lambda work: share(work, vault.parts, owner_id=ada.id, wish=wish), actor=ada)
    told = await look_ahead(vault, ada, connection_id)
    assert (told.at_provider, told.others, told.clients) == ("revoked", 0, (client,))
    assert told.features == ("calendar_read",)
    theirs = await vault.connect(grace, account=ADA)  # the same account, another person
    told = await look_ahead(vault, ada, connection_id)
    assert (told.at_provider, told.others) == ("kept_for_others", 1)
    assert (await vault.token(ada, connection_id)).generation >= 1
    assert (await vault.token(grace, theirs)).generation >= 1
    with pytest.raises(NotFound):
        await look_ahead(vault, grace, connection_id)


async def test_f43_one_who_connected_the_same_account_keeps_it(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    mine = await vault.connect(ada, account=ADA)
    theirs = await vault.connect(grace, account=ADA)
    assert not await end(vault, ada, mine)
    assert await vault.outbox() == []
    assert (await vault.token(grace, theirs)).raw_access
    assert (await vault.simulated.seen("google"))["revocations"] == []
    assert await end(vault, grace, theirs)
    await vault.outbox()
    assert len((await vault.simulated.seen("google"))["revocations"]) == 1


async def test_the_blast_radius_of_a_project_is_respected(vault: Vault) -> None:
    ada = await vault.person()
    calendar = await vault.connect(ada, account=ADA)
    issuer, subject = "of_issuer", "of_subject"
    twin = (
        sa.update(upstream_grants)
        .values(
            issuer=sa.bindparam(issuer),
            subject=sa.bindparam(subject),
            live_subject=sa.bindparam(subject),
        )
        .where(upstream_grants.c.provider == "notion")
    )
    video = await vault.connect(ada, "notion", account=NOTION_ADA)

    async def join(work: Work) -> None:
        found = (
            await work.execute(
                sa.select(upstream_grants.c.issuer).where(upstream_grants.c.provider == "google")
            )
        ).scalar()
        await work.execute(twin, of_issuer=found, of_subject=ADA)

    await vault.run(join)  # as if a second client of the project had it
    told = await look_ahead(vault, ada, calendar)
    assert (told.at_provider, told.also) == ("kept_for_others", ("notion",))
    assert not await end(vault, ada, calendar)
    assert await vault.outbox() == []
    assert (await vault.simulated.seen("google"))["revocations"] == []
    assert [event.receipt for event in vault.named("connection:grant:revoked")] == [
        "kept_for_others"
    ]
    assert (await vault.token(ada, video)).raw_access


async def test_an_erased_person_leaves_ids_and_receipts(vault: Vault) -> None:
    ada = await vault.person()
    first = await vault.connect(ada, account=ADA, features=("calendar_read",))
    second = await vault.connect(ada, "notion", account=NOTION_ADA)
    client = await vault.client()
    wish = Wish(connection_id=first, client_id=client, features=("calendar_read",))
    await vault.run(lambda work: share(work, vault.parts, owner_id=ada.id, wish=wish), actor=ada)
    await vault.token(ada, first)
    erasure = await vault.run(
        lambda work: erase_person(work, vault.parts, user_id=ada.id), actor=ada
    )
    assert set(erasure.connections) == {first, second}
    for table in (connection_features, connection_consents, token_releases):
        assert await count(vault, table) == 0
    [record] = await vault.run(lambda work: list_erasures(work, user_id=ada.id))
    assert not record.is_done
    await vault.outbox()
    [record] = await vault.run(lambda work: list_erasures(work, user_id=ada.id))
    assert record.is_done
    assert {each.outcome for each in record.receipts} == {"revoked"}
    rows = sa.select(upstream_grants.c.subject, upstream_grants.c.state)

    async def body(work: Work) -> set[tuple[str, str]]:
        return {(row.subject, row.state) for row in (await work.execute(rows)).all()}

    assert await vault.run(body) == {("", "erased")}
    assert len(vault.named("connection:person:erased")) == 1


async def test_erasing_ends_nobody_elses(vault: Vault) -> None:
    ada, grace, admin = (
        await vault.person(),
        await vault.person(),
        await vault.administrator(),
    )
    await vault.connect(ada, account=ADA)
    theirs = await vault.connect(grace, account=GRACE)
    await vault.connect(admin, "notion", account=NOTION_ADA, for_tenant=True)
    for person in (ada, admin):
        await vault.run(
            lambda work, whose=person.id: erase_person(work, vault.parts, user_id=whose)  # type: ignore[misc]  # bound now
        )
    assert (await vault.token(grace, theirs)).raw_access
    live = sa.select(sa.func.count()).where(upstream_grants.c.state == "active")

    async def body(work: Work) -> int:
        return int((await work.execute(live)).scalar())

    assert await vault.run(body) == 2  # hers, and the tenant's


async def test_f40_tokens_of_a_silent_provider_are_kept_a_week_and_wiped(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.simulated.order("google", faults={"revoke": [{"kind": "status"}] * 50})
    await end(vault, ada, connection_id)
    assert await vault.outbox() != []
    sealed = sa.select(sa.func.count()).where(upstream_revocations.c.sealed_tokens.is_not(None))

    async def kept(work: Work) -> int:
        return int((await work.execute(sealed)).scalar())

    sweep = sweeper(vault.parts)
    vault.house.clock.advance(dt.timedelta(days=6))
    await sweep(vault.house.site)
    assert await vault.run(kept) == 1
    vault.house.clock.advance(dt.timedelta(days=1))
    await sweep(vault.house.site)
    assert await vault.run(kept) == 0
    assert vault.named("connection:grant:revoked")[-1].receipt == "deadline"


async def test_f40_a_provider_that_is_down_for_hours_is_asked_on(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.simulated.order("google", faults={"revoke": [{"kind": "status"}] * 3})
    await end(vault, ada, connection_id)
    assert await vault.outbox() == ["provider_revocation"]
    queued = sa.select(outbox.c.payload).where(outbox.c.kind == KIND)

    async def waiting(work: Work) -> list[bytes]:
        return [row.payload for row in (await work.execute(queued)).all()]

    [payload] = await vault.run(waiting)
    handle = revoke_handler(vault.parts)

    def delivery(attempt: int) -> Delivery:
        return Delivery(vault.house.site, "this", KIND, payload, attempt)

    with pytest.raises(ProviderUnavailable):
        await handle(delivery(MAX_ATTEMPTS - 1))
    assert len(await vault.run(waiting)) == 1
    await handle(delivery(MAX_ATTEMPTS))  # the outbox would park it now, for good
    assert await vault.run(waiting) == [payload, payload]
    await handle(delivery(1))
    assert vault.named("connection:grant:revoked")[-1].receipt == "revoked"
    await handle(delivery(MAX_ATTEMPTS))  # settled: nothing is asked, nothing waits for more
    assert len(await vault.run(waiting)) == 2


async def test_an_export_has_all_but_the_secrets(vault: Vault) -> None:
    ada, grace = await vault.person(), await vault.person()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    await vault.connect(grace, account=GRACE)
    raw = (await vault.token(ada, connection_id)).raw_access.reveal()

    async def told(actor: Actor, *, secrets: bool) -> str:
        found = await vault.run(
            lambda work: export(work, vault.parts, user_id=actor.id, with_secrets=secrets),
            actor=actor,
        )
        return json.dumps(jsonable_encoder(found))

    plain = await told(ada, secrets=False)
    assert connection_id in plain
    assert ADA in plain
    assert GRACE not in plain
    assert raw not in plain
    assert "refresh_token" not in plain
    assert raw in await told(ada, secrets=True)
    app = dataclasses.replace(ada, client_id="app", scope=frozenset({"connections:export"}))
    assert raw not in await told(app, secrets=False)
    with pytest.raises(NotPermitted, match="first_party_only"):
        await told(app, secrets=True)
    vault.house.clock.advance(dt.timedelta(hours=1))
    with pytest.raises(ReauthenticationRequired):
        await told(ada, secrets=True)
    assert [event.with_secrets for event in vault.named("connection:person:exported")] == [
        False,
        True,
        False,
    ]
