"""Time-based one-time passwords (RFC 6238 over RFC 4226). Pure."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import re
import secrets
from typing import Final
from urllib.parse import quote, urlencode

from limen.kernel.secret import Secret

STEP_SECONDS: Final = 30
DIGITS: Final = 6
WINDOW: Final = 1
"""Steps before and after the present one that are accepted: clocks differ, people type slowly."""

_SECRET_BYTES: Final = 20
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> Secret[bytes]:
    """Return 160 random bits, the length of the hash (RFC 4226 section 4)."""
    return Secret(secrets.token_bytes(_SECRET_BYTES))


def hotp(secret: Secret[bytes], counter: int, *, digits: int = DIGITS) -> str:
    """Return the one-time password of a counter (RFC 4226 section 5.3)."""
    digest = hmac.digest(secret.reveal(), counter.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_at(now: dt.datetime) -> int:
    """Return the number of the time step a moment lies in (RFC 6238 section 4.2)."""
    return int(now.timestamp()) // STEP_SECONDS


def read_code(raw: Secret[str]) -> Secret[str] | None:
    """Return the six digits somebody typed, however grouped; ``None`` if they are no code."""
    typed = raw.reveal().replace(" ", "").replace("-", "")
    return Secret(typed) if _CODE.fullmatch(typed) else None


def matching_step(secret: Secret[bytes], code: Secret[str], *, now: dt.datetime) -> int | None:
    """Return the step within the window whose password a code is, or ``None``.

    Every step of the window is computed, whichever matches. That a step is not used twice
    (RFC 6238 section 5.2) is for the caller, who keeps the last one.
    """
    present = step_at(now)
    found: int | None = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        if step >= 0 and hmac.compare_digest(hotp(secret, step), code.reveal()):
            found = step
    return found


def base32(secret: Secret[bytes]) -> str:
    """Return the secret as people type it into an app, without padding."""
    return base64.b32encode(secret.reveal()).decode().rstrip("=")


def provisioning_uri(secret: Secret[bytes], *, issuer: str, account: str) -> str:
    """Return the ``otpauth`` URI that authenticator apps read.

    Args:
        secret: Of the factor.
        issuer: Whom the code is for, as people call it; colons would split the label.
        account: The person's address, or whatever names them.
    """
    name = issuer.replace(":", " ")
    label = quote(f"{name}:{account}", safe="@:")
    query = {
        "secret": base32(secret),
        "issuer": name,
        "algorithm": "SHA1",
        "digits": str(DIGITS),
        "period": str(STEP_SECONDS),
    }
    return f"otpauth://totp/{label}?{urlencode(query, quote_via=quote)}"
