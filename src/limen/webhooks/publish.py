"""From what happened to rows: a message, and a delivery for each endpoint that wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, final

from limen.db.cache import Cache
from limen.db.outbox import enqueue
from limen.db.work import Work
from limen.kernel.ids import new_id
from limen.webhooks import store
from limen.webhooks.model import Endpoint, Message, Notice

DELIVERY: Final = "webhooks.delivery"
"""The outbox's name for one attempt."""

_MOST_WAITING: Final = 10_000
"""For an endpoint that fails; what comes on top is kept and can be replayed, but not queued."""


@final
class Webhooks:
    """The endpoints of all tenants; one instance per process."""

    def __init__(self) -> None:
        self._known: Cache[tuple[Endpoint, ...]] = Cache(
            store.MEMORY, read=store.list_endpoints, amid_writes=True
        )

    async def want(self, work: Work, kind: str) -> tuple[Endpoint, ...]:
        """Return who is to be told; no statement while that is known."""
        known = await self._known.get(work, "") or ()
        return tuple(endpoint for endpoint in known if endpoint.wants(kind))

    async def publish(self, work: Work, notice: Notice) -> None:
        """Tell whoever wants to know, once this Work is durable."""
        endpoints = await self.want(work, notice.kind)
        if endpoints:
            message = await write_message(work, notice)
            await queue(work, message, endpoints)


async def write_message(work: Work, notice: Notice) -> Message:
    """Write what endpoints will be told."""
    told: Mapping[str, Any] = {
        "type": notice.kind,
        "timestamp": work.now.isoformat(),
        "tenant": work.site.slug,
        "data": notice.data,
    }
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=True).encode()
    message = Message(id=new_id(work.now), kind=notice.kind, body=body, created_at=work.now)
    await store.add_message(work, message)
    return message


async def queue(work: Work, message: Message, endpoints: tuple[Endpoint, ...]) -> None:
    """Queue the first attempt at each endpoint."""
    ids = [endpoint.id for endpoint in endpoints if await _has_room(work, endpoint)]
    for endpoint_id in await store.add_deliveries(work, message.id, ids):
        await queue_attempt(work, endpoint_id=endpoint_id, message_id=message.id)


async def queue_attempt(
    work: Work, *, endpoint_id: str, message_id: str, delay_seconds: float = 0.0
) -> None:
    """Queue one attempt."""
    payload = json.dumps({"endpoint_id": endpoint_id, "message_id": message_id}).encode()
    await enqueue(work, kind=DELIVERY, payload=payload, delay_seconds=delay_seconds)


async def _has_room(work: Work, endpoint: Endpoint) -> bool:
    if endpoint.failing_since is None:
        return True
    waiting = await store.count_pending(work, endpoint_id=endpoint.id, most=_MOST_WAITING)
    return waiting < _MOST_WAITING
