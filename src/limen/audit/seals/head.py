"""The end of a chain, under a MAC of this installation's.

Whoever can write to the database alone can take away the last seals with their events; but not
say in the head that the chain ends there, unless they kept an earlier head to put back. That too
is seen: in the log stream, and by a process that sealed what is gone.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import astuple, dataclass, field
from hashlib import sha256
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.secret import Secret

_PURPOSE: Final = "audit chain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place between two segments.

    Args:
        segment: The last one before it; 0 at the very beginning.
        number: Of that segment's last event.
        hash: Of that segment's seal; empty at the very beginning.
    """

    segment: int = 0
    number: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain ends, and where what is kept of it begins.

    Args:
        end: Behind the last segment.
        dropped: Behind the last segment that is kept no longer.
        mac: As found in the row.
        fence: Of the lease it was claimed with.
    """

    end: Place = field(default_factory=Place)
    dropped: Place = field(default_factory=Place)
    mac: bytes = b""
    fence: int = 0


async def derive_key(work: Work, envelope: Envelope) -> Secret[bytes]:
    """Return the tenant's key for MACs of its chain; the database alone does not have it."""
    return await envelope.derive(work, _PURPOSE)


def mac_of_head(key: Secret[bytes], *, tenant_id: str, end: Place, dropped: Place) -> bytes:
    """Return the MAC under which a head is ours."""
    return _mac(key, "head", tenant_id, *astuple(end), *astuple(dropped))


def mac_of_public_key(key: Secret[bytes], *, tenant_id: str, kid: str) -> bytes:
    """Return the MAC under which a public key is ours; its id is its thumbprint."""
    return _mac(key, "key", tenant_id, kid)


def is_ours(key: Secret[bytes], head: Head, *, tenant_id: str) -> bool:
    """Say whether this installation wrote the head."""
    made = mac_of_head(key, tenant_id=tenant_id, end=head.end, dropped=head.dropped)
    return hmac.compare_digest(made, head.mac)


def _mac(key: Secret[bytes], *parts: str | int) -> bytes:
    return hmac.digest(key.reveal(), json.dumps(parts).encode("ascii"), sha256)
