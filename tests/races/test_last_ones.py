"""Twenty who each take away another of the last ones: one stays, whoever comes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from limen.db.work import Work
from limen.federation.clients.credentials import SharedSecret
from limen.federation.clients.sealed import NewCredential, add_credential, retire_credential
from limen.federation.identities import link_identity, list_identities
from limen.federation.profile.identity_id import identity_id
from limen.federation.provider import ExternalIdentity
from limen.federation.upstream_clients import (
    NewUpstreamClient,
    list_credentials,
    set_upstream_client,
)
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.signin.provider.link import unlink
from tests.house import House, house

__all__ = ["house"]
pytestmark = pytest.mark.anyio
CALLERS = 20
TOGETHER = 6


async def open_connections(house: House) -> None:
    """Have several connections open before the race, so that nobody waits for one meanwhile."""
    everybody = asyncio.Barrier(TOGETHER)

    async def meet(work: Work) -> None:
        await list_credentials(work, provider="google")
        await everybody.wait()

    await asyncio.gather(*(house.run(meet) for _ in range(TOGETHER)))


async def race(attempt: Callable[[int], Awaitable[object]]) -> Counter[str]:
    gate = asyncio.Event()

    async def once(number: int) -> str:
        await gate.wait()
        try:
            await attempt(number)
        except Refusal as refusal:
            return refusal.code
        return "done"

    racing = [asyncio.create_task(once(number)) for number in range(CALLERS)]
    gate.set()
    return Counter(await asyncio.gather(*racing))


@pytest.fixture
async def at_google(house: House) -> House:
    """Our client there, with one secret."""
    new = NewUpstreamClient(provider="google", client_id="us", raw_secret=Secret("one"))
    await house.run(lambda work: set_upstream_client(work, house.envelope, new=new))
    await open_connections(house)
    return house


async def test_the_last_secret_of_an_upstream_client_stays(at_google: House) -> None:
    house = at_google

    async def add(_: int) -> None:
        new = NewCredential(credential=SharedSecret(raw=Secret("another")))

        async def body(work: Work) -> None:
            await add_credential(work, house.envelope, provider="google", new=new)

        await house.run(body)

    async def held() -> list[str]:
        found = await house.run(lambda work: list_credentials(work, provider="google"))
        return [each.id for each in found]

    await add(0)
    ids = await held()

    async def retire(number: int) -> None:
        credential_id = ids[number % len(ids)]

        async def body(work: Work) -> None:
            await retire_credential(work, provider="google", credential_id=credential_id)

        await house.run(body)

    told = await race(retire)
    assert told["done"] == 1
    assert len(await held()) == 1
    # Nor do twenty who add one at once give a client more than it keeps.
    assert await race(add) == {"done": 9, "too_many_secrets": CALLERS - 9}


async def test_the_last_way_in_stays(at_google: House) -> None:
    house = at_google
    user = await house.user(password=None)
    actor, _ = await house.signed_in(user)
    for number in range(3):
        found = ExternalIdentity(issuer="https://accounts.google.com", subject=str(number))

        async def link(work: Work, found: ExternalIdentity = found) -> None:
            await link_identity(work, identity=found, user_id=user.id, provider="google")

        await house.run(link)

    async def linked() -> list[str]:
        found = await house.run(lambda work: list_identities(work, user_id=user.id))
        return [identity_id(each.issuer, each.subject) for each in found]

    names = await linked()

    async def leave(number: int) -> None:
        name = names[number % len(names)]
        await house.run(lambda work: unlink(work, user_id=user.id, name=name), actor=actor)

    assert (await race(leave))["done"] == 2
    assert len(await linked()) == 1
