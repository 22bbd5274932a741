"""A refresher may die at any point: never two redemptions, never an older token over a newer."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.kernel import failpoints
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict
from limen.vault.disconnect import disconnect
from limen.vault.refresh.claim import Claimed, claim
from limen.vault.refresh.outcome import Moved, Postponed
from limen.vault.refresh.recover import recover
from limen.vault.refresh.redeem import find_upstream, redeem
from limen.vault.store.connections import list_connections
from limen.vault.tables import upstream_grants
from tests.simulated import ADA, NOTION_ADA
from tests.vaults import Vault

pytestmark = pytest.mark.anyio


class Died(BaseException):
    """Stands for the end of the process: nothing catches it on the way."""


@pytest.fixture(autouse=True)
def harmless_afterwards() -> Iterator[None]:
    yield
    failpoints.disarm()


def die_at(name: str) -> None:
    def die() -> None:
        failpoints.disarm()
        raise Died

    failpoints.arm([name], die)


async def crashed(vault: Vault, point: str, provider: str, account: str) -> tuple[Actor, str]:
    """A connection whose refresher died at a point; the next process finds what it left."""
    ada = await vault.person()
    connection_id = await vault.connect(ada, provider, account=account)
    vault.house.clock.advance(dt.timedelta(hours=2))
    die_at(f"vault.refresh.{point}")
    with pytest.raises(Died):
        await vault.token(ada, connection_id, seen_generation=1)
    return ada, connection_id


async def counts(vault: Vault, provider: str) -> tuple[int, int]:
    seen = await vault.simulated.seen(provider)
    found = list(seen["redemptions"].values())
    return sum(each["presented"] for each in found), sum(each["accepted"] for each in found)


async def end_leases(vault: Vault) -> None:
    """Let every lease have run out: they run on the database's clock, which nobody moves."""
    ended = sa.update(upstream_grants).values(lease_until=None)

    async def body(work: Work) -> None:
        await work.execute(ended)

    await vault.run(body)


@pytest.mark.parametrize(
    ("point", "presented", "survives"),
    [
        ("before_claim", 0, True),
        ("in_claim", 0, True),
        ("after_claim", 0, False),
        ("after_answer", 1, False),
        ("in_journal", 1, False),
        ("after_journal", 1, True),
        ("in_commit", 1, True),
        ("after_commit", 1, True),
    ],
)
async def test_f7_f8_a_rotating_refresh_token_is_never_shown_twice(
    vault: Vault, point: str, presented: int, survives: bool
) -> None:
    ada, connection_id = await crashed(vault, point, "notion", NOTION_ADA)
    await end_leases(vault)
    assert (await counts(vault, "notion"))[0] == presented
    if survives:
        released = await vault.token(ada, connection_id, seen_generation=1)
        assert released.generation == 2
        assert await counts(vault, "notion") == (1, 1)
        answer = await vault.simulated.http.get(
            f"{vault.simulated.base_url}/notion/v1/users/me",
            headers={
                "authorization": f"Bearer {released.raw_access.reveal()}",
                "notion-version": "2022-06-28",
            },
        )
        assert answer.status_code == 200
    else:
        with pytest.raises(Conflict, match="connection_reauth_required"):
            await vault.token(ada, connection_id, seen_generation=1)
        assert (await counts(vault, "notion"))[0] == presented
        assert (await vault.shown(ada, connection_id)).reason == "lost_rotation"


@pytest.mark.parametrize(
    "point",
    [
        "before_claim",
        "in_claim",
        "after_claim",
        "after_answer",
        "in_journal",
        "after_journal",
        "in_commit",
        "after_commit",
    ],
)
async def test_a_refresh_token_that_stays_survives_every_crash(vault: Vault, point: str) -> None:
    ada, connection_id = await crashed(vault, point, "google", ADA)
    await end_leases(vault)
    released = await vault.token(ada, connection_id, seen_generation=1)
    assert released.generation == 2


@pytest.mark.parametrize(
    ("point", "state", "generation"),
    [
        ("after_claim", "uncertain", 1),
        ("after_answer", "uncertain", 1),
        ("after_journal", "active", 2),
        ("in_commit", "active", 2),
    ],
)
async def test_f6_f8_f9_recovery_settles_what_was_left(
    vault: Vault, point: str, state: str, generation: int
) -> None:
    ada, connection_id = await crashed(vault, point, "notion", NOTION_ADA)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 0  # the lease still runs
    await end_leases(vault)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    assert await recover(vault.parts, site_of=vault.house.site_of) == 0
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.generation) == (state, generation)


async def late(vault: Vault, ada: Actor, connection_id: str) -> Claimed:
    """A refresh that was begun, then given up by others, and whose answer is still to come."""
    listed = await vault.run(lambda work: list_connections(work, owner_id=ada.id, most=1))
    grant = listed[0].grant
    upstream = await find_upstream(vault.parts, vault.house.site, provider="notion")
    claimed = await vault.run(
        lambda work: claim(
            work, vault.parts, grant_id=grant.id, seen_generation=1, upstream=upstream
        )
    )
    assert isinstance(claimed, Claimed)
    await end_leases(vault)
    assert connection_id == listed[0].id
    return claimed


async def arrive(vault: Vault, claimed: Claimed) -> object:
    endpoints = await claimed.upstream.provider.endpoints(
        vault.parts.net, now=vault.house.clock.now()
    )
    begun = asyncio.get_running_loop().time()
    return await redeem(vault.parts, vault.house.site, claimed, endpoints=endpoints, begun=begun)


async def test_an_answer_that_others_gave_up_is_still_taken(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    claimed = await late(vault, ada, connection_id)
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    assert (await vault.shown(ada, connection_id)).state == "uncertain"
    assert await arrive(vault, claimed) == Moved()
    shown = await vault.shown(ada, connection_id)
    assert (shown.state, shown.generation) == ("active", 2)


async def test_f39_an_answer_that_comes_after_the_end_is_revoked(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    claimed = await late(vault, ada, connection_id)
    await vault.run(
        lambda work: disconnect(work, vault.parts, connection_id=connection_id, user_id=ada.id)
    )
    assert await recover(vault.parts, site_of=vault.house.site_of) == 1
    await arrive(vault, claimed)
    assert await vault.outbox() == []
    seen = await vault.simulated.seen("notion")
    assert (seen["live_access_tokens"], seen["live_refresh_tokens"]) == ([], [])


async def test_f5_a_lease_that_is_nearly_over_sends_nothing(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, "notion", account=NOTION_ADA)
    claimed = await late(vault, ada, connection_id)
    endpoints = await claimed.upstream.provider.endpoints(
        vault.parts.net, now=vault.house.clock.now()
    )
    long_ago = asyncio.get_running_loop().time() - vault.parts.times.lease_seconds
    outcome = await redeem(
        vault.parts, vault.house.site, claimed, endpoints=endpoints, begun=long_ago
    )
    assert outcome == Postponed("lease_too_short")
    assert await counts(vault, "notion") == (0, 0)
