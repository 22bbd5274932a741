"""Cases S: what the vault keeps, and from whom."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.crypto.envelope import SealBroken
from limen.db.base import metadata
from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound, NotPermitted, ProviderUnavailable
from limen.kernel.site import Site
from limen.tenants.store import ensure_tenant_row
from limen.vault.disconnect import disconnect
from limen.vault.endpoints.owner import caller_of
from limen.vault.listing import list_connections
from limen.vault.tables import upstream_grants
from limen.vault.token_for import Wanted, token_for
from tests.simulated import ADA, GRACE, NOTION_ADA
from tests.vaults import Vault, house, simulated, vault

__all__ = ["house", "simulated", "vault"]
pytestmark = pytest.mark.anyio
OTHER = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
HOURS = dt.timedelta(hours=2)


async def dump(vault: Vault) -> bytes:
    """Every value of every row of every table."""

    async def body(work: Work) -> bytes:
        values: list[bytes] = []
        for table in metadata.sorted_tables:
            for row in (await work.execute(sa.select(table))).all():
                values += [v if isinstance(v, bytes) else str(v).encode() for v in row]  # type: ignore[attr-defined]  # a row is a tuple
        return b"\n".join(values)

    return await vault.run(body)


async def test_n243_another_user_finds_nothing(vault: Vault) -> None:
    ada, mallory = await vault.person(), await vault.person()
    connection_id = await vault.connect(ada)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.token(mallory, connection_id)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.shown(mallory, connection_id)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.leave(mallory, connection_id=connection_id)

    async def end(work: Work) -> None:
        await disconnect(work, vault.parts, connection_id=connection_id, user_id=mallory.id)

    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.run(end)
    listed = await vault.run(lambda work: list_connections(work, vault.parts, user_id=mallory.id))
    assert listed == []
    assert (await vault.token(ada, connection_id)).generation == 1


async def test_n243_another_tenant_finds_nothing(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)

    async def theirs(work: Work) -> Any:
        await ensure_tenant_row(work)
        wanted = Wanted(connection_id=connection_id, user_id=ada.id, reader="x")
        return await token_for(work, vault.parts, wanted=wanted)

    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.house.works.run(OTHER, theirs)


@pytest.mark.parametrize("column", ["sealed_access", "sealed_refresh"])
async def test_n243_a_token_put_into_another_row_does_not_open(vault: Vault, column: str) -> None:
    ada, mallory = await vault.person(), await vault.person()
    await vault.connect(ada, account=ADA)
    theirs = await vault.connect(mallory, account=GRACE)
    source = sa.select(upstream_grants.c[column]).where(upstream_grants.c.subject == ADA)
    swap = (
        sa.update(upstream_grants)
        .where(upstream_grants.c.subject == GRACE)
        .values({column: source.scalar_subquery()})
    )

    async def body(work: Work) -> None:
        await work.execute(swap)

    await vault.run(body)
    vault.house.clock.advance(HOURS if column == "sealed_refresh" else dt.timedelta())
    with pytest.raises(SealBroken):
        await vault.token(mallory, theirs)


async def test_n243_an_older_generation_put_back_does_not_open(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    read = sa.select(upstream_grants.c.sealed_access)
    old = await vault.run(lambda work: _scalar(work, read))
    vault.house.clock.advance(HOURS)
    await vault.token(ada, connection_id)
    back = sa.update(upstream_grants).values(sealed_access=sa.bindparam("old"))

    async def body(work: Work) -> None:
        await work.execute(back, old=old)

    await vault.run(body)
    with pytest.raises(SealBroken):
        await vault.token(ada, connection_id)


async def test_n246_twenty_fetches_of_an_expired_token(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOURS)
    await vault.simulated.order("google", lies={"latency_seconds": 0.2})
    released = await asyncio.gather(*(vault.token(ada, connection_id) for _ in range(20)))
    assert len({each.raw_access for each in released}) == 1
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"kind": "error", "status": 400, "error": "invalid_grant"}, "reauth_required"),
        ({"kind": "status", "status": 500}, "active"),
    ],
)
async def test_n246_twenty_fetches_of_a_token_that_can_not_be_renewed(
    vault: Vault, fault: dict[str, Any], state: str
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOURS)
    await vault.simulated.order("google", faults={"refresh": [fault] * 20})
    answers = await asyncio.gather(
        *(vault.token(ada, connection_id) for _ in range(20)), return_exceptions=True
    )
    assert all(isinstance(answer, Conflict | ProviderUnavailable) for answer in answers)
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1  # no storm
    assert (await vault.shown(ada, connection_id)).state == state


async def test_n246_revoked_upstream_while_it_is_fetched(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.simulated.order("google", revoke_grants=[ADA])
    vault.house.clock.advance(HOURS)
    with pytest.raises(Conflict, match="connection_reauth_required"):
        await vault.token(ada, connection_id)


async def test_n277_a_dump_holds_no_token_and_no_client_secret(vault: Vault) -> None:
    ada = await vault.person()
    secrets = []
    for provider, account in (("google", ADA), ("notion", NOTION_ADA)):
        connection_id = await vault.connect(ada, provider, account=account)
        secrets.append((await vault.token(ada, connection_id)).raw_access.reveal())
    await vault.leave(ada)  # a verifier and a nonce are kept meanwhile
    secrets.append("simulated-secret-not-for-production")
    dumped = await dump(vault)
    for secret in secrets:
        assert secret.encode() not in dumped


async def test_f39_a_refresh_that_ends_after_a_disconnect_brings_nothing_back(
    vault: Vault,
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    vault.house.clock.advance(HOURS)
    await vault.simulated.order("notion", lies={"latency_seconds": 2.0})
    asked = asyncio.ensure_future(vault.token(ada, connection_id, seen_generation=1))
    while (await vault.simulated.seen("notion"))["calls"].get("refresh") is None:
        assert not asked.done()

    async def end(work: Work) -> None:
        await disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id)

    await vault.run(end)
    with pytest.raises(NotFound, match="connection_not_found"):
        await asked
    await vault.simulated.order("notion", lies={})
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("notion")
    assert seen["live_access_tokens"] == []  # what came late is revoked, not kept
    assert seen["live_refresh_tokens"] == []


async def test_f40_a_revocation_is_tried_until_the_provider_confirms(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await vault.simulated.order("google", faults={"revoke": [{"kind": "status"}]})

    async def end(work: Work) -> None:
        await disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id)

    await vault.run(end)
    assert await vault.outbox() == ["provider_revocation"]
    assert len((await vault.simulated.seen("google"))["live_refresh_tokens"]) == 1
    await vault.run(_due_now)
    assert await vault.outbox() == []
    assert (await vault.simulated.seen("google"))["live_refresh_tokens"] == []
    kept = sa.select(metadata.tables["limen_upstream_revocations"].c.sealed_tokens)
    assert await vault.run(lambda work: _scalar(work, kept)) is None  # wiped with the receipt
    state = sa.select(upstream_grants.c.state)
    assert await vault.run(lambda work: _scalar(work, state)) == "erased"


async def test_f14_reading_a_token_twice_redeems_nothing_twice(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada)
    vault.house.clock.advance(HOURS)
    for reader in ("client:a", "client:b"):
        wanted = Wanted(connection_id=connection_id, user_id=ada.id, reader=reader)

        async def ask(work: Work, wanted: Wanted = wanted) -> Any:
            return await token_for(work, vault.parts, wanted=dataclasses.replace(wanted))

        await vault.run(ask)
    assert (await vault.simulated.seen("google"))["calls"]["refresh"] == 1
    readers = [event.reader for event in vault.named("connection:token:released")]
    assert readers == ["client:a", "client:b"]


async def _scalar(work: Work, statement: sa.Executable) -> Any:
    return (await work.execute(statement)).scalar()


async def _due_now(work: Work) -> None:
    outbox = metadata.tables["limen_outbox"]
    await work.execute(
        sa.update(outbox).values(due_at=sa.bindparam("then")),
        then=dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc),
    )


async def test_n245_a_delegated_token_or_another_role_gets_no_token_in_clear(vault: Vault) -> None:
    ada, auditor = await vault.person(), await vault.administrator()
    connection_id = await vault.connect(ada, account=ADA)
    app = dataclasses.replace(
        ada, client_id=await vault.client(), scope=frozenset({"connections:token"})
    )

    async def ask(work: Work) -> Any:
        caller = await caller_of(work, "me")
        return await token_for(work, vault.parts, wanted=caller.wanted(connection_id))

    with pytest.raises(NotPermitted, match="release_not_allowed"):
        await vault.run(ask, actor=app)
    with pytest.raises(NotFound, match="connection_not_found"):
        await vault.run(ask, actor=auditor)
    raw = (await vault.run(ask, actor=ada)).raw_access.reveal()
    listed = await vault.run(lambda work: list_connections(work, vault.parts, user_id=ada.id))
    assert raw not in repr(listed)
