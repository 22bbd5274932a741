"""Identifiers: UUIDv7 where they only name, 256 random bits where they are capabilities."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
from typing import Final

_LOWEST_62: Final = (1 << 62) - 1
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def new_id(now: dt.datetime) -> str:
    """Return a UUIDv7 (RFC 9562 section 5.7): sorts by time, names and grants nothing."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64
    value |= 0b10 << 62 | random & _LOWEST_62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_tenant_id() -> str:
    """Return 50 random bits as ten letters and digits: a tenant's id and its public short key."""
    return base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]


def b64url(raw: bytes) -> str:
    """Encode without padding (RFC 7515 appendix C)."""
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()
