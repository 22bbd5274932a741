"""Refreshes in the background: how many a second one process makes, and what each of them costs."""

from __future__ import annotations

import copy
import dataclasses
import gc
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg
from typing_extensions import override

from bench.cpu import cpu_seconds, parent
from bench.vault_rows import LIVE, Rows, new_envelope
from limen.db.postgres import PostgresConnection
from limen.federation.provider import Endpoints, Provider
from limen.federation.registry import Catalogue
from limen.testing.processes import answers, free_port
from limen.vault.parts import Parts
from limen.vault.refresh.loop import RefreshLoop

PER_SECOND: Final = 500
"""The budget: of one process."""
LATENCY_SECONDS: Final = 0.1
_WARM_ROUNDS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What was measured.

    Args:
        per_second: Refreshes, by the clock on the wall.
        limen_us: CPU of our process for one refresh.
        postgresql_us: CPU of the database server for one.
        endpoint_us: CPU of what stands for the provider.
        trips: Messages to the database that had to be waited for, for one.
    """

    per_second: float
    limen_us: float
    postgresql_us: float
    endpoint_us: float
    trips: float

    @override
    def __str__(self) -> str:
        """Write the row of the report."""
        verdict = "within" if self.per_second >= PER_SECOND else "UNDER"
        return (
            f"{self.per_second:>6.0f}/s {self.per_second / PER_SECOND:>5.2f} of {PER_SECOND}/s "
            f"{verdict}; CPU of one: ours {self.limen_us:.0f} us, PostgreSQL "
            f"{self.postgresql_us:.0f} us, endpoint {self.endpoint_us:.0f} us; "
            f"{self.trips:.1f} trips to the database"
        )


class Elsewhere(Catalogue):
    """The catalogue, with every provider's refreshes sent to one address.

    Args:
        of: The catalogue as it is.
        url: Of the token endpoint.
    """

    def __init__(self, of: Catalogue, url: str) -> None:
        super().__init__(of.providers)
        self._url = url
        self._moved: dict[str, Provider] = {}

    @override
    def get(self, provider: str, config: Mapping[str, Any]) -> Provider:
        if provider not in self._moved:
            moved: Any = copy.copy(super().get(provider, config))
            asked = moved.endpoints

            async def endpoints(*args: Any, **more: Any) -> Endpoints:
                found: Endpoints = await asked(*args, **more)
                return replace(found, refresh=replace(found.refresh, url=self._url))

            moved.endpoints = endpoints
            self._moved[provider] = moved
        return self._moved[provider]


async def measure_rate(made: Rows, seconds: float) -> Rate:
    """Refresh in the background as fast as one process can, at a provider that takes its time.

    The data keys of the grants are not at hand, as with more grants than any cache holds, and
    every refresh is audited.
    """
    with _endpoint() as (url, endpoint), _trips() as trips:
        parts = _parts(made, url)
        loop = RefreshLoop(parts, site_of=made.site_of)
        for _ in range(_WARM_ROUNDS):
            await made.make_due(LIVE)
            await _drain(loop)
        gc.collect()
        gc.freeze()  # as ``limen serve`` has it
        server, generations = await _postmaster(made.dsn), await made.generations()
        cpu = dict.fromkeys(("limen", "postgresql", "endpoint"), 0.0)
        done, took, sent = 0, 0.0, 0
        while took < seconds:
            await made.make_due(LIVE)
            before = _used(server, endpoint.pid)
            began, had = time.perf_counter(), trips[0]
            done += await _drain(loop)
            took += time.perf_counter() - began
            sent += trips[0] - had
            for name, used in _used(server, endpoint.pid).items():
                cpu[name] += used - before[name]
    moved = await made.generations() - generations
    if moved != done:
        raise RuntimeError(f"{done} refreshes moved {moved} generations")
    each = {name: used / done * 1e6 for name, used in cpu.items()}
    return Rate(
        per_second=done / took,
        limen_us=each["limen"],
        postgresql_us=each["postgresql"],
        endpoint_us=each["endpoint"],
        trips=sent / done,
    )


def _parts(made: Rows, url: str) -> Parts:
    envelope = new_envelope(most_cached=LIVE // 2)
    federation = dataclasses.replace(made.parts.federation, envelope=envelope)
    catalogue = Elsewhere(made.parts.catalogue, url)
    return dataclasses.replace(made.parts, federation=federation, catalogue=catalogue)


async def _drain(loop: RefreshLoop) -> int:
    done = 0
    while count := await loop.run_once():
        done += count
    return done


def _used(server: int, endpoint: int) -> dict[str, float]:
    return {
        "limen": time.process_time(),
        "postgresql": cpu_seconds(server),
        "endpoint": cpu_seconds(endpoint),
    }


async def _postmaster(dsn: str) -> int:
    """Return the process that all of the server's others are children of."""
    raw = await asyncpg.connect(dsn)
    backend = int(await raw.fetchval("SELECT pg_backend_pid()"))
    server = parent(backend)
    await raw.close()
    return server


@contextmanager
def _endpoint() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    command = [sys.executable, "-m", "bench.token_endpoint", str(port), str(LATENCY_SECONDS)]
    process = subprocess.Popen(command)
    try:
        while not answers(port):
            if process.poll() is not None:
                raise RuntimeError("the token endpoint ended")
        yield f"http://127.0.0.1:{port}/token", process
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def _trips() -> Iterator[list[int]]:
    """Count what the database was asked and answered, until the block ends."""
    count = [0]
    names = [name for name in ("run", "run_many", "fetch_each", "_verb") if _has(name)]
    originals = {name: getattr(PostgresConnection, name) for name in names}

    def counted(original: Any) -> Any:
        async def ask(*args: Any, **more: Any) -> Any:
            count[0] += 1
            return await original(*args, **more)

        return ask

    for name, original in originals.items():
        setattr(PostgresConnection, name, counted(original))
    try:
        yield count
    finally:
        for name, original in originals.items():
            setattr(PostgresConnection, name, original)


def _has(name: str) -> bool:
    return hasattr(PostgresConnection, name)
