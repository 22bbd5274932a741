"""A service account: a machine client, and what is more about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.kernel.errors import NotFound
from limen.oauth.model import Client

SERVICE_ACCOUNT_USE: Final = "service_account"
"""What authentications of service accounts are noted as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A service account as administrators see it.

    Attributes:
        client: Which it is; it knows when it ends.
        description: What it is for, for whoever finds it in some years.
        last_used_at: When it authenticated last, about.
    """

    client: Client
    description: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None


def account_not_found() -> NotFound:
    """Return the refusal for a service account that is not there."""
    return NotFound("service_account_not_found", "There is no such service account.")
