"""Drop what is kept no longer: whole sealed segments, oldest first, and never the last one.

What stays is provable as before: the oldest kept seal names the one before it, and the head says,
under its MAC, that everything up to there was dropped by us. A segment that does not fit its seal
stays where it is, for it is evidence.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import partial
from typing import Final

from limen.audit.seals import seal_store as store
from limen.audit.seals.check import check_events, check_hashes
from limen.audit.seals.events import EventsDropped
from limen.audit.seals.head import Head, Place, derive_key, is_ours, mac_of_head
from limen.audit.seals.keys import have_at_hand, public_keys
from limen.audit.seals.read_events import hash_events
from limen.audit.seals.seal import Seal, seal_hash, verify_seal
from limen.audit.seals.seal_store import StoredSeal
from limen.audit.seals.sealer import alarm
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.site import Site
from limen.protocol.jwk import KeySet
from limen.protocol.jwt import JwtRefused

RETENTION_SECONDS: Final = 600.0
_LOT: Final = dt.timedelta(days=1)
"""Nothing is dropped before the oldest is overdue by this much: dropping is an event too."""
_SEGMENTS: Final = 50
_EVENTS: Final = 1_000
"""Events that one transaction deletes, but for its last segment's."""


class Retention:
    """Drops what is older than it is to be kept.

    Args:
        works: Opens the transactions.
        envelope: Holds the keys that prove what is dropped.
        keep: How long events are kept after they were sealed, at least.
    """

    def __init__(self, works: Works, envelope: Envelope, *, keep: dt.timedelta) -> None:
        self._works = works
        self._envelope = envelope
        self._keep = keep

    async def drop(self, site: Site) -> int:
        """Drop what is overdue of one tenant; return how many segments."""
        if not await self._works.run(site, self._is_overdue):
            return 0
        done = 0
        while dropped := await self._works.run(site, self._drop_some):
            done += dropped
        return done

    async def _is_overdue(self, work: Work) -> bool:
        found = await store.list_seals(work, start=0, batch=1)
        return bool(found) and found[0].sealed_at < work.now - self._keep - _LOT

    async def _drop_some(self, work: Work) -> int:
        await have_at_hand(work, self._envelope)
        mac_key = await derive_key(work, self._envelope)
        keys, _ = await public_keys(work, self._envelope)
        head = await store.lock_head(work)
        if head is None or not is_ours(mac_key, head, tenant_id=work.tenant_id):
            return 0  # the sealer tells of it
        place = await self._through(work, head, keys)
        if place == head.dropped:
            return 0
        await store.drop_through(work, place)
        mac = mac_of_head(mac_key, tenant_id=work.tenant_id, end=head.end, dropped=place)
        await store.move_head(work, replace(head, dropped=place, mac=mac), held_fence=head.fence)
        await work.record(EventsDropped(segment=place.segment, number=place.number))
        return place.segment - head.dropped.segment

    async def _through(self, work: Work, head: Head, keys: KeySet) -> Place:
        """Return the place up to which everything fits and is kept no longer."""
        place = head.dropped
        before = work.now - self._keep
        for stored in await store.list_seals(work, start=place.segment + 1, batch=_SEGMENTS):
            if stored.sealed_at >= before or stored.segment >= head.end.segment:
                break
            seal = await _proven(work, stored, keys, after=place)
            if seal is None:
                work.after_commit(
                    partial(alarm, work.tenant_id, "kept_as_evidence", segment=stored.segment)
                )
                break
            place = Place(segment=seal.segment, number=seal.last, hash=seal_hash(stored.jws))
            if place.number - head.dropped.number >= _EVENTS:
                break
        return place


async def _proven(work: Work, stored: StoredSeal, keys: KeySet, *, after: Place) -> Seal | None:
    """Return what a seal says, if all of its segment fits."""
    try:
        seal = verify_seal(stored.jws, keys)
    except JwtRefused:
        return None
    told = (seal.tenant_id, seal.segment, seal.previous, seal.first)
    follows = told == (work.tenant_id, after.segment + 1, after.hash, after.number + 1)
    if not (follows or seal.broken):
        return None
    if not check_hashes(seal, stored.hashes):
        return None
    events = await hash_events(work, seal)
    return None if any(check_events(seal, stored.hashes, events)) else seal
