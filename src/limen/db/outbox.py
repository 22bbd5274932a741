"""The outbox: what must happen outside once this transaction is durable, and not before.

``enqueue`` writes a row in the caller's transaction. The loop claims rows by lease, hands each
to the handler of its kind and completes it on the fence; a failure is tried again with
back-off and parked after the last attempt, kept for an operator to see.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.leases import claim_due
from limen.db.tables import outbox
from limen.db.types import DbNow
from limen.db.work import Work, Works
from limen.kernel.ids import new_id
from limen.kernel.site import ALL_TENANTS, Site
from limen.kernel.tokens import random_secret

MAX_ATTEMPTS: Final = 12
_LEASE_SECONDS: Final = 60.0
_BATCH: Final = 20

_ADD = sa.insert(outbox).values(
    tenant_id=bindparam("tenant_id"),
    id=bindparam("id"),
    kind=bindparam("kind"),
    payload=bindparam("payload"),
    created_at=bindparam("created_at"),
    due_at=DbNow(bindparam("delay_seconds", type_=sa.Float)),
)
_CLAIM = claim_due(outbox)  # tenant: all, the loop serves every tenant
_MINE = (
    outbox.c.tenant_id == bindparam("tenant_id"),
    outbox.c.id == bindparam("delivery_id"),
    outbox.c.fence == bindparam("held_fence"),
)
_DONE = sa.delete(outbox).where(*_MINE)
_LATER = (
    sa.update(outbox)
    .where(*_MINE)
    .values(
        attempts=outbox.c.attempts + 1,
        last_error=bindparam("error"),
        due_at=DbNow(bindparam("delay_seconds", type_=sa.Float)),
        lease_until=None,
        lease_owner=None,
    )
)
_PARK = (
    sa.update(outbox)
    .where(*_MINE)
    .values(
        attempts=outbox.c.attempts + 1,
        last_error=bindparam("error"),
        due_at=None,
        lease_until=None,
        lease_owner=None,
    )
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row handed to its handler.

    Args:
        site: The tenant it belongs to.
        id: The same at every attempt: receivers recognise a repetition by it.
        kind: What names the handler.
        payload: As enqueued; sealed by whoever enqueued it if it holds a secret.
        attempt: 1 for the first.
    """

    site: Site
    id: str
    kind: str
    payload: bytes
    attempt: int


Handler = Callable[[Delivery], Awaitable[None]]


async def enqueue(work: Work, *, kind: str, payload: bytes, delay_seconds: float = 0.0) -> str:
    """Write a row that a handler acts on after this transaction is durable.

    Args:
        work: The caller's transaction; if it is refused, nothing is sent.
        kind: Which handler.
        payload: What the handler needs; secrets in it are sealed.
        delay_seconds: Not before.

    Returns:
        The delivery's id.
    """
    delivery_id = new_id(work.now)
    await work.execute(
        _ADD,
        id=delivery_id,
        kind=kind,
        payload=payload,
        created_at=work.now,
        delay_seconds=delay_seconds,
    )
    work.after_commit(wake)
    return delivery_id


_listening: weakref.WeakSet[asyncio.Event] = weakref.WeakSet()


def listen() -> asyncio.Event:
    """Return an event that is set whenever this process enqueued something durably."""
    event = asyncio.Event()
    _listening.add(event)
    return event


def wake() -> None:
    """Wake the loop of this process; another process finds the row at its next look."""
    for event in _listening:
        event.set()


class OutboxLoop:
    """Claims and delivers.

    Args:
        works: Opens the short transactions around each delivery; none is open during one.
        handlers: By kind.
        site_of: Finds the tenant's place by its id.
        on_failure: Told the kind and the error's class name of each failed attempt.
    """

    def __init__(
        self,
        works: Works,
        handlers: Mapping[str, Handler],
        *,
        site_of: Callable[[str], Awaitable[Site]],
        on_failure: Callable[[str, str], None],
    ) -> None:
        self._works = works
        self._handlers = handlers
        self._site_of = site_of
        self._on_failure = on_failure
        self._owner = random_secret().reveal()[:12]

    async def run_once(self) -> int:
        """Deliver one batch; return how many rows were claimed."""

        async def claim(work: Work) -> list[Any]:
            rows = await work.execute(
                _CLAIM, batch=_BATCH, owner=self._owner, lease_seconds=_LEASE_SECONDS
            )
            return rows.all()

        claimed = await self._works.run(ALL_TENANTS, claim)
        await asyncio.gather(*(self._deliver(row) for row in claimed))
        return len(claimed)

    async def _deliver(self, row: Any) -> None:
        site = await self._site_of(row.tenant_id)
        delivery = Delivery(site, row.id, row.kind, row.payload, row.attempts + 1)
        statement: sa.Executable
        more: dict[str, Any] = {}
        try:
            await self._handlers[row.kind](delivery)
            statement = _DONE
        except Exception as error:  # noqa: BLE001 -- whatever a handler raises is a failed attempt, kept on the row
            name = getattr(error, "code", type(error).__name__)
            self._on_failure(row.kind, name)
            statement = _PARK if delivery.attempt >= MAX_ATTEMPTS else _LATER
            more = {"error": name}
            if statement is _LATER:
                more["delay_seconds"] = float(min(3600, 2**delivery.attempt))

        async def complete(work: Work) -> None:
            await work.execute(statement, delivery_id=row.id, held_fence=row.fence, **more)

        await self._works.run(site, complete)
