"""Keep every event, in the transaction that caused it."""

from __future__ import annotations

from dataclasses import replace

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
    actor = work.actor
    if event.by_user and actor.kind == "anonymous":  # who signs in is known by that alone
        session_id = str(detail.get("session_id") or "")
        actor = replace(actor, kind="user", id=str(detail["user_id"]), session_id=session_id)
    store.add_event(
        work,
        AuditEvent(
            id=new_id(work.now),
            at=work.now,
            name=event.name,
            outcome=event.outcome,
            actor_kind=actor.kind,
            actor_id=actor.id,
            client_id=actor.client_id,
            session_id=actor.session_id,
            user_id=str(detail.get("user_id") or ""),
            detail=detail,
        ),
    )
