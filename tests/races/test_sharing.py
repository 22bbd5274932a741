"""Somebody agrees to share a feature while it is switched off: no agreement outlives it."""

from __future__ import annotations

import asyncio

import pytest

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import InvalidInput, NotFound
from limen.vault.disconnect import disconnect
from limen.vault.sharing.consents import Wish, list_shared, share, switch_off
from limen.vault.store import sharing
from tests.patience import until
from tests.races.waiting import waits_or_is_over
from tests.simulated import ADA
from tests.vaults import Vault, house, simulated, vault

__all__ = ["house", "simulated", "vault"]
pytestmark = pytest.mark.anyio
FEATURE = "calendar_read"


class Owner:
    """Somebody with a connection, and a client that may use it."""

    def __init__(self, vault: Vault, actor: Actor, connection_id: str, client_id: str) -> None:
        self.vault, self.actor, self.connection_id = vault, actor, connection_id
        self.wish = Wish(connection_id=connection_id, client_id=client_id, features=(FEATURE,))

    async def agree(self, work: Work) -> None:
        await share(work, self.vault.parts, owner_id=self.actor.id, wish=self.wish)

    async def stop(self, work: Work) -> None:
        await switch_off(
            work,
            self.vault.parts,
            owner_id=self.actor.id,
            connection_id=self.connection_id,
            feature=FEATURE,
        )

    async def end(self, work: Work) -> None:
        await disconnect(
            work, self.vault.parts, connection_id=self.connection_id, user_id=self.actor.id
        )

    async def agreed(self) -> int:
        found = await self.vault.run(lambda work: list_shared(work, owner_id=self.actor.id))
        return len(found)


@pytest.fixture
async def owner(vault: Vault) -> Owner:
    actor, client_id = await vault.person(), await vault.client()
    connection_id = await vault.connect(actor, account=ADA, features=(FEATURE,))
    return Owner(vault, actor, connection_id, client_id)


async def test_who_agrees_first_is_seen_by_who_switches_off(
    owner: Owner, database_url: str
) -> None:
    later: list[asyncio.Task[None]] = []

    async def agree(work: Work) -> None:
        await owner.agree(work)
        if not later:
            later.append(asyncio.create_task(owner.vault.run(owner.stop, actor=owner.actor)))
        await until(lambda: waits_or_is_over(later[0], database_url))

    await owner.vault.run(agree, actor=owner.actor)
    await later[0]
    assert await owner.agreed() == 0


async def test_who_switches_off_first_is_seen_by_who_agrees(
    owner: Owner, database_url: str
) -> None:
    later: list[asyncio.Task[None]] = []

    async def stop(work: Work) -> None:
        await owner.stop(work)
        if not later:
            later.append(asyncio.create_task(owner.vault.run(owner.agree, actor=owner.actor)))
        await until(lambda: waits_or_is_over(later[0], database_url))

    await owner.vault.run(stop, actor=owner.actor)
    with pytest.raises(InvalidInput, match="feature_inactive"):
        await later[0]
    assert await owner.agreed() == 0


async def test_nothing_is_agreed_over_a_connection_that_ends(
    owner: Owner, database_url: str
) -> None:
    later: list[asyncio.Task[None]] = []

    async def end(work: Work) -> None:
        await owner.end(work)
        if not later:
            later.append(asyncio.create_task(owner.vault.run(owner.agree, actor=owner.actor)))
        await until(lambda: waits_or_is_over(later[0], database_url))

    await owner.vault.run(end, actor=owner.actor)
    with pytest.raises(NotFound, match="connection_not_found"):
        await later[0]
    left = await owner.vault.run(lambda work: sharing.consents_for(work, [owner.connection_id]))
    assert left == []
