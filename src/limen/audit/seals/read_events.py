"""Read the events of a segment, whatever somebody made of their rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from limen.audit.event import AuditEvent
from limen.audit.seals import seal_store as store
from limen.audit.seals.event_hash import hash_event
from limen.audit.seals.seal import Seal
from limen.db.work import Work

_UNREADABLE: Final = (ValueError, TypeError, AttributeError, OverflowError)
"""What the columns' types raise for values that we never wrote."""


async def read_events(work: Work, seal: Seal) -> list[AuditEvent]:
    """Return the events that have a segment's numbers, less those that can't be read."""
    try:
        return await store.list_numbered(work, first=seal.first, last=seal.last)
    except _UNREADABLE:
        return [event async for _, event in _one_by_one(work, seal) if event is not None]


async def hash_events(work: Work, seal: Seal) -> list[tuple[int, str, bytes]]:
    """Return number, id and hash of the events that have a segment's numbers.

    One that can't be read has the hash of none.
    """
    try:
        events = await store.list_numbered(work, first=seal.first, last=seal.last)
        return [(each.number or 0, each.id, hash_event(work.tenant_id, each)) for each in events]
    except _UNREADABLE:
        return [
            (number, "", b"") if event is None else (number, event.id, _hash(work, event))
            async for number, event in _one_by_one(work, seal)
        ]


def _hash(work: Work, event: AuditEvent) -> bytes:
    try:
        return hash_event(work.tenant_id, event)
    except _UNREADABLE:
        return b""


async def _one_by_one(work: Work, seal: Seal) -> AsyncIterator[tuple[int, AuditEvent | None]]:
    for number in range(seal.first, seal.last + 1):
        try:
            found = await store.list_numbered(work, first=number, last=number)
        except _UNREADABLE:
            yield number, None
        else:
            for event in found:
                yield number, event
