"""Ten workers, one connection, and something that goes wrong: what must hold whatever it is.

The provider's own counts are the oracle: which refresh tokens it was shown, and how often.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa

from limen.db.engines import open_database
from limen.db.work import Work, Works
from limen.federation.catalogue.load import load_entries
from limen.federation.tables import upstream_clients
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel import failpoints
from limen.kernel.actor import Actor
from limen.kernel.errors import Conflict, ProviderUnavailable, Unavailable
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.refresh.recover import recover
from limen.vault.tables import upstream_grants
from tests.vaults import Vault, make_parts

WORKERS: Final = 10
LOOPS: Final = 2
"""So many of the workers refresh in the background, the others for somebody who waits."""
SHORT: Final = {"deadline_seconds": 4.0, "lease_seconds": 20.0, "wait_seconds": 20.0}
LATER: Final = dt.timedelta(hours=25)

KINDS: Final = {
    "static": "google",
    "replace_keep_old": "microsoft",
    "single_use": "notion",
    "single_use with grace": "linear",
}
POINTS: Final = {
    # where the process dies -> whether what a provider gave may be lost with it
    "before_claim": False,
    "in_claim": False,
    "after_claim": True,
    "after_answer": True,
    "in_journal": True,
    "after_journal": False,
    "in_commit": False,
    "after_commit": False,
}
FAULTS: Final[dict[str, tuple[dict[str, Any], bool]]] = {
    # what the provider does -> whether what it gave may be lost
    "works": ({}, False),
    "drop": ({"kind": "drop"}, True),
    "drop_before": ({"kind": "drop_before"}, True),
    "slow": ({"kind": "slow", "seconds": 6.0}, True),
    "no object": ({"kind": "array"}, True),
    "HTML, 200": ({"kind": "html", "status": 200}, True),
    "HTML, 502": ({"kind": "html", "status": 502}, False),
    "500": ({"kind": "status", "status": 500}, False),
    "429": ({"kind": "status", "status": 429, "retry_after": 60}, False),
    "invalid_client": ({"kind": "error", "status": 401, "error": "invalid_client"}, False),
}

Step = tuple[Literal["dies", "fails"], str, str]
"""How, where or with what, and the kind of provider."""

WHOLE: Final[tuple[Step, ...]] = (
    *(("dies", point, kind) for point, kind in itertools.product(POINTS, KINDS)),
    *(("fails", fault, kind) for fault, kind in itertools.product(FAULTS, KINDS)),
)


class Died(BaseException):
    """Stands for the end of a process: nothing catches it on the way."""


@dataclass
class Held:
    """A connection, and what is known of it."""

    actor: Actor
    connection_id: str
    generation: int = 1


@dataclass
class Workers:
    """The same vault ten times over one database, as ten processes have it."""

    vault: Vault
    others: Sequence[Vault]
    held: dict[str, Held] = field(default_factory=dict)

    async def run(self, steps: Sequence[Step]) -> None:
        """Take steps one after the other, and see what must hold after each."""
        for how, what, kind in steps:
            held = self.held.get(kind) or await self._connect(kind)
            survived = await self._step(held, how, what, provider=KINDS[kind])
            lost = POINTS[what] if how == "dies" else FAULTS[what][1]
            said = f"{kind}: {how} {what}"
            assert survived or (lost and kind == "single_use"), f"{said}: dead for no reason"
            await self._counts(kind, said)
            if not survived:
                del self.held[kind]
        for kind, held in self.held.items():  # and all of them work on
            assert await self._step(held, "fails", "works", provider=KINDS[kind]), kind

    async def _connect(self, kind: str) -> Held:
        ada = await self.vault.person()
        connection_id = await self.vault.connect(ada, KINDS[kind])
        shown = await self.vault.shown(ada, connection_id)
        self.held[kind] = Held(ada, connection_id, shown.generation)
        return self.held[kind]

    async def _step(self, held: Held, how: str, what: str, *, provider: str) -> bool:
        self.vault.house.clock.advance(LATER)
        await self._make_due(provider)
        if how == "dies":
            failpoints.arm([f"vault.refresh.{what}"], _die)
        elif FAULTS[what][0]:
            await self.vault.simulated.order(provider, faults={"refresh": [FAULTS[what][0]]})
        tasks = [
            self._work(number, held, point=what if how == "dies" else "")
            for number in range(WORKERS)
        ]
        told = await asyncio.gather(*tasks)
        failpoints.disarm()
        assert how != "dies" or "died" in told, f"nobody passed {what}"
        await self.vault.simulated.order(provider, faults={})
        return await self._goes_on(held)

    async def _work(self, number: int, held: Held, *, point: str) -> str:
        """Do what one process does; a dead one's lease runs out at once."""
        mine, in_loop = self.others[number], number < LOOPS
        try:
            if in_loop:
                await mine.loop()
            else:
                await mine.token(held.actor, held.connection_id, seen_generation=held.generation)
        except Died:
            if point not in {"before_claim", "in_claim"} or (in_loop and point == "in_claim"):
                await self._change(upstream_grants, lease_until=None)
            return "died"
        except (Conflict, ProviderUnavailable, Unavailable) as refused:
            return refused.code
        return "done"

    async def _goes_on(self, held: Held) -> bool:
        """Let pauses end, and see whether a newer token is to be had; the newest one counts."""
        await self._change(upstream_grants, lease_until=None, retry_at=None)
        await self._change(upstream_clients, blocked_until=None)
        vault = self.vault
        await recover(vault.parts, site_of=vault.house.site_of)
        before = held.generation
        try:
            released = await vault.token(held.actor, held.connection_id, seen_generation=before)
        except Conflict:
            return False
        assert released.generation > before, "an older token over a newer"
        held.generation = released.generation
        shown = await vault.shown(held.actor, held.connection_id)
        assert (shown.state, shown.generation) == ("active", released.generation)
        return True

    async def _counts(self, kind: str, said: str) -> None:
        seen = await self.vault.simulated.seen(KINDS[kind])
        for count in seen["redemptions"].values():
            assert count["presented"] == count["accepted"], f"{said}: a dead one was shown"
            if kind == "single_use":
                assert count["presented"] == 1, f"{said}: shown twice"
            if kind == "single_use with grace":
                assert count["presented"] <= 2, f"{said}: tried more than once again"

    async def _make_due(self, provider: str) -> None:
        """Have the loops want this provider's grants, and no others."""
        await self._change(upstream_grants, next_refresh_at=None)
        now = self.vault.house.clock.now()
        await self._change(
            upstream_grants, upstream_grants.c.provider == provider, next_refresh_at=now
        )

    async def _change(self, table: sa.Table, *where: sa.ColumnElement[bool], **values: Any) -> None:
        names = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in values}
        statement = sa.update(table).where(*where).values(**names)

        async def body(work: Work) -> None:
            await work.execute(
                statement, **{f"new_{name}": value for name, value in values.items()}
            )

        await self.vault.run(body)


