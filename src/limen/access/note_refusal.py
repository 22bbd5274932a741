"""Record that somebody known wanted what they may not do: once a minute, however often they try."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Final, Literal

from limen.access.events import PermissionRefused
from limen.access.permissions import Permission
from limen.db.work import Work

_AGAIN_AFTER: Final = dt.timedelta(minutes=1)
_MOST: Final = 10_000
_noted: Final[dict[tuple[str, str, Permission], dt.datetime]] = {}
"""When, by tenant, actor and permission; the oldest first."""


def note_refusal(work: Work, permission: Permission, *, reason: Literal["roles", "token"]) -> None:
    """Have the refusal recorded, unless this process did so within the last minute.

    Without that bound a member could fill the audit log with what they are refused.

    Args:
        work: Its actor is known; strangers were turned away before.
        permission: What they lack.
        reason: Whether their roles lack it or their token.
    """
    key = (work.tenant_id, work.actor.id, permission)
    last = _noted.pop(key, None)
    is_due = last is None or abs(work.now - last) >= _AGAIN_AFTER
    _noted[key] = work.now if last is None or is_due else last
    if len(_noted) > _MOST:
        del _noted[next(iter(_noted))]
    if is_due:
        event = PermissionRefused(permission=permission, reason=reason)
        work.even_if_refused(partial(Work.record, event=event))
