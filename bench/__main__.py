"""``make bench``: measure every path on both engines, beside the yardsticks of this run."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import uvloop

from bench.cpu import leave_a_core, pss_megabytes, take_all_cores
from bench.load import Measured
from bench.paths import PATHS
from bench.peers import (
    empty_post,
    least_client_credentials,
    one_hash,
    one_rsa_signature,
    peer_client_credentials,
)
from bench.report import BUDGETS, Yardsticks, lines
from bench.setting import setting
from bench.vault import measure_vault
from limen.testing.postgres import postgres
from tests.servers import Server

_RUNS: Final = 2
"""Of which the better one counts, a yardstick's as a path's: a busy machine's doing is nobody's."""
IDLE_SECONDS: Final = 3.0
"""After its first answer a process still does the first turn of every background loop."""


async def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    if options.vault_rows:
        await measure_vault(options.vault_rows, seconds=options.seconds)
        return
    with tempfile.TemporaryDirectory(prefix="limen-bench-") as folder:
        leave_a_core()
        for engine in ("sqlite", "postgresql"):
            (Path(folder) / engine).mkdir()
        await _engine("sqlite", Path(folder) / "sqlite", options=options)
        _start_and_memory("sqlite", Path(folder) / "sqlite")
        with postgres(durable=True) as server:
            url = server.url()
            await _engine(
                "postgresql",
                Path(folder) / "postgresql",
                options=options,
                database_url=url,
            )
            _start_and_memory("postgresql", Path(folder) / "postgresql", database_url=url)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured")
    parser.add_argument("--only", default="", help="part of a path's name")
    parser.add_argument(
        "--vault-rows",
        type=int,
        default=0,
        help="instead, the vault with so many connections beside 10000: a million take minutes",
    )
    return parser.parse_args()


async def _yardsticks(units: Collection[str], seconds: float) -> Yardsticks:
    """Measure what a path is a ratio to, beside it: a shared machine changes by the minute."""
    few = min(2.0, seconds)
    empty = min([(await empty_post(few)).cpu_us for _ in range(_RUNS)])
    others = {}
    if "N" in units:
        others["N"] = (await peer_client_credentials(seconds)).cpu_us
    if "M" in units:
        runs = [(await least_client_credentials(few)).cpu_us for _ in range(_RUNS)]
        others["M"] = min(runs)
    if "H" in units:
        others["H"] = await one_hash()
    if "R" in units:
        others["R"] = one_rsa_signature()
    return Yardsticks(empty, others)


async def _engine(
    engine: str,
    folder: Path,
    *,
    options: argparse.Namespace,
    database_url: str = "",
) -> None:
    async with setting(folder, database_url=database_url) as made:
        # It migrated, and has answered all of what sets this up, the administrators' API too.
        print(f"{engine:<11}after its first work: {pss_megabytes(made.server.pid):.0f} MB PSS")
        for name, measure in PATHS.items():
            if options.only not in name:
                continue
            units = {budget.unit for budget in BUDGETS[name]}
            yardsticks = await _yardsticks(units, options.seconds)
            runs: list[Measured] = [await measure(made, options.seconds) for _ in range(_RUNS)]
            best = min(runs, key=lambda run: run.cpu_us)
            for each in lines(engine, name, best, yardsticks=yardsticks):
                print(each, flush=True)


def _start_and_memory(engine: str, folder: Path, *, database_url: str = "") -> None:
    """Start once more on the same data: the second start is the one that counts."""
    take_all_cores()
    server = Server(folder, database_url=database_url, cold=True)
    began = time.perf_counter()
    server.start()
    took = time.perf_counter() - began
    print(f"{engine:<11}second start to first answer: {took:.2f} s (budget 2.5 s)")
    time.sleep(IDLE_SECONDS)
    print(f"{engine:<11}idle: {pss_megabytes(server.pid):.0f} MB PSS (budget 120 MB)")
    server.stop()
    leave_a_core()


if __name__ == "__main__":
    uvloop.run(main(_options()))
