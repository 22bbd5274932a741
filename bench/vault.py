"""The vault with many connections: what claiming, refreshing and listing cost as it grows.

Not part of every ``make bench``: ``make bench ARGS="--vault-rows 1000000"``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg

from bench.vault_rate import LATENCY_SECONDS, measure_rate
from bench.vault_rows import LIVE, SITE, Rows, come_back, leave, vault_rows
from limen.db.fair.leases import Beside, Look
from limen.db.work import Work
from limen.kernel.site import ALL_TENANTS
from limen.testing.postgres import PostgresServer, postgres
from limen.vault.listing import list_connections
from limen.vault.refresh.loop import RefreshLoop
from limen.vault.store import journal
from limen.vault.store.due import look_beside
from limen.vault.token_for import Wanted, token_for

T = TypeVar("T")
FEW: Final = 10_000
USERS: Final = 100
_BATCH: Final = 50
_ROWS: Final = 4000
_ALL_DUE: Final = dt.timedelta(days=2)
"""By then, all that are only rows are due."""
_TIMES: Final = 40
_WARM: Final = 10
"""Calls that are not counted: statements are prepared, pages read."""
_FLAT: Final = 1.5
_SLOWEST_SECONDS: Final = 2.0
_SLOWEST_STATEMENT_MS: Final = 100.0
_NOTED_MS: Final = 10.0
_DURATION: Final = re.compile(
    r"duration: ([\d.]+) ms  (?:execute \S+|statement|parse \S+|bind \S+): (.*)"
)


@dataclass
class Slowest:
    """Statements as the server timed them, those that took long.

    Args:
        took_ms: Of each of them, its beginning first.
    """

    took_ms: dict[str, float] = field(default_factory=dict)

    def read(self, log: str) -> None:
        """Read what the server wrote of statements that took ``_NOTED_MS`` at least."""
        for took, sql in _DURATION.findall(log):
            said = " ".join(sql.split())[:300]
            self.took_ms[said] = max(float(took), self.took_ms.get(said, 0.0))


async def measure_vault(rows: int, *, seconds: float) -> None:
    """Measure and print, on PostgreSQL.

    Args:
        rows: Connections of one vault; another beside it has ``FEW``, and is asked in turns with
            it: a shared machine changes by the minute.
        seconds: How long each rate is measured.
    """
    print(f"vault: load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with postgres(durable=True) as server:
        async with (
            vault_rows(await _database(server, "few")) as few,
            vault_rows(await _database(server, "many")) as many,
        ):
            began = time.perf_counter()
            await few.grow(FEW)
            await many.grow(rows)
            print(
                f"vault: {rows} connections after {time.perf_counter() - began:.0f} s", flush=True
            )
            for name, once in _ASKED.items():
                print(f"postgresql {name:<40}{await _compare(once, few, many)}", flush=True)
            await _rate(many, seconds)
            await _at_once(many)


async def _database(server: PostgresServer, name: str) -> str:
    raw = await asyncpg.connect(server.url())
    await raw.execute(f'CREATE DATABASE "{name}"')
    await raw.close()
    return server.url(name)


async def _compare(once: Callable[[Rows], Awaitable[float]], few: Rows, many: Rows) -> str:
    """Return the lower quartiles of both, which a busy machine moves least, and their ratio."""
    took: dict[int, list[float]] = {id(few): [], id(many): []}
    for number in range(_WARM + _TIMES):
        for made in (few, many) if number % 2 else (many, few):
            took[id(made)].append(await once(made))
    before, after = (sorted(each[_WARM:])[_TIMES // 4] for each in took.values())
    verdict = "within" if after / before <= _FLAT else "OVER"
    return (
        f"{before:>9.2f} ms{after:>9.2f} ms{after / before:>8.2f} x{'':<9} "
        f"budget {_FLAT:g} x{'':<7}{verdict}"
    )


async def _claim(made: Rows) -> float:
    await made.make_due(LIVE)

    async def claim(work: Work) -> int:
        return len(await journal.claim_due(work, batch=_BATCH, owner="bench", lease_seconds=30.0))

    began = time.perf_counter()
    assert await made.works.run(ALL_TENANTS, claim) == _BATCH
    took = (time.perf_counter() - began) * 1e3
    await made.make_due(0)
    return took


async def _look(made: Rows) -> float:
    """Look for others behind a tenant of whom everything is due, as one look does it."""
    out = Beside(tenants=frozenset({SITE.tenant_id}))

    async def look(work: Work) -> Look:
        work.now += _ALL_DUE
        return await look_beside(work, out, since=work.now - 2 * _ALL_DUE, rows=_ROWS, most=_BATCH)

    began = time.perf_counter()
    seen = await made.works.run(ALL_TENANTS, look)
    took = (time.perf_counter() - began) * 1e3
    assert (len(seen.found), seen.rows_read) == (0, _ROWS)
    return took


async def _refresh(made: Rows) -> float:
    """Refresh fifty in the loop at an endpoint that answers at once; return what one takes."""
    await made.make_due(_BATCH)
    began = time.perf_counter()
    assert await RefreshLoop(made.parts, site_of=made.site_of).run_once() >= _BATCH
    return (time.perf_counter() - began) / _BATCH * 1e3


_NUMBERS = itertools.count(1)


async def _list(made: Rows) -> float:
    user_id = f"u{next(_NUMBERS) * 7 % (made.count // 10)}"

    async def body(work: Work) -> Any:
        return await list_connections(work, made.parts, user_id=user_id)

    began = time.perf_counter()
    assert len(await made.run(body)) == 10
    return (time.perf_counter() - began) * 1e3


async def _token(made: Rows) -> float:
    wanted = Wanted(connection_id=made.live[-1], user_id=made.ada.id, reader="")

    async def body(work: Work) -> Any:
        return await token_for(work, made.parts, wanted=wanted)

    await made.run(body)
    began = time.perf_counter()
    await made.run(body)
    return (time.perf_counter() - began) * 1e3


_ASKED: Final[dict[str, Callable[[Rows], Awaitable[float]]]] = {
    "claiming 50 that are due": _claim,
    "looking for others behind all of them": _look,
    "refreshing one of 50 in the loop": _refresh,
    "listing a person's ten": _list,
    "finding a token that is fresh": _token,
}


async def _rate(made: Rows, seconds: float) -> None:
    """Refresh in the background, at a provider that takes 100 ms."""
    print(
        "vault: an endpoint of our own answers, over plain HTTP on kept connections, with a new "
        f"access and refresh token after {LATENCY_SECONDS * 1e3:.0f} ms",
        flush=True,
    )
    for _ in range(2):
        print(f"postgresql background refreshes {await measure_rate(made, seconds)}", flush=True)


async def _at_once(made: Rows) -> None:
    """Have a hundred people connect at the same moment, twice: they leave, and they come back.

    What they do at the provider in between is nobody's to wait for here.
    """
    await made.simulated.order("google", lies={"latency_seconds": 0.1})
    accounts = [
        {"sub": f"sub-{number}", "email": f"p{number}@example.test", "name": "P"}
        for number in range(USERS)
    ]
    await made.simulated.order("google", accounts=accounts)
    people = [await made.person(f"person{number}") for number in range(USERS)]
    async with _statements(made) as slowest:
        away = await _all_at_once("leave", [leave(made, each) for each in people])
        back = [
            await made.simulated.approve(url, account=f"sub-{number}")
            for number, url in enumerate(away)
        ]
        returning = zip(people, back, strict=True)
        await _all_at_once("return", [come_back(made, each, url) for each, url in returning])
    _tell_slowest(slowest)


async def _all_at_once(what: str, each: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Begin all in the same moment; tell how long the last one took."""
    began, used = time.perf_counter(), time.process_time()
    done = await asyncio.gather(*each)
    longest, cpu = time.perf_counter() - began, time.process_time() - used
    verdict = "within" if longest <= _SLOWEST_SECONDS else "OVER"
    print(
        f"postgresql {USERS} {what} at once, to connect: the last after {longest:.2f} s "
        f"({cpu / USERS * 1e3:.1f} ms of ours each), budget {_SLOWEST_SECONDS:g} s {verdict}",
        flush=True,
    )
    return done


