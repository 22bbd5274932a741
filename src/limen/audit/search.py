"""Read a tenant's audit log."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.audit import store
from limen.audit.cursor import open_cursor, seal_cursor
from limen.audit.event import AuditEvent
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret

MAX_LIMIT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilters:
    """Which events; an empty member does not filter.

    Args:
        name: The wire name.
        names: Any of these wire names.
        outcome: ``done`` or ``denied``.
        actor_id: Who asked.
        user_id: Whom it concerns.
        since: From this moment on.
        until: Before this moment.
    """

    name: str = ""
    names: tuple[str, ...] = ()
    outcome: str = ""
    actor_id: str = ""
    user_id: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def in_use(self) -> dict[str, str | list[str] | dt.datetime]:
        """Return those that filter."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        named["names"] = sorted(self.names)
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some events, newest first, and where to go on: empty at the end."""

    events: tuple[AuditEvent, ...]
    next_cursor: str


async def search(
    work: Work, *, filters: AuditFilters, key: Secret[bytes], cursor: str = "", limit: int = 50
) -> AuditPage:
    """Return one page of the log of this Work's tenant.

    Args:
        work: In that tenant.
        filters: Which events.
        key: The tenant's cursor key.
        cursor: Of the page before; empty for the first.
        limit: How many at most.

    Raises:
        InvalidInput: ``cursor_invalid``, ``limit_invalid``.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput("limit_invalid", f"limit is 1 to {MAX_LIMIT}.", field="limit")
    in_use = filters.in_use()
    place = ("audit", work.tenant_id, *(f"{name}={in_use[name]}" for name in sorted(in_use)))
    before: tuple[dt.datetime, str] | None = None
    if cursor:
        at, event_id = open_cursor(key, cursor, place=place)
        before = dt.datetime.fromisoformat(at), event_id
    found = await store.list_events(work, filters=in_use, before=before, limit=limit + 1)
    events = tuple(found[:limit])
    if len(found) <= limit:
        return AuditPage(events, "")
    position = (events[-1].at.isoformat(), events[-1].id)
    return AuditPage(events, seal_cursor(key, place=place, position=position))
