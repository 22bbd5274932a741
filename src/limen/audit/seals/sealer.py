"""The loop that numbers events, chains them and signs each batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from limen.audit.seals import seal_store as store
from limen.audit.seals.event_hash import hash_event
from limen.audit.seals.events import ChainBroken
from limen.audit.seals.find_fault import find_fault, mended
from limen.audit.seals.head import Head, Place, derive_key, mac_of_head
from limen.audit.seals.keys import ForeignKey, have_at_hand, make_key, signing_key
from limen.audit.seals.seal import Seal, hash_of_hashes, seal_hash, sign_seal
from limen.audit.seals.seal_store import StoredSeal
from limen.crypto.bounded import Bounded
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel import failpoints
from limen.kernel.errors import NotFound, Unavailable
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.site import ALL_TENANTS, Site
from limen.observe import logger
from limen.observe.metrics import count_audit_alarm, count_sealed
from limen.protocol.jwk import SigningKey

SEAL_SECONDS: Final = 3.0
"""The pause of a loop that found nothing; with a turn, within the 5 s that are stated."""
BATCH: Final = 250
"""Events a segment has at most: some milliseconds of an event loop."""
LEASE_SECONDS: Final = 10.0
_MOST_TENANTS: Final = 10_000

_log = logger("limen.audit")


class LeaseLost(Exception):  # noqa: N818 -- a state, which rolls the batch back
    """Another sealer has taken the chain over meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """What one batch becomes."""

    seal: Seal
    stored: StoredSeal
    kid: str

    @property
    def end(self) -> Place:
        """The chain's end behind it."""
        return Place(
            segment=self.seal.segment, number=self.seal.last, hash=seal_hash(self.stored.jws)
        )


class Sealer:
    """Seals what waits, tenant by tenant.

    The lease stays with one sealer while it lives. It keeps others from doing the same work; that
    two make one chain does not depend on it: the first statement of a batch locks the head.

    Args:
        works: Opens the transaction of each batch.
        envelope: Holds the keys.
        site_of: Finds the tenant's place by its id.
        batch: Events a segment has at most.
        lease_seconds: How long a sealer that died keeps the others away.
    """

    def __init__(
        self,
        works: Works,
        envelope: Envelope,
        *,
        site_of: Callable[[str], Awaitable[Site]],
        batch: int = BATCH,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._works = works
        self._envelope = envelope
        self._site_of = site_of
        self._batch = batch
        self._lease_seconds = lease_seconds
        self._owner = new_id(works.clock.now())
        self._remembered: Bounded[str, Place] = Bounded(_MOST_TENANTS)

    async def run_once(self) -> int:
        """Seal one batch of each tenant that has events without a seal; return how many.

        Raises:
            Unavailable: To two tenants in a row: it is the database, and everybody's.
        """
        done, tenant_id, gone = 0, "", False
        while tenant_id := await self._works.run(
            ALL_TENANTS, partial(store.next_tenant, after=tenant_id)
        ):
            try:
                done += await self._one_of(tenant_id)
                gone = False
            except Unavailable as refusal:
                if gone:
                    raise
                gone = True
                _log.warning("audit waits", tenant_id=tenant_id, refusal=refusal.code)
        return done

    async def seal_batch(self, site: Site) -> int:
        """Seal one batch of a tenant; return how many events, 0 also if another seals them."""
        try:
            return await self._works.run(site, self._seal)
        except LeaseLost:
            return 0

    async def _one_of(self, tenant_id: str) -> int:
        try:
            return await self.seal_batch(await self._site_of(tenant_id))
        except NotFound:
            return 0
        except Unavailable:
            raise  # once is this tenant's, twice in a row everybody's
        except Exception as error:  # noqa: BLE001 -- no tenant keeps the others' events from their seals
            _log.error("audit not sealed", tenant_id=tenant_id, kind=type(error).__name__)
            count_audit_alarm("not_sealed")
            return 0

    async def _seal(self, work: Work) -> int:
        await have_at_hand(work, self._envelope)
        mac_key = await derive_key(work, self._envelope)
        head = await self._claim(work, mac_key)
        if head is None:
            return 0
        key, fault = await self._key(work)
        remembered = self._remembered.get(work.tenant_id)
        fault = fault or await find_fault(work, head, mac_key=mac_key, remembered=remembered)
        if fault:
            head = await mended(work, head, mac_key=mac_key)
        segment = await self._write(work, head, key=key, broken=fault)
        if segment is None:
            return 0
        if fault:
            await work.record(ChainBroken(segment=segment.seal.segment, reason=fault))
        await _move(work, replace(head, end=segment.end), mac_key=mac_key)
        work.after_commit(lambda: self._told(segment))
        return segment.seal.count

    async def _claim(self, work: Work, mac_key: Secret[bytes]) -> Head | None:
        claim = partial(
            store.claim_head, work, owner=self._owner, lease_seconds=self._lease_seconds
        )
        head = await claim()
        if head is None and await store.find_head(work) is None:
            start = mac_of_head(mac_key, tenant_id=work.tenant_id, end=Place(), dropped=Place())
            await store.add_head(work, mac=start)
            head = await claim()
        return head

    async def _write(
        self, work: Work, head: Head, *, key: SigningKey, broken: str
    ) -> _Segment | None:
        end = head.end
        events = await store.number_events(work, last_number=end.number, batch=self._batch)
        failpoints.reach("audit.seal.numbered")
        if not events:
            return None
        hashes = b"".join(hash_event(work.tenant_id, event) for event in events)
        seal = Seal(
            tenant_id=work.tenant_id,
            segment=end.segment + 1,
            first=end.number + 1,
            last=end.number + len(events),
            previous=end.hash,
            events=hash_of_hashes(hashes),
            sealed_at=work.now.isoformat(timespec="microseconds"),
            broken=broken,
        )
        stored = StoredSeal(seal.segment, work.now, hashes, sign_seal(seal, key))
        await store.add_seal(work, stored)
        return _Segment(seal=seal, stored=stored, kid=key.kid)

    async def _key(self, work: Work) -> tuple[SigningKey, str]:
        try:
            return await signing_key(work, self._envelope), ""
        except ForeignKey as found:
            return await make_key(work, self._envelope, instead_of=found.kid), "key_altered"

    def _told(self, segment: _Segment) -> None:
        """Write the seal to the log stream, and the alarm with it: once, when it is durable."""
        seal = segment.seal
        self._remembered.put(seal.tenant_id, segment.end)
        count_sealed(seal.count)
        _log.info(
            "audit sealed",
            tenant_id=seal.tenant_id,
            segment=seal.segment,
            first=seal.first,
            last=seal.last,
            previous=seal.previous,
            events=seal.events,
            seal=segment.end.hash,
            kid=segment.kid,
        )
        if seal.broken:
            alarm(seal.tenant_id, seal.broken, segment=seal.segment)


def alarm(tenant_id: str, reason: str, *, segment: int) -> None:
    """Tell that a chain does not fit: in the log, and in a metric to be woken by."""
    _log.error("audit chain broken", tenant_id=tenant_id, reason=reason, segment=segment)
    count_audit_alarm(reason)


async def _move(work: Work, head: Head, *, mac_key: Secret[bytes]) -> None:
    mac = mac_of_head(mac_key, tenant_id=work.tenant_id, end=head.end, dropped=head.dropped)
    if not await store.move_head(work, replace(head, mac=mac), held_fence=head.fence):
        raise LeaseLost
