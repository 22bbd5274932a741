"""Signed messages in the form of Standard Webhooks: who sends, when, and that nothing changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from limen.kernel.secret import Secret

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what libraries that verify expect before it


def new_secret() -> Secret[str]:
    """Make what a receiver's messages are signed with: 256 random bits."""
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode())


def signed_headers(
    raw_secrets: Iterable[Secret[str]], *, body: bytes, message_id: str, timestamp: int
) -> dict[str, str]:
    """Return the headers that prove who sends a message, and when (N218).

    Args:
        raw_secrets: The receiver's; while one replaces another the message is signed with both.
        body: As it is sent.
        message_id: The same at every attempt, so that a receiver can refuse a second one.
        timestamp: Seconds since 1970 of this attempt; a receiver refuses what is more than five
            minutes off.

    Spec: Standard Webhooks 1.0, "Webhook signature".
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(raw, signed) for raw in raw_secrets),
    }


def _signature(raw_secret: Secret[str], signed: bytes) -> str:
    key = base64.b64decode(raw_secret.reveal().removeprefix(SECRET_PREFIX))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
