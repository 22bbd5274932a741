"""Whether a chain's end still is what was sealed last."""

from __future__ import annotations

from dataclasses import replace

from limen.audit.seals import seal_store as store
from limen.audit.seals.head import Head, Place, is_ours
from limen.audit.seals.seal import seal_hash
from limen.db.work import Work
from limen.kernel.secret import Secret


async def find_fault(
    work: Work, head: Head, *, mac_key: Secret[bytes], remembered: Place | None
) -> str:
    """Say what does not fit at a chain's end; empty when all does.

    Args:
        work: Holds the chain's lease.
        head: As it lies in the table.
        mac_key: Says whether the head is ours.
        remembered: Where the chain ended when this process sealed last.
    """
    if not is_ours(mac_key, head, tenant_id=work.tenant_id):
        return "head_altered"
    if remembered is not None and _turned_back(head.end, remembered):
        return "turned_back"
    segment, number = await store.find_last(work)
    if segment > head.end.segment or number > head.end.number:
        return "goes_on_behind_the_end"
    if segment < head.end.segment or number < head.end.number:
        return "cut_off"
    if not segment:
        return ""
    last = await store.find_seal(work, segment)
    return "" if last is not None and seal_hash(last.jws) == head.end.hash else "seal_altered"


async def mended(work: Work, head: Head, *, mac_key: Secret[bytes]) -> Head:
    """Return a head that a new segment can follow, behind whatever is there.

    Nothing is taken away and no number is given twice; what an altered head says of segments
    that were dropped is not believed.
    """
    segment, number = await store.find_last(work)
    end = Place(
        segment=max(segment, head.end.segment),
        number=max(number, head.end.number),
        hash=head.end.hash,
    )
    if is_ours(mac_key, head, tenant_id=work.tenant_id):
        return replace(head, end=end)
    return replace(head, end=replace(end, hash=""), dropped=Place())


def _turned_back(end: Place, remembered: Place) -> bool:
    same = end.segment == remembered.segment
    return end.segment < remembered.segment or (same and end != remembered)
