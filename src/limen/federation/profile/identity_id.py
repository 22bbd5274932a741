"""What an identity is called in our URLs: derived, so that it needs no column of its own."""

from __future__ import annotations

import hashlib
from typing import Final

_BYTES: Final = 16


def identity_id(issuer: str, subject: str) -> str:
    """Return 32 hexadecimal digits that name an identity; they are a name and no capability."""
    named = f"{len(issuer)}:{issuer}{subject}".encode()
    return hashlib.sha256(named).digest()[:_BYTES].hex()
