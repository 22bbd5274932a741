"""Keep every event, in the transaction that caused it."""

from __future__ import annotations

from limen.audit import store
from limen.audit.event import AuditEvent
from limen.db.work import Work
from limen.kernel.events import Event
from limen.kernel.ids import new_id


async def record(work: Work, event: Event) -> None:
    """Write the event to the tenant's audit log: a recorder for ``Works``.

    If the Work is rolled back, so is this; what is told of a refusal goes through
    ``work.even_if_refused``.
    """
    detail = event.detail()
    store.add_event(
        work,
        AuditEvent(
            id=new_id(work.now),
            at=work.now,
            name=event.name,
            outcome=event.outcome,
            actor_kind=work.actor.kind,
            actor_id=work.actor.id,
            client_id=work.actor.client_id,
            session_id=work.actor.session_id,
            user_id=str(detail.get("user_id") or ""),
            detail=detail,
        ),
    )
