"""A chain as lines of JSON that anybody can prove without us, and without the database.

One line says whose and with which keys; then each segment's seal and its events; the last line is
signed as well and says how far the export goes, so that none can be cut off.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from limen.audit.seals import seal_store as store
from limen.audit.seals.event_hash import members_of, spell
from limen.audit.seals.head import Place
from limen.audit.seals.keys import ForeignKey, public_keys, signing_key
from limen.audit.seals.read_events import read_events
from limen.audit.seals.seal import EXPORT_TYP, seal_hash, verify_seal
from limen.audit.seals.seal_store import StoredSeal
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.errors import Conflict
from limen.kernel.ids import b64url
from limen.kernel.site import Site
from limen.protocol.jwk import KeySet
from limen.protocol.jwt import JwtRefused, sign

VERSION: Final = 1
_SEALS: Final = 100


@dataclass(slots=True)
class _Told:
    """How far the export is."""

    segment: int = 0
    seal: str = ""
    lines: int = 0


async def export_lines(
    works: Works, envelope: Envelope, site: Site, *, since: dt.datetime | None = None
) -> AsyncIterator[str]:
    """Yield a tenant's sealed events with their seals, as lines without their ends.

    Whole segments, as they lie there: whether they fit is for whoever verifies them. What has no
    seal yet is left out.

    Args:
        works: Where the chain lies.
        envelope: Holds the key that signs the end.
        site: The tenant.
        since: Begin with what was sealed from this moment on.

    Raises:
        Conflict: ``audit_key_altered``.
    """
    keys, _ = await works.run(site, partial(public_keys, envelope=envelope))
    yield spell({"kind": "export", "version": VERSION, "tenant_id": site.tenant_id, **keys.jwks()})
    first, end = await works.run(site, partial(_bounds, since=since))
    told = _Told()
    while first and first <= end.segment:
        page = await works.run(site, partial(store.list_seals, start=first, batch=_SEALS))
        for stored in [each for each in page if each.segment <= end.segment]:
            told.segment, told.seal = stored.segment, seal_hash(stored.jws)
            for line in await works.run(site, partial(_segment, stored=stored, keys=keys)):
                yield line
                told.lines += 1
        if not page:
            break
        first = page[-1].segment + 1
    yield await works.run(site, partial(_end, envelope=envelope, told=told))


async def _bounds(work: Work, *, since: dt.datetime | None) -> tuple[int, Place]:
    head = await store.find_head(work)
    if head is None:
        return 0, Place()
    if since is None:
        return head.dropped.segment + 1, head.end
    return await store.first_sealed_since(work, since), head.end


async def _segment(work: Work, *, stored: StoredSeal, keys: KeySet) -> list[str]:
    line = spell({"kind": "seal", "jws": stored.jws, "hashes": b64url(stored.hashes)})
    try:
        seal = verify_seal(stored.jws, keys)
    except JwtRefused:
        return [line]  # it says of no event any more that it is among its own
    events = await read_events(work, seal)
    members = ({**members_of(work.tenant_id, event), "kind": "event"} for event in events)
    return [line, *map(spell, members)]


async def _end(work: Work, *, envelope: Envelope, told: _Told) -> str:
    claims: dict[str, Any] = {
        "tenant_id": work.tenant_id,
        "segment": told.segment,
        "seal": told.seal,
        "lines": told.lines,
        "exported_at": work.now.isoformat(timespec="microseconds"),
    }
    try:
        key = await signing_key(work, envelope)
    except ForeignKey:
        raise Conflict(
            "audit_key_altered", "The key that signs the audit log was altered; verify the log."
        ) from None
    return spell({"kind": "end", "jws": sign(claims, key, typ=EXPORT_TYP)})
