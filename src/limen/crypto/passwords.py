"""Argon2id in a small pool of threads that would rather refuse than queue without end.

More threads than cores only slow everything else down: a pool of eight on two cores hashed no
more than one of two and made the loop wait 13 ms. A hash costs some 20 ms of a core, so an
unbounded queue is a denial of service that anyone can order with a log-in form.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import argon2
from argon2.exceptions import Argon2Error

from limen.kernel import slow_step
from limen.kernel.errors import Unavailable
from limen.kernel.secret import Secret

T = TypeVar("T")
_HASH_BYTES: Final = 32
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one hash costs; the default is OWASP's minimum for Argon2id."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


OWASP_MINIMUM: Final = Cost()


def threads_for(workers: int) -> int:
    """Return how many threads each of so many processes should hash with."""
    return max(1, (os.cpu_count() or 1) // workers)


class PasswordHasher:
    """Hashes and verifies away from the loop.

    Args:
        threads: See ``threads_for``.
        max_waiting: Hashes that wait for a thread before the next is refused.
        cost: Of new hashes; older ones are verified at their own.
    """

    def __init__(
        self, *, threads: int = 1, max_waiting: int = 64, cost: Cost = OWASP_MINIMUM
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, "argon2")
        self._most = threads + max_waiting
        self._pending = 0
        self._argon2 = argon2.PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._nobody = _hash_of_nothing(cost)

    async def hash(self, raw: Secret[str]) -> str:
        """Hash a password with a fresh salt.

        Raises:
            Unavailable: When too many wait already.
            RuntimeError: Inside an open transaction.
        """
        return await self._run(lambda: self._argon2.hash(_encode(raw)))

    async def verify(self, stored: str | None, raw: Secret[str]) -> bool:
        """Say whether a password is the one that was hashed.

        Without a stored hash the same work is done and the answer is no: whether an account
        exists, or has a password, does not show in the time (N139).

        Raises:
            Unavailable: When too many wait already.
            RuntimeError: Inside an open transaction.
        """
        return await self._run(lambda: self._verify(stored, raw))

    def needs_rehash(self, stored: str) -> bool:
        """Say whether a hash was made at another cost; hash anew while the password is known."""
        try:
            return self._argon2.check_needs_rehash(stored)
        except ValueError:
            return True

    def close(self) -> None:
        """Let the running hashes end and take no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _verify(self, stored: str | None, raw: Secret[str]) -> bool:
        try:
            if stored is not None:
                return self._argon2.verify(stored, _encode(raw))
        except Argon2Error:
            return False
        except ValueError:
            # Not a hash at all. The account has no password, which must not show in the time.
            pass
        try:
            self._argon2.verify(self._nobody, _encode(raw))
        except Argon2Error:
            return False
        return False

    async def _run(self, step: Callable[[], T]) -> T:
        slow_step.entering("a password hash")
        if self._pending >= self._most:
            raise Unavailable("busy", "Too many sign-ins at once. Try again in a moment.")
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, step)
        # The thread works on when its caller is cancelled: it counts until it is done.
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: asyncio.Future[T]) -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # looked at, so that an abandoned one is not reported


def _encode(raw: Secret[str]) -> bytes:
    return raw.reveal().encode("utf-8", "surrogatepass")


def _hash_of_nothing(cost: Cost) -> str:
    """Write a hash that no password has: its bytes are random, verifying it costs the same."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (_SALT_BYTES, _HASH_BYTES)
    )
    costs = f"m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
    return f"$argon2id$v=19${costs}${salt}${digest}"
