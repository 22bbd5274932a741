"""When things were last used: kept in memory and written down in batches; it may be lost.

A use is no reason to write in the request that it is part of: reads would become writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

MOST: Final = 50_000
"""How many are waiting at most; what comes then is lost until some are written down."""

Uses = Mapping[str, dt.datetime]
"""When each was last used, by id."""


class LastUses:
    """What was used in this process since it was last written down."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], dict[str, dt.datetime]] = {}
        self._waiting = 0

    def note(self, kind: str, tenant_id: str, id_: str, *, at: dt.datetime) -> None:
        """Remember a use."""
        noted = self._noted.setdefault((kind, tenant_id), {})
        if id_ not in noted:
            if self._waiting >= MOST:
                return
            self._waiting += 1
        noted[id_] = at

    def take(self, kind: str) -> dict[str, Uses]:
        """Return what was noted of a kind, by tenant, and forget it."""
        tenants = [tenant_id for noted, tenant_id in self._noted if noted == kind]
        taken = {tenant_id: self._noted.pop((kind, tenant_id)) for tenant_id in tenants}
        self._waiting -= sum(map(len, taken.values()))
        return dict(taken)
