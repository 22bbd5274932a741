"""An account at a provider, and what it is called in our URLs: derived, without a column."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Final

_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account at a provider that signs a person in."""

    issuer: str
    subject: str
    user_id: str
    provider: str
    linked_at: dt.datetime
    last_used_at: dt.datetime


def identity_id(issuer: str, subject: str) -> str:
    """Return 32 hexadecimal digits that name an identity; they are a name and no capability."""
    named = f"{len(issuer)}:{issuer}{subject}".encode()
    return hashlib.sha256(named).digest()[:_BYTES].hex()
