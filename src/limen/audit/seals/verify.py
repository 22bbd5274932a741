"""Prove a tenant's chain, segment by segment, from what lies in the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from limen.audit.seals import seal_store as store
from limen.audit.seals.check import Finding, Report, check_events, check_hashes, check_link
from limen.audit.seals.head import Head, Place, derive_key, is_ours
from limen.audit.seals.keys import public_keys
from limen.audit.seals.read_events import hash_events
from limen.audit.seals.seal import Seal, seal_hash, verify_seal
from limen.audit.seals.seal_store import StoredSeal
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.site import Site
from limen.protocol.jwk import KeySet
from limen.protocol.jwt import JwtRefused

_SEALS: Final = 100


async def verify_chain(
    works: Works,
    envelope: Envelope,
    site: Site,
    *,
    since: dt.datetime | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Report:
    """Compare every sealed event of a tenant with its seal, and every seal with its neighbours.

    Reads a little at a time, beside whatever seals and drops meanwhile.

    Args:
        works: Where the chain lies.
        envelope: Says which keys, and which end, are this installation's.
        site: The tenant.
        since: Begin with what was sealed from this moment on.
        progress: Told how many segments of how many are done.
    """
    return await _Verifier(works, envelope, site, progress=progress).run(since)


class _Verifier:
    def __init__(
        self,
        works: Works,
        envelope: Envelope,
        site: Site,
        *,
        progress: Callable[[int, int], None],
    ) -> None:
        self._works = works
        self._envelope = envelope
        self._site = site
        self._progress = progress
        self._report = Report(tenant_id=site.tenant_id)
        self._keys = KeySet([])

    async def run(self, since: dt.datetime | None) -> Report:
        head, through = await self._works.run(self._site, self._begin)
        if head is not None:
            await self._walk(await self._start(head, since), through=through)
        await self._works.run(self._site, self._outside)
        return self._report

    async def _begin(self, work: Work) -> tuple[Head | None, Place]:
        """Return the head, and where it says that the chain ends; what is not ours says little."""
        report = self._report = Report(tenant_id=work.tenant_id)
        self._keys, foreign = await public_keys(work, self._envelope)
        report.kids = tuple(key["kid"] for key in self._keys.jwks()["keys"])
        report.add(*(Finding(code="key_not_ours", detail=kid) for kid in foreign))
        head = await store.find_head(work)
        segment, _ = await store.find_last(work)
        if head is None:
            if report.kids or foreign or segment:
                report.add(Finding(code="head_missing"))
            return (Head() if segment else None), Place(segment=segment)
        report.dropped_number = head.dropped.number
        if is_ours(await derive_key(work, self._envelope), head, tenant_id=work.tenant_id):
            return head, head.end
        report.add(Finding(code="head_altered"))
        return Head(), Place(segment=max(segment, head.end.segment))

    async def _start(self, head: Head, since: dt.datetime | None) -> Place | None:
        """Return the place before the first segment to look at, ``None`` if it is not known."""
        if since is None:
            self._report.first_segment = head.dropped.segment + 1
            return head.dropped
        found = await self._works.run(self._site, partial(store.first_sealed_since, since=since))
        self._report.first_segment = found or head.end.segment + 1
        return None

    async def _walk(self, before: Place | None, *, through: Place) -> None:
        report = self._report
        wanted = report.first_segment
        async for stored in self._seals(wanted, through.segment):
            if stored.segment > wanted:
                before = await self._gap(wanted, stored.segment - 1)
            before = await self._segment(stored, before)
            wanted = stored.segment + 1
            self._progress(stored.segment, through.segment)
        report.last_segment = wanted - 1
        if wanted <= through.segment:
            await self._gap(wanted, through.segment)
        elif before is not None and through.hash and before != through:
            report.add(Finding(code="cut_off", segment=through.segment))

    async def _seals(self, first: int, last: int) -> AsyncIterator[StoredSeal]:
        while first <= last:
            read = partial(store.list_seals, start=first, batch=_SEALS)
            page = await self._works.run(self._site, read)
            for stored in page:
                if stored.segment <= last:
                    yield stored
            if not page:
                return
            first = page[-1].segment + 1

    async def _gap(self, first: int, last: int) -> Place | None:
        """Tell of seals that are gone, but for those that were dropped while we read."""
        head = await self._works.run(self._site, store.find_head)
        dropped = head.dropped if head is not None else Place()
        if last > dropped.segment:
            start = max(first, dropped.segment + 1)
            gone = f"{last - start + 1} in a row" if last > start else ""
            self._report.add(Finding(code="segment_missing", segment=start, detail=gone))
            return None
        return dropped

    async def _segment(self, stored: StoredSeal, before: Place | None) -> Place | None:
        """Check one segment; return the place behind it, ``None`` if its seal proves nothing."""
        report = self._report
        report.segments += 1
        seal = self._opened(stored)
        if seal is None:
            report.add(Finding(code="seal_altered", segment=stored.segment))
            return None
        report.add(*check_link(seal, before))
        place = Place(segment=seal.segment, number=seal.last, hash=seal_hash(stored.jws))
        if not check_hashes(seal, stored.hashes):
            report.add(Finding(code="seal_altered", segment=seal.segment, detail="its hashes"))
            return place
        found = await self._works.run(self._site, partial(self._events, seal, stored.hashes))
        if found and await self._is_dropped(seal.segment):
            return place
        report.add(*found)
        report.events += seal.count - len({each.number for each in found})
        return place

    def _opened(self, stored: StoredSeal) -> Seal | None:
        try:
            seal = verify_seal(stored.jws, self._keys)
        except JwtRefused:
            return None
        moment = dt.datetime.fromisoformat(seal.sealed_at)
        told = (self._site.tenant_id, stored.segment, stored.sealed_at)
        return seal if (seal.tenant_id, seal.segment, moment) == told else None

    async def _events(self, seal: Seal, hashes: bytes, work: Work) -> list[Finding]:
        return list(check_events(seal, hashes, await hash_events(work, seal)))

    async def _is_dropped(self, segment: int) -> bool:
        head = await self._works.run(self._site, store.find_head)
        return head is not None and segment <= head.dropped.segment

    async def _outside(self, work: Work) -> None:
        for where, number in (await store.find_outside(work)).items():
            self._report.add(Finding(code="not_sealed", number=number, detail=where))
        self._report.unsealed, _ = await store.count_unsealed(work)
