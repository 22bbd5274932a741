"""Random secrets that carry their kind and tenant in clear, and the hashes we store of them.

The form is ``{kind}_{tenant_id}_{256 random bits}``: the kind lets secret scanners and
operators recognise it, the tenant routes it, the bits are the capability.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final, NamedTuple

from limen.kernel.secret import Secret

_FORM: Final = re.compile(r"(lm[a-z]{1,3})_([a-z2-7]{10})_([A-Za-z0-9_-]{43})", re.ASCII)


class ReadToken(NamedTuple):
    """What an opaque token says in clear."""

    kind: str
    tenant_id: str


def mint(kind: str, tenant_id: str) -> Secret[str]:
    """Make a new opaque token of 256 random bits.

    Args:
        kind: Its prefix, ``lmc`` say; lower-case and starting with ``lm``.
        tenant_id: The short key of the tenant it is valid in.
    """
    return Secret(f"{kind}_{tenant_id}_{secrets.token_urlsafe(32)}")


def read(raw: Secret[str], *, kind: str) -> ReadToken | None:
    """Read the clear part, or return ``None`` unless it is exactly a token of that kind."""
    match = _FORM.fullmatch(raw.reveal())
    if match is None or match[1] != kind:
        return None
    return ReadToken(match[1], match[2])


def random_secret() -> Secret[str]:
    """Return 256 random bits as 43 characters."""
    return Secret(secrets.token_urlsafe(32))


def token_hash(raw: Secret[str]) -> bytes:
    """Return what is stored of a token of 128 and more random bits: SHA-256, 32 bytes."""
    return hashlib.sha256(raw.reveal().encode("utf-8", "surrogatepass")).digest()
