"""The signing keys of each tenant, at hand without a statement.

Every algorithm has an active key and a next one, published before it signs, so that verifiers
with a cached key set never meet a signature they can't check. Other nodes' changes arrive by
``refresh``, polled; an unknown ``kid`` looks once itself.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from limen.crypto import keyring_store as store
from limen.crypto.bounded import Bounded
from limen.crypto.envelope import Envelope
from limen.crypto.keyring_store import KeyState
from limen.crypto.make_keys import MakeKey, add_missing_keys, generate, private_place
from limen.db.work import Work, Works
from limen.kernel.site import ALL_TENANTS
from limen.protocol.jwk import (
    EDDSA,
    KeyAlgorithm,
    KeySet,
    SigningKey,
    import_private,
    import_public,
)

_MOST_TENANTS: Final = 2_000
_REREAD_SECONDS: Final = 60.0
_AT_CREATION: Final[tuple[KeyAlgorithm, ...]] = ("ES256", "RS256")


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as an administrator sees it.

    Attributes:
        activated_at: Since when it signs or signed; ``None`` for a next key.
    """

    kid: str
    alg: KeyAlgorithm
    state: KeyState
    activated_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class _Ring:
    """One tenant's keys, opened and imported."""

    version: int
    active: Mapping[KeyAlgorithm, SigningKey]
    public: KeySet
    jwks: dict[str, Any] = field(default_factory=dict)


class Keyring:
    """Finds keys to sign and to verify with.

    Args:
        envelope: Opens the private halves.
        make: Makes new keys; tests hand in ready ones, since RSA takes its time.
    """

    def __init__(self, envelope: Envelope, *, make: MakeKey = generate) -> None:
        self._envelope = envelope
        self._make = make
        self._rings: Bounded[str, _Ring] = Bounded(_MOST_TENANTS)
        self._reread_at: Bounded[str, float] = Bounded(_MOST_TENANTS)

    async def create_keys(self, work: Work) -> None:
        """Make a new tenant's active and next keys for ES256 and RS256, unless it has them."""
        for alg in _AT_CREATION:
            await add_missing_keys(work, envelope=self._envelope, make=self._make, alg=alg)

    async def active(self, work: Work, alg: str) -> SigningKey:
        """Return the key that signs now.

        Args:
            work: Says the tenant; asked for a row only when this process knows no key yet.
            alg: ES256, RS256, PS256, EdDSA or Ed25519. PS256 and Ed25519 keys are made when first
                asked for; no RSA key signs in both ways, for its JWK names one.
        """
        wanted: KeyAlgorithm = "EdDSA" if alg in EDDSA else cast("KeyAlgorithm", alg)
        ring = await self._ring(work)
        if wanted not in ring.active:
            await add_missing_keys(work, envelope=self._envelope, make=self._make, alg=wanted)
            ring = await self._read(work)
        return ring.active[wanted]

    async def jwks(self, work: Work) -> dict[str, Any]:
        """Return the JWK Set to publish: next, active and retiring keys."""
        return (await self._ring(work)).jwks

    async def list_keys(self, work: Work) -> list[ListedKey]:
        """Return every key, oldest first, as it lies in the table at this moment."""
        _, stored = await store.read_keys(work)
        return [ListedKey(key.kid, key.alg, key.state, key.activated_at) for key in stored]

    async def verification_keys(self, work: Work, kid: str | None = None) -> KeySet:
        """Return the keys that verify this tenant's signatures.

        Args:
            work: Says the tenant.
            kid: Of the token in hand; when it is unknown the rows are read again, at most once
                a minute: a flood of invented ids costs nothing (N083).
        """
        ring = await self._ring(work)
        if kid is not None and kid not in ring.public and self._may_reread(work):
            ring = await self._read(work)
        return ring.public

    async def refresh(self, works: Works) -> None:
        """Forget the keys of tenants whose keyring another node changed; polled by a loop."""
        held = self._rings.keys()
        if not held:
            return

        async def body(work: Work) -> dict[str, int]:
            return await store.versions_of(work, held)

        now = await works.run(ALL_TENANTS, body)
        for tenant_id in held:
            ring = self._rings.get(tenant_id)
            if ring is not None and now.get(tenant_id) != ring.version:
                self._rings.forget(tenant_id)

    def forget(self, work: Work) -> None:
        """Read this tenant's keys anew once the Work that changed them is durable."""
        tenant_id = work.tenant_id
        work.after_commit(lambda: self._rings.forget(tenant_id))

    @property
    def envelope(self) -> Envelope:
        """What seals the private halves."""
        return self._envelope

    @property
    def make(self) -> MakeKey:
        """What makes new keys."""
        return self._make

    async def _ring(self, work: Work) -> _Ring:
        return self._rings.get(work.tenant_id) or await self._read(work)

    async def _read(self, work: Work) -> _Ring:
        version, stored = await store.read_keys(work)
        active = {}
        for key in stored:
            if key.state == "active" and key.sealed_private is not None:
                place = private_place(key.kid)
                der = await self._envelope.open(work, place, key.sealed_private)
                active[key.alg] = import_private(der, key.alg)
        public = KeySet([import_public(key.public_jwk) for key in stored])
        ring = _Ring(version, active, public, public.jwks())
        self._rings.keep(work, work.tenant_id, ring)
        return ring

    def _may_reread(self, work: Work) -> bool:
        now = time.monotonic()
        last = self._reread_at.get(work.tenant_id)
        if last is not None and now - last < _REREAD_SECONDS:
            return False
        self._reread_at.put(work.tenant_id, now)
        return True
