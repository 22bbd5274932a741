"""The outbox: what must happen outside once this transaction is durable, and not before.

``enqueue`` writes a row in the caller's transaction. The loop claims rows by lease, hands each
to the handler of its kind and completes it on the fence; a failure is tried again with
back-off and parked after the last attempt, kept for an operator to see (``parked``). An attempt
counts from its claim: one that takes the whole process with it was made too.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.fair.leases import Beside, FairLeases, Found, Key, Look
from limen.db.leases import claim_due, claim_each, look_due
from limen.db.tables import outbox
from limen.db.types import DbNow
from limen.db.work import Work, Works
from limen.kernel.errors import Unavailable
from limen.kernel.ids import new_id
from limen.kernel.site import ALL_TENANTS, Site
from limen.kernel.tokens import random_secret
from limen.observe import logger
from limen.observe.metrics import count_background_failure, count_parked

_log = logger("limen.outbox")
MAX_ATTEMPTS: Final = 12
_LEASE_SECONDS: Final = 60.0
_BATCH: Final = 20
_TOGETHER: Final = 20
_TURN_SECONDS: Final = 5.0
"""For so long a turn claims more and more, as long as more are due than there is room for."""

_ADD = sa.insert(outbox).values(
    tenant_id=bindparam("tenant_id"),
    id=bindparam("id"),
    kind=bindparam("kind"),
    payload=bindparam("payload"),
    created_at=bindparam("created_at"),
    due_at=DbNow(bindparam("delay_seconds", type_=sa.Float)),
)


def _counted(claim: sa.Executable) -> sa.Executable:
    """Count the attempt with the claim: who dies over a delivery would try it for ever."""
    return cast("sa.Update", claim).values(attempts=outbox.c.attempts + 1)


_CLAIM = _counted(claim_due(outbox))  # tenant: all, the loop serves every tenant
_LOOK = look_due(outbox)  # tenant: all, as the claim
_CLAIM_EACH = _counted(claim_each(outbox))  # tenant: all, each row is named by its whole key
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
        attempts=bindparam("made"),
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


class _Interrupted(Exception):  # noqa: N818 -- what happened to the attempt before
    """The last attempt ended with its process, and nobody heard how."""

    code = "delivery_interrupted"


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


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A row under our lease."""

    row: Any

    @property
    def key(self) -> Key:
        """For whom it counts."""
        return Key(self.row.tenant_id, self.row.kind, self.row.id)


class _Rows:
    """Rows that are due, of all tenants."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._lease = {"owner": random_secret().reveal()[:12], "lease_seconds": _LEASE_SECONDS}

    async def first(self, most: int) -> list[_Claimed]:
        async def claim(work: Work) -> list[_Claimed]:
            rows = await work.execute(_CLAIM, batch=most, **self._lease)
            return [_Claimed(row) for row in rows.all()]

        return await self._works.run(ALL_TENANTS, claim)

    async def look(self, beside: Beside, *, since: dt.datetime, rows: int, most: int) -> Look:
        async def body(work: Work) -> Look:
            asked = {"since": since, "rows": rows, "most": most, **beside.params()}
            seen = (await work.execute(_LOOK, **asked)).all()
            found = [
                Found(key=Key(row.tenant_id, row.kind, row.id), due_at=row.due_at)
                for row in seen
                if row.id is not None
            ]
            return Look(found=found, rows_read=seen[0].rows_read, read_to=seen[0].read_to)

        return await self._works.run(ALL_TENANTS, body)

    async def claim(self, found: Sequence[Found]) -> list[_Claimed]:
        # In one order by everybody, so that no two wait for each other.
        keys = sorted(each.key for each in found)
        leases = [{"of_tenant": key.tenant_id, "row_id": key.id, **self._lease} for key in keys]

        async def body(work: Work) -> list[_Claimed]:
            return [_Claimed(row) for row in await work.fetch_each(_CLAIM_EACH, leases)]

        return await self._works.run(ALL_TENANTS, body)


class OutboxLoop:
    """Claims and delivers; who is slow to take a delivery leaves room for the others.

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
        self._leases = FairLeases(_Rows(works), batch=_BATCH, together=_TOGETHER)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: Exception | None = None

    async def run_once(self) -> int:
        """Deliver what is due; return how many rows were claimed."""
        claimed = await self.turn()
        await self.finish()
        return claimed

    async def turn(self) -> int:
        """As ``run_once``, but wait for nobody who is slow: the next turn begins beside them.

        Raises:
            Unavailable: As what was under way raised it since the last turn.
        """
        self._raise_what_failed()
        clock = asyncio.get_running_loop().time
        ends_at, claimed = clock() + _TURN_SECONDS, 0
        while True:
            rows = await self._leases.next()
            claimed += len(rows)
            for each in rows:
                task = asyncio.create_task(self._watched(each))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if not self._leases.more or clock() > ends_at:
                return claimed
            await self._leases.wait()

    async def finish(self) -> None:
        """Wait for all that is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._raise_what_failed()

    def _raise_what_failed(self) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    async def _watched(self, claimed: _Claimed) -> None:
        """Deliver one; what can't be noted of it is tried again when its lease ends."""
        try:
            await self._deliver(claimed.row)
        except Unavailable as gone:
            self._failed = gone
        except Exception as fault:  # noqa: BLE001 -- this row's trouble is no other's
            _log.error(
                "a delivery was not completed",
                tenant_id=claimed.row.tenant_id,
                delivery_id=claimed.row.id,
                kind=type(fault).__name__,
            )
            count_background_failure("outbox")
        finally:
            self._leases.leave(claimed.key)

    async def _deliver(self, row: Any) -> None:
        # Known also to be of a tenant that can't be found.
        site = replace(ALL_TENANTS, tenant_id=row.tenant_id)
        statement: sa.Executable
        more: dict[str, Any] = {}
        try:
            _check_room(row.attempts)
            site = await self._site_of(row.tenant_id)
            delivery = Delivery(site, row.id, row.kind, row.payload, row.attempts)
            await self._handlers[row.kind](delivery)
            statement = _DONE
        except Exception as error:  # noqa: BLE001 -- whatever a handler raises is a failed attempt, kept on the row
            name = getattr(error, "code", type(error).__name__)
            self._on_failure(row.kind, name)
            statement, more = _failed(row, name)

        async def complete(work: Work) -> None:
            await work.execute(statement, delivery_id=row.id, held_fence=row.fence, **more)

        await self._works.run(site, complete)


def _check_room(attempt: int) -> None:
    """Refuse what was taken as often as may be, and of whose last attempt nobody heard."""
    if attempt > MAX_ATTEMPTS:
        raise _Interrupted


def _failed(row: Any, name: str) -> tuple[sa.Executable, dict[str, Any]]:
    """Return what notes a failed attempt, the last one too."""
    if row.attempts < MAX_ATTEMPTS:
        return _LATER, {"error": name, "delay_seconds": float(min(3600, 2**row.attempts))}
    _log.error("a delivery is given up", kind=row.kind, delivery_id=row.id, reason=name)
    count_parked(row.kind)
    return _PARK, {"error": name, "made": min(row.attempts, MAX_ATTEMPTS)}
