"""Nonces for DPoP proofs (RFC 9449 sections 8 and 9) that every node can check and none keeps.

A nonce is the MAC of a stretch of time: whoever shows it made the proof no earlier than that.
It is the same for all clients; that a proof comes once only is the ``jti``'s affair.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import Final

from limen.kernel.clock import to_timestamp
from limen.kernel.ids import b64url
from limen.kernel.secret import Secret
from limen.protocol.sender.refusal import NonceRefused

STRETCH: Final = dt.timedelta(minutes=3)
"""How long one nonce is handed out; it is good for as long again."""

_MAC_BYTES: Final = 16


def current_nonce(key: Secret[bytes], *, now: dt.datetime) -> str:
    """Return the nonce to hand out now.

    Args:
        key: Of the tenant, or of the resource; of all its nodes alike.
        now: The moment.
    """
    return _nonce(key, _stretch(now))


def check_nonce(nonce: str | None, key: Secret[bytes], *, now: dt.datetime) -> str:
    """Return the nonce to answer with, if a proof's is this stretch's or the last one's.

    Or the next one's: nobody can have it but from a node whose clock is a little ahead.

    Args:
        nonce: As the proof has it; ``None`` if it has none.
        key: As ``current_nonce`` takes it.
        now: The moment.

    Raises:
        NonceRefused: It is none of them (N103).
    """
    fresh = current_nonce(key, now=now)
    if nonce is None:
        raise NonceRefused("no nonce", nonce=fresh)
    at, told = _stretch(now), nonce.encode("utf-8", "surrogatepass")
    good = {hmac.compare_digest(told, _nonce(key, each).encode()) for each in (at, at - 1, at + 1)}
    if True not in good:
        raise NonceRefused("another nonce", nonce=fresh)
    return fresh


def _stretch(now: dt.datetime) -> int:
    return to_timestamp(now) // int(STRETCH.total_seconds())


def _nonce(key: Secret[bytes], stretch: int) -> str:
    mac = hmac.new(key.reveal(), b"dpop nonce %d" % stretch, hashlib.sha256).digest()
    return b64url(mac[:_MAC_BYTES])
