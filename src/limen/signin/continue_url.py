"""Where a person goes on after signing in: a path of ours, signed by who sent them.

Sign-in knows a path and nothing of what waits there. Unsigned, it would be an open redirect.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.ids import b64url
from limen.kernel.secret import Secret

OWN_PAGES: Final = frozenset(
    {
        "/account",
        "/account/api-keys",
        "/account/close",
        "/account/email",
        "/account/password",
        "/account/profile",
        "/account/two-step",
        "/console",
    }
)
"""Our own pages, which anyone may name unsigned: they lie under the tenant's root."""

_FORM: Final = re.compile(r"([A-Za-z0-9_-]{2,2800})\.([A-Za-z0-9_-]{22})", re.ASCII)
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
_MAC_BYTES: Final = 16


async def sign_continue(work: Work, *, envelope: Envelope, path: str) -> str:
    """Return what to pass as ``continue`` so that sign-in ends at a path.

    Args:
        work: The tenant it is good for.
        envelope: Gives the tenant's key.
        path: Absolute path with its query, the tenant's own prefix included.

    Raises:
        ValueError: If it leads off this site.
    """
    if not is_local_path(path):
        raise ValueError("sign-in continues on this site alone")
    key = await _key(work, envelope)
    return f"{b64url(path.encode())}.{_mac(key, path)}"


async def read_continue(work: Work, *, envelope: Envelope, raw: str | None) -> str | None:
    """Return the path that was signed, or that of one of our own pages; else ``None``."""
    if not raw:
        return None
    if raw in OWN_PAGES:
        return work.site.path + raw
    match = _FORM.fullmatch(raw)
    path = _decode(match[1]) if match is not None else None
    if match is None or path is None or not is_local_path(path):
        return None
    key = await _key(work, envelope)
    return path if hmac.compare_digest(match[2], _mac(key, path)) else None


def is_local_path(path: str) -> bool:
    """Say whether a browser stays on this site: no host, no scheme, nothing to fold away."""
    return _PATH.fullmatch(path) is not None


async def _key(work: Work, envelope: Envelope) -> Secret[bytes]:
    return await envelope.derive(work, "continue url")


def _mac(key: Secret[bytes], path: str) -> str:
    return b64url(hmac.digest(key.reveal(), path.encode(), "sha256")[:_MAC_BYTES])


def _decode(encoded: str) -> str | None:
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return raw.decode("ascii")
    except (ValueError, binascii.Error):
        return None
