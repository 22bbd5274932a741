"""Identifiers: UUIDv7 where they only name, 256 random bits where they are capabilities."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
from typing import Final

_LOWEST_62: Final = (1 << 62) - 1
_LOWEST_74: Final = (1 << 74) - 1
_NAME_BYTES: Final = 16
_MOMENT_BYTES: Final = 6
_MOMENT_CHARACTERS: Final = 8
"""Six bytes without padding."""
_ASKED_AT_ONCE: Final = 64
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def new_id(now: dt.datetime) -> str:
    """Return a UUIDv7 (RFC 9562 section 5.7): sorts by time, names and grants nothing."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(_random_name()) & _LOWEST_74
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64
    value |= 0b10 << 62 | random & _LOWEST_62
    return _as_uuid(f"{value:032x}")


def new_name() -> str:
    """Return 128 random bits in 22 characters: names a token (``jti``), grants nothing."""
    return b64url(_random_name())


def new_name_at(now: dt.datetime) -> str:
    """As ``new_name``, but it begins with the moment, to the millisecond; 80 bits are random."""
    milliseconds = int(now.timestamp()) * 1000 + now.microsecond // 1000
    return b64url(milliseconds.to_bytes(_MOMENT_BYTES) + _random_name()[_MOMENT_BYTES:])


def milliseconds_of(name: str) -> int | None:
    """Return the moment that a name of ``new_name_at`` begins with, in ms since the epoch.

    Of a name that says none it is a number without meaning: compare it with what else is known.
    """
    try:
        raw = base64.urlsafe_b64decode(name[:_MOMENT_CHARACTERS])
    except ValueError:
        return None
    return int.from_bytes(raw) if len(raw) == _MOMENT_BYTES else None


def uuid_bytes(text: str) -> bytes:
    """Return the sixteen bytes of a UUID of ours."""
    return bytes.fromhex(text.replace("-", ""))


def uuid_text(raw: bytes) -> str:
    """Return a UUID's sixteen bytes as it is written (RFC 9562 section 4)."""
    return _as_uuid(raw.hex())


def new_tenant_id() -> str:
    """Return 50 random bits as ten letters and digits: a tenant's id and its public short key."""
    return base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]


def b64url(raw: bytes) -> str:
    """Encode without padding (RFC 7515 appendix C)."""
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def _as_uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_UNUSED: Final[list[bytes]] = []
"""Random bytes for names: the system is asked for many at once. What grants something asks it
for its own, which nobody can have read from here before."""


def _random_name() -> bytes:
    while True:
        try:
            return _UNUSED.pop()  # in one step, whichever thread asks
        except IndexError:
            asked = secrets.token_bytes(_NAME_BYTES * _ASKED_AT_ONCE)
            _UNUSED.extend(asked[at : at + _NAME_BYTES] for at in range(0, len(asked), _NAME_BYTES))


def forget_names() -> None:
    """Ask for other random bytes: a process that was forked has its parent's."""
    _UNUSED.clear()
