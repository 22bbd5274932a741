"""Where a list goes on: a position only we can write.

A cursor a caller may edit reads other people's rows and sorts by columns nobody may see
(N210); so it carries a MAC over the list it belongs to, tenant and filters included.
"""

from __future__ import annotations

import binascii
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from limen.kernel.errors import InvalidInput
from limen.kernel.ids import b64url
from limen.kernel.secret import Secret

_MAC_BYTES: Final = 16
_MAX_CHARACTERS: Final = 1000


def seal_cursor(key: Secret[bytes], *, place: Sequence[str], position: Sequence[str]) -> str:
    """Return the cursor for a position in a list.

    Args:
        key: The tenant's, derived for cursors.
        place: Names the list: its route, the tenant, every filter in use.
        position: What the list continues after.
    """
    body = json.dumps(list(position), separators=(",", ":")).encode()
    return b64url(_mac(key, place, body) + body)


def open_cursor(key: Secret[bytes], raw: str, *, place: Sequence[str]) -> tuple[str, ...]:
    """Return the position a cursor stands for.

    Raises:
        InvalidInput: ``cursor_invalid``: not ours, altered, or of another list.
    """
    try:
        if len(raw) > _MAX_CHARACTERS:
            raise ValueError  # noqa: TRY301 -- as any other malformed cursor
        decoded = urlsafe_b64decode(raw.encode("ascii") + b"=" * (-len(raw) % 4))
    except (ValueError, binascii.Error):
        raise _invalid() from None
    mac, body = decoded[:_MAC_BYTES], decoded[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, place, body)):
        raise _invalid()
    return tuple(json.loads(body))


def _mac(key: Secret[bytes], place: Sequence[str], body: bytes) -> bytes:
    told = json.dumps(list(place), separators=(",", ":")).encode()
    message = len(told).to_bytes(4, "big") + told + body
    return hmac.digest(key.reveal(), message, sha256)[:_MAC_BYTES]


def _invalid() -> InvalidInput:
    text = "This cursor does not belong to this list; start from its beginning."
    return InvalidInput("cursor_invalid", text, field="cursor")
