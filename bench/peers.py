"""What the ratios are to, measured in the same run."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from bench import PEER_SECRET
from bench.load import Measured, Requests, measure, repeat, request
from limen.crypto.passwords import Cost, PasswordHasher
from limen.kernel.secret import Secret
from limen.testing.node import node_path
from limen.testing.processes import answers, free_port

_NODE: Final = Path(__file__).parents[1] / "tests" / "interop" / "node"
_WARM_SECONDS: Final = 5.0
"""How long Node compiles: in its first seconds it takes twice what it takes ever after."""
_FORM: Final = (
    b"grant_type=client_credentials&client_id=bench&scope=things%3Aread"
    b"&resource=https%3A%2F%2Fthings.example%2Fapi&client_secret=" + PEER_SECRET.encode()
)


async def empty_post(seconds: float) -> Measured:
    """Measure P: an empty Starlette POST under the server we run on."""
    return await _starlette("bench.empty:app", "/", b"a=b", seconds=seconds)


async def least_client_credentials(seconds: float) -> Measured:
    """Measure M: the least of a token endpoint, under the server we run on."""
    return await _starlette("bench.minimal:app", "/token", _FORM, seconds=seconds)


async def _starlette(app: str, path: str, form: bytes, *, seconds: float) -> Measured:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port)]
    with _process([*command, "--loop", "uvloop", "--no-access-log"], port) as pid:
        body = request("POST", path, port=port, body=form)
        return await measure(port, pid, requests_of=lambda _: repeat(body), seconds=seconds)


async def peer_client_credentials(seconds: float) -> Measured:
    """Measure N: npm ``oidc-provider`` in memory issuing an ES256 JWT.

    The same request as ours: secret in the body, resource and scope named. Warm, and the better
    of two runs, as ours.
    """
    port = free_port()
    with _process([str(node_path()), "bench_peer.mjs", str(port)], port, cwd=_NODE) as pid:
        body = request("POST", "/token", port=port, body=_FORM)

        def requests_of(_: int) -> Requests:
            return repeat(body)

        await measure(port, pid, requests_of=requests_of, seconds=_WARM_SECONDS)
        runs = [
            await measure(port, pid, requests_of=requests_of, seconds=seconds) for _ in range(2)
        ]
        return min(runs, key=lambda run: run.cpu_us)


CHEAP_HASH: Final = Cost(memory_kib=64, passes=1, lanes=1)
"""A hash as it should be takes 20 ms, and one in a hundred of that is as much as some budgets."""


async def one_hash(times: int = 200) -> float:
    """Measure H: microseconds of CPU of one Argon2id hash, as cheap as the measured server's."""
    hasher = PasswordHasher(cost=CHEAP_HASH)
    began = time.process_time()
    for _ in range(times):
        await hasher.hash(Secret("correct horse battery staple"))
    took = time.process_time() - began
    hasher.close()
    return took / times * 1e6


def one_rsa_signature(times: int = 200) -> float:
    """Measure R: microseconds of CPU of one RS256 signature."""
    key = rsa.generate_private_key(65537, 2048)
    began = time.process_time()
    for _ in range(times):
        key.sign(bytes(400), PKCS1v15(), SHA256())
    return (time.process_time() - began) / times * 1e6


@contextlib.contextmanager
def _process(command: list[str], port: int, *, cwd: Path | None = None) -> Iterator[int]:
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not answers(port):
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise RuntimeError(f"{command[0]} ended with {process.wait(0.05)}")
        yield process.pid
    finally:
        process.kill()
        process.wait(10)


if __name__ == "__main__":
    print(asyncio.run(empty_post(3)))
    print(asyncio.run(peer_client_credentials(3)))
