"""An event as the audit log keeps it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from limen.kernel.actor import ActorKind
from limen.kernel.events import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Who did what, when, to whom.

    Args:
        id: Names the row; sorts by time.
        at: The moment of the Work it happened in.
        name: The event's wire name, ``account:session:started`` say.
        outcome: ``denied`` for refused attempts.
        actor_kind: What sort of principal asked.
        actor_id: Which; empty for strangers, operators and loops.
        client_id: The client the actor used, if any.
        session_id: The session the actor used, if any.
        user_id: Whom it concerns, if one person; empty otherwise.
        detail: The event's own members: ids, never secrets, never personal detail.
        number: Its place in the tenant's chain, given with its seal; ``None`` until then.
    """

    id: str
    at: dt.datetime
    name: str
    outcome: Outcome
    actor_kind: ActorKind
    actor_id: str = ""
    client_id: str = ""
    session_id: str = ""
    user_id: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    number: int | None = None
