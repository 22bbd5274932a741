"""Seal what must be read back: AES-256-GCM under per-tenant data keys, bound to its place.

The data keys lie in ``sealing_keys``, wrapped by a key-encryption key that the database never
holds: a dump of it opens nothing (N277).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.crypto import store
from limen.crypto.bounded import Bounded
from limen.crypto.kms import KEY_BYTES, WrappingKeys, WrongWrappingKey
from limen.crypto.sealed_text import (
    KEY_ID_BYTES,
    Place,
    SealBroken,
    decrypt,
    encrypt,
    read_header,
)
from limen.crypto.store import WrappedKey
from limen.db.work import Work
from limen.kernel.secret import Secret

__all__ = ["Envelope", "Place", "SealBroken"]

TENANT_KEY: Final = ""
"""The name of the data key that seals by default."""
_ROOT: Final = "root"
"""The name of the key that ``derive`` derives from: never rotated, so that MACs stay valid."""


class Envelope:
    """Seals and opens; unwrapped data keys stay in this process's memory, so many at most.

    Args:
        keys: Wrap and unwrap the data keys.
        most_cached: Data keys held unwrapped.
    """

    def __init__(self, keys: WrappingKeys, *, most_cached: int = 10_000) -> None:
        self._keys = keys
        self._by_id: Bounded[tuple[str, str], AESGCM] = Bounded(most_cached)
        self._active: Bounded[tuple[str, str], tuple[str, AESGCM]] = Bounded(most_cached)
        self._derived: Bounded[tuple[str, str], Secret[bytes]] = Bounded(most_cached)

    async def create_keys(self, work: Work) -> None:
        """Make a new tenant's data keys; nothing happens when it has them."""
        await self.create_key(work, name=TENANT_KEY)
        await self.create_key(work, name=_ROOT)

    async def create_key(self, work: Work, *, name: str) -> None:
        """Make a data key of its own for what must be shredded by itself (``Place.key``).

        Of any number of concurrent callers one makes it.
        """
        key_id = secrets.token_hex(KEY_ID_BYTES)
        wrapping = self._keys.current
        bare = WrappedKey(work.tenant_id, key_id, name, b"", wrapping.id)
        raw = Secret(secrets.token_bytes(KEY_BYTES))
        wrapped = await wrapping.wrap(raw, context=bare.context)
        await store.add_key(
            work, WrappedKey(work.tenant_id, key_id, name, wrapped, bare.wrapped_by)
        )

    async def shred(self, work: Work, *, name: str) -> None:
        """Delete a data key made by ``create_key``: what it sealed can never be opened again.

        Backups of the database aside, which is why the key-encryption key is kept out of them.

        Raises:
            ValueError: For the keys that the whole tenant stands on.
        """
        if name in (TENANT_KEY, _ROOT):
            raise ValueError("the tenant's own keys are not shredded")
        await store.shred_keys(work, name)
        self._active.forget((work.tenant_id, name))

    async def seal(self, work: Work, place: Place, plain: bytes) -> bytes:
        """Encrypt a value for its place; only there it opens again."""
        key_id, aead = await self._active_key(work, place.key)
        return encrypt(aead, plain, key_id=key_id, bound_to=place.bound_to(work.tenant_id))

    async def open(self, work: Work, place: Place, sealed: bytes) -> Secret[bytes]:
        """Decrypt a value found at its place.

        Raises:
            SealBroken: If it was made for another place or changed, or its key is gone.
        """
        header = read_header(sealed)
        aead = await self._key(work, header.key_id)
        return decrypt(aead, header, bound_to=place.bound_to(work.tenant_id))

    async def have_at_hand(self, work: Work, names: Iterable[str]) -> None:
        """Read the data keys in use under these names, together, before they are wanted.

        One that is missing, or that can't be unwrapped, is told of where it is wanted.
        """
        missing = [name for name in names if self._active.get((work.tenant_id, name)) is None]
        for found in await store.find_all_active(work, missing):
            try:
                aead = AESGCM((await self._unwrap(found)).reveal())
            except SealBroken:
                continue
            self._active.keep(work, (work.tenant_id, found.name), (found.id, aead))
            self._by_id.keep(work, (work.tenant_id, found.id), aead)

    async def derive(self, work: Work, purpose: str) -> Secret[bytes]:
        """Return 32 bytes that are this tenant's and this purpose's, the same for ever.

        Args:
            work: Says the tenant.
            purpose: Who uses them, ``refresh token mac`` say. Two uses never share one.
        """
        cached = self._derived.get((work.tenant_id, purpose))
        if cached is not None:
            return cached
        root = await self._unwrap(await self._required(work, _ROOT))
        info = b"\0".join((b"limen derived", work.tenant_id.encode(), purpose.encode()))
        derived = Secret(HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(root.reveal()))
        self._derived.keep(work, (work.tenant_id, purpose), derived)
        return derived

    async def _active_key(self, work: Work, name: str) -> tuple[str, AESGCM]:
        cached = self._active.get((work.tenant_id, name))
        if cached is not None:
            return cached
        found = await self._required(work, name)
        made = (found.id, AESGCM((await self._unwrap(found)).reveal()))
        self._active.keep(work, (work.tenant_id, name), made)
        return made

    async def _key(self, work: Work, key_id: str) -> AESGCM:
        cached = self._by_id.get((work.tenant_id, key_id))
        if cached is not None:
            return cached
        found = await store.find_key(work, key_id)
        if found is None:
            raise SealBroken("the data key is gone")
        aead = AESGCM((await self._unwrap(found)).reveal())
        self._by_id.keep(work, (work.tenant_id, key_id), aead)
        return aead

    async def _required(self, work: Work, name: str) -> WrappedKey:
        found = await store.find_active(work, name)
        if found is None:
            raise SealBroken(f"the tenant has no data key {name!r}")
        return found

    async def _unwrap(self, found: WrappedKey) -> Secret[bytes]:
        try:
            wrapping = self._keys.get(found.wrapped_by)
            return await wrapping.unwrap(found.wrapped, context=found.context)
        except WrongWrappingKey:
            raise SealBroken("the data key is wrapped by a key that is not at hand") from None