def schedule(seed: int, *, of: Sequence[Step] = WHOLE) -> list[Step]:
    """Return the steps in an order of their own."""
    steps = list(of)
    random.Random(seed).shuffle(steps)
    return steps


@contextlib.asynccontextmanager
async def workers(vault: Vault, database_url: str) -> AsyncIterator[Workers]:
    """Open ten pools of connections over the vault's database."""
    await _register(vault)
    async with contextlib.AsyncExitStack() as stack:
        others = []
        for _ in range(WORKERS):
            database = open_database(database_url)
            await database.open()
            stack.push_async_callback(database.close)
            works = Works(database, vault.house.clock)
            works.recorders = vault.house.works.recorders
            house = dataclasses.replace(vault.house, works=works)
            parts = make_parts(house, vault.simulated.base_url, vault.parts.net)
            other = dataclasses.replace(vault, house=house, parts=parts)
            others.append(other.with_times(**SHORT))
        try:
            yield Workers(vault.with_times(**SHORT), others)
        finally:
            failpoints.disarm()


async def _register(vault: Vault) -> None:
    """Make clients at all the kinds of provider."""

    async def furnish(work: Work) -> None:
        for provider in KINDS.values():
            new = NewUpstreamClient(
                provider=provider, client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
            )
            await set_upstream_client(work, vault.house.envelope, new=new)

    await vault.run(furnish)
    client = {"client_id": CLIENT_ID, "secret": CLIENT_SECRET, "expires": True}
    for kind, provider in KINDS.items():
        rotation = load_entries()[provider].lifetime.rotation
        assert kind.startswith(rotation), f"{provider} rotates otherwise now"
        await vault.simulated.order(provider, clients=[client])


def _die() -> None:
    failpoints.disarm()
    raise Died
