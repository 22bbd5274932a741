"""Make signing keys and seal their private halves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from limen.crypto import keyring_store as store
from limen.crypto.envelope import Envelope, Place
from limen.crypto.keyring_store import KeyState, StoredKey
from limen.db.work import Work
from limen.protocol.jwk import KeyAlgorithm, SigningKey, generate_key

MakeKey = Callable[[KeyAlgorithm], Awaitable[SigningKey]]


async def generate(alg: KeyAlgorithm) -> SigningKey:
    """Make a key; RSA in a thread, it would hold the loop for some 50 ms."""
    if alg in {"RS256", "PS256"}:
        return await asyncio.to_thread(generate_key, alg)
    return generate_key(alg)


def private_place(kid: str) -> Place:
    """Where a private half is sealed."""
    return Place("signing_key", kid, "private")


async def add_missing_keys(
    work: Work, *, envelope: Envelope, make: MakeKey, alg: KeyAlgorithm
) -> None:
    """Make the active and the next key of an algorithm where there is none.

    However many nodes do this at once, the unique index lets one of each through.
    """
    _, stored = await store.read_keys(work)
    there = {key.state for key in stored if key.alg == alg}
    states: tuple[KeyState, ...] = ("active", "next")
    for state in states:
        if state not in there:
            await add_new_key(work, envelope=envelope, made=await make(alg), state=state)


async def add_new_key(work: Work, *, envelope: Envelope, made: SigningKey, state: KeyState) -> bool:
    """Seal and keep a key just made; false when another has its place already."""
    sealed = await envelope.seal(work, private_place(made.kid), made.export().reveal())
    key = StoredKey(made.kid, made.alg, state, made.public.jwk(), sealed)
    added = await store.add_key(work, key)
    if added:
        await store.bump(work)
    return added
