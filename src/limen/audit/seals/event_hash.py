"""An event's one spelling, and its hash.

RFC 8785's form: members sorted, no white space, UTF-8. What an export shows of an event, less its
``kind``, is hashed as it stands there.
"""

from __future__ import annotations

import dataclasses
import operator
from hashlib import sha256
from typing import Any, Final

from limen.audit.event import AuditEvent
from limen.db.statements import Row
from limen.kernel.json_text import json_writer

HASH_BYTES: Final = 32
_encode: Final = json_writer(ascii_only=False, sort_keys=True)
_NAMES: Final = tuple(field.name for field in dataclasses.fields(AuditEvent))
_values: Final = operator.attrgetter(*_NAMES)


def members_of(tenant_id: str, event: AuditEvent | Row) -> dict[str, Any]:
    """Return all that is hashed of an event: every column of its row."""
    members: dict[str, Any] = dict(zip(_NAMES, _values(event), strict=True))
    members["at"] = event.at.isoformat(timespec="microseconds")
    members["tenant_id"] = tenant_id
    return members


def spell(members: dict[str, Any]) -> str:
    """Write members in the one form that is hashed.

    Raises:
        ValueError: For NaN and infinities, which are no JSON.
    """
    return _encode(members)


def hash_members(members: dict[str, Any]) -> bytes:
    """Return the SHA-256 of an event's members.

    Raises:
        ValueError: As ``spell``; and for a lone surrogate, which is no text.
    """
    return sha256(_encode(members).encode("utf-8")).digest()


def hash_event(tenant_id: str, event: AuditEvent | Row) -> bytes:
    """Return the SHA-256 of an event or its row, its tenant and its number among the rest."""
    return hash_members(members_of(tenant_id, event))
