"""What GitHub and Slack sign their events with: HMAC-SHA-256 over what was sent. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from typing import Final

from limen.kernel.secret import Secret

_SLACK_WINDOW: Final = dt.timedelta(minutes=5)
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def is_githubs(raw_secret: Secret[str], *, signature: str, body: bytes) -> bool:
    """Say whether ``X-Hub-Signature-256`` is a body's, compared in constant time."""
    return _is(f"sha256={_hex(raw_secret, body)}", signature)


def is_slacks(
    raw_secret: Secret[str], *, signature: str, timestamp: str, body: bytes, now: dt.datetime
) -> bool:
    """Say whether ``X-Slack-Signature`` is a body's and not older than five minutes."""
    if not _SECONDS.fullmatch(timestamp):
        return False
    # Of numbers: not each of these is a moment of any calendar.
    if abs(now.timestamp() - int(timestamp)) > _SLACK_WINDOW.total_seconds():
        return False
    return _is(f"v0={_hex(raw_secret, b'v0:' + timestamp.encode() + b':' + body)}", signature)


def _hex(raw_secret: Secret[str], signed: bytes) -> str:
    return hmac.new(raw_secret.reveal().encode(), signed, hashlib.sha256).hexdigest()


def _is(wanted: str, told: str) -> bool:
    return hmac.compare_digest(wanted.encode(), told.encode("utf-8", "surrogatepass"))
