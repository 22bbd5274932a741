"""``make bench``: measure every path on both engines, beside the yardsticks of this run."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from bench.cpu import pss_megabytes
from bench.load import Measured
from bench.paths import PATHS
from bench.peers import empty_post, one_hash, one_rsa_signature, peer_client_credentials
from bench.report import Yardsticks, line
from bench.setting import setting
from limen.testing.postgres import postgres
from tests.servers import Server


async def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="limen-bench-") as folder:
        yardsticks = await _yardsticks(options.seconds)
        for engine in ("sqlite", "postgresql"):
            (Path(folder) / engine).mkdir()
        await _engine("sqlite", Path(folder) / "sqlite", options=options, yardsticks=yardsticks)
        _start_and_memory(Path(folder) / "sqlite")
        with postgres(durable=True) as server:
            url = server.url()
            await _engine(
                "postgresql",
                Path(folder) / "postgresql",
                options=options,
                yardsticks=yardsticks,
                database_url=url,
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured")
    parser.add_argument("--only", default="", help="part of a path's name")
    return parser.parse_args()


async def _yardsticks(seconds: float) -> Yardsticks:
    empty, peer = await empty_post(seconds), await peer_client_credentials(seconds)
    hashing, signing = await one_hash(), one_rsa_signature()
    print(f"P  an empty Starlette POST          {empty.cpu_us:7.0f} us  {empty.per_second:6.0f}/s")
    print(f"N  npm oidc-provider, own token     {peer.cpu_us:7.0f} us  {peer.per_second:6.0f}/s")
    print(f"H  one Argon2id hash                {hashing:7.0f} us")
    print(f"R  one RS256 signature              {signing:7.0f} us")
    return Yardsticks(empty.cpu_us, peer.cpu_us, hashing, signing)


async def _engine(
    engine: str,
    folder: Path,
    *,
    options: argparse.Namespace,
    yardsticks: Yardsticks,
    database_url: str = "",
) -> None:
    async with setting(folder, database_url=database_url) as made:
        print(f"{engine:<11}idle, one process: {pss_megabytes(made.server.pid):.0f} MB PSS")
        for name, measure in PATHS.items():
            if options.only not in name:
                continue
            measured: Measured = await measure(made, options.seconds)
            print(line(engine, name, measured, yardsticks=yardsticks), flush=True)


def _start_and_memory(folder: Path) -> None:
    """Start once more on the same files: the second start is the one that counts."""
    server = Server(folder)
    began = time.perf_counter()
    server.start()
    took = time.perf_counter() - began
    print(f"sqlite     second start to first answer: {took:.2f} s (budget 2.5 s)")
    print(f"sqlite     idle: {pss_megabytes(server.pid):.0f} MB PSS (budget 120 MB)")
    server.stop()


if __name__ == "__main__":
    asyncio.run(main())
