"""A tenant's audit log over a test's database, and hands that reach into it past us."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar

import asyncpg
import pytest

from limen.audit.record import record
from limen.audit.seals.check import Report
from limen.audit.seals.export import export_lines
from limen.audit.seals.sealer import Sealer
from limen.audit.seals.verify import verify_chain
from limen.crypto.envelope import Envelope
from limen.crypto.kms import WrappingKeys
from limen.db.work import Work, Works
from limen.kernel.events import Event
from limen.kernel.site import Site
from limen.observe import logs
from limen.testing.clock import FrozenClock
from tests.unit.crypto.kit import OTHER_SITE, wrapping_key

ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"])
"""What does not touch what the engines do differently."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Painted(Event):
    name: ClassVar[str] = "test:wall:sealed"
    colour: str = "red"
    amount: float = 1.5


@dataclass
class Chain:
    """One installation: two tenants with keys, and a sealer.

    Args:
        url: Of the database, for those who need no permission.
    """

    works: Works
    site: Site
    clock: FrozenClock
    url: str
    envelope: Envelope = field(default_factory=lambda: Envelope(WrappingKeys(wrapping_key())))

    def __post_init__(self) -> None:
        self.sealer = self.new_sealer()

    def new_sealer(self, *, batch: int = 3, lease_seconds: float = 60.0) -> Sealer:
        """What another process would have."""

        async def site_of(tenant_id: str) -> Site:
            return {each.tenant_id: each for each in (self.site, OTHER_SITE)}[tenant_id]

        return Sealer(
            self.works, self.envelope, site_of=site_of, batch=batch, lease_seconds=lease_seconds
        )

    async def tell(self, count: int, *, site: Site | None = None) -> None:
        """Have some things happen, one after the other."""
        for number in range(count):
            self.clock.advance(dt.timedelta(milliseconds=2))

            async def body(work: Work, colour: str = f"no. {number}") -> None:
                await work.record(Painted(colour=colour))

            await self.works.run(site or self.site, body)

    async def seal(self, sealer: Sealer | None = None) -> int:
        """Seal all that waits."""
        total = 0
        while done := await (sealer or self.sealer).run_once():
            total += done
        return total

    async def verify(self, site: Site | None = None, **more: Any) -> Report:
        """What `limen audit verify` finds."""
        return await verify_chain(self.works, self.envelope, site or self.site, **more)

    async def export(self, **more: Any) -> list[str]:
        """What `limen audit export` writes."""
        return [line async for line in export_lines(self.works, self.envelope, self.site, **more)]

    async def sql(self, *statements: str) -> list[Any]:
        """Do what only who has the database itself can do; return the last one's rows."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=5)) as raw:
                rows = [raw.execute(each).fetchall() for each in statements]
                raw.commit()
            return rows[-1]
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(r) for s in statements for r in await connection.fetch(s)]
        finally:
            await connection.close()


@pytest.fixture
async def chain(works: Works, site: Site, clock: FrozenClock, database_url: str) -> Chain:
    made = Chain(works, site, clock, database_url)
    works.recorders = [record]
    for each in (site, OTHER_SITE):
        await works.run(each, made.envelope.create_keys)
    return made


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What was written to the log, read."""
    before = (logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text)
    lines: list[dict[str, Any]] = []
    logs._SETUP.sink = lambda _level, line: lines.append(json.loads(line))
    logs._SETUP.level, logs._SETUP.as_text = 20, False
    yield lines
    logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text = before
