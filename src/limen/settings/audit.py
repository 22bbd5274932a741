"""What is kept of the audit log."""

from __future__ import annotations

from pydantic import Field

from limen.settings.sections import Section


class AuditSettings(Section):
    """How long the audit log is kept.

    Attributes:
        keep_days: Sealed events are dropped, whole segments at a time, that many days after they
            were sealed, or up to a day later; kept for ever unless given.
    """

    keep_days: int | None = Field(default=None, ge=1, le=36_500)
