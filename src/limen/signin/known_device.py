"""The cookie of a browser that has signed in to an account before.

It opens nothing: it only gives the browser attempts of its own, which strangers can't use up.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final

from limen.kernel.ids import b64url
from limen.kernel.secret import Secret

COOKIE: Final = "device"
_FORM: Final = re.compile(r"([A-Za-z0-9_-]{22})((?:\.[A-Za-z0-9_-]{22}){1,4})", re.ASCII)
_MAX_ACCOUNTS: Final = 4
_MAC_BYTES: Final = 16


def known_device(cookie: str | None, *, account: str, key: Secret[bytes]) -> str | None:
    """Return the device's id if its cookie proves a former sign-in to the account."""
    device, proofs = _read(cookie)
    if device is None or not _is_among(_proof(device, account, key), proofs):
        return None
    return device


def remember_account(cookie: str | None, *, account: str, key: Secret[bytes]) -> str:
    """Return the cookie that also knows this account, of the last few that signed in.

    Args:
        cookie: The one the browser sent, if any; one we did not make is replaced.
        account: In the form attempts are counted under.
        key: The tenant's, for this purpose alone.
    """
    device, proofs = _read(cookie)
    if device is None:
        device, proofs = b64url(secrets.token_bytes(16)), ()
    proof = _proof(device, account, key)
    kept = [other for other in proofs if other != proof]
    return ".".join([device, *kept[-(_MAX_ACCOUNTS - 1) :], proof])


def _read(cookie: str | None) -> tuple[str | None, tuple[str, ...]]:
    match = _FORM.fullmatch(cookie) if cookie is not None else None
    if match is None:
        return None, ()
    return match[1], tuple(match[2][1:].split("."))


def _proof(device: str, account: str, key: Secret[bytes]) -> str:
    message = f"{device}\0{account}".encode("utf-8", "surrogatepass")
    return b64url(hmac.digest(key.reveal(), message, "sha256")[:_MAC_BYTES])


def _is_among(proof: str, proofs: tuple[str, ...]) -> bool:
    return any(hmac.compare_digest(proof, other) for other in proofs)
