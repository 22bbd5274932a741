"""Many people connect one account at once: it has one grant, and each a connection to it."""

from __future__ import annotations

import asyncio

import pytest

from limen.db.work import Work
from limen.federation.upstream_clients import list_credentials
from tests.simulated import ADA
from tests.vaults import Vault, house, simulated, vault

__all__ = ["house", "simulated", "vault"]
pytestmark = pytest.mark.anyio
PEOPLE = 8


async def open_connections(vault: Vault) -> None:
    """Have a database connection open for each, so that nobody waits for one meanwhile."""
    everybody = asyncio.Barrier(PEOPLE)

    async def meet(work: Work) -> None:
        await list_credentials(work, provider="google")
        await everybody.wait()

    await asyncio.gather(*(vault.run(meet) for _ in range(PEOPLE)))


async def test_one_account_connected_by_many_at_once_has_one_grant(vault: Vault) -> None:
    people = [await vault.person() for _ in range(PEOPLE)]
    urls = [await vault.leave(each, "google") for each in people]
    callbacks = [await vault.simulated.approve(url, account=ADA) for url in urls]
    await open_connections(vault)
    connected = await asyncio.gather(
        *(
            vault.come_back(person, callback, "google")
            for person, callback in zip(people, callbacks, strict=True)
        )
    )
    ids = {each.connection_id for each in connected}
    assert len(ids) == PEOPLE
    tokens = {
        (await vault.token(person, each.connection_id)).raw_access.reveal()
        for person, each in zip(people, connected, strict=True)
    }
    assert len(tokens) == 1  # all of them read the same grant