def _tell_slowest(slowest: Slowest) -> None:
    over = {sql: ms for sql, ms in slowest.took_ms.items() if ms > _SLOWEST_STATEMENT_MS}
    longest = max(slowest.took_ms.values(), default=_NOTED_MS)
    print(
        f"postgresql statements meanwhile, as the server timed them: longest {longest:.0f} ms, "
        f"budget {_SLOWEST_STATEMENT_MS:g} ms {'OVER' if over else 'within'}"
    )
    for sql, took_ms in over.items():
        print(f"    {took_ms:.0f} ms: {sql}")


@asynccontextmanager
async def _statements(made: Rows) -> AsyncIterator[Slowest]:
    """Have the server note what takes long, until the block ends.

    Timed here, it would be the wait for a turn of this process that is measured.
    """
    slowest = Slowest()
    raw = await asyncpg.connect(made.dsn)
    try:
        await raw.execute(f"ALTER SYSTEM SET log_min_duration_statement = {_NOTED_MS:g}")
        await raw.execute("SELECT pg_reload_conf()")
        log = Path(await raw.fetchval("SHOW data_directory")).parent / "log"
        began = await asyncio.to_thread(log.stat)
        yield slowest
        slowest.read((await asyncio.to_thread(log.read_text))[began.st_size :])
        await raw.execute("ALTER SYSTEM RESET log_min_duration_statement")
        await raw.execute("SELECT pg_reload_conf()")
    finally:
        await raw.close()
