"""The form of refresh tokens: ``lmr_{tenant}_{92 characters}``.

The characters are version, grant, generation, 256 random bits and a MAC under a tenant key. The
MAC tells a stolen token of ours from an invented one: only the former may end a grant, or
anyone who knows a grant's id could.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.ids import uuid_bytes, uuid_text
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash

PREFIX: Final = "lmr_"
_FORM: Final = re.compile(r"lmr_([a-z2-7]{10})_([A-Za-z0-9_-]{92})", re.ASCII)
_VERSION: Final = b"\x01"
_MAC_BYTES: Final = 16
_RANDOM_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class RefreshToken(NamedTuple):
    """A refresh token of ours: the MAC was right."""

    grant_id: str
    generation: int
    raw: Secret[str]

    @property
    def hash(self) -> bytes:
        """What the grant's row keeps of it."""
        return token_hash(self.raw)


async def mint_refresh(
    work: Work, envelope: Envelope, *, grant_id: str, generation: int
) -> RefreshToken:
    """Make the refresh token of one generation of a grant."""
    key = await envelope.derive(work, "refresh token mac")
    body = _VERSION + uuid_bytes(grant_id) + generation.to_bytes(4, "big")
    body += secrets.token_bytes(_RANDOM_BYTES)
    text = base64.urlsafe_b64encode(body + _mac(key, work.tenant_id, body)).decode("ascii")
    return RefreshToken(grant_id, generation, Secret(f"{PREFIX}{work.tenant_id}_{text}"))


async def read_refresh(work: Work, envelope: Envelope, raw: Secret[str]) -> RefreshToken | None:
    """Read a refresh token; ``None`` unless it is this tenant's own work."""
    match = _FORM.fullmatch(raw.reveal())
    if match is None or match[1] != work.tenant_id:
        return None
    # 92 characters are 69 bytes exactly: no padding and no loose bits, one spelling each.
    decoded = base64.urlsafe_b64decode(match[2])
    body, mac = decoded[:-_MAC_BYTES], decoded[-_MAC_BYTES:]
    key = await envelope.derive(work, "refresh token mac")
    if body[:1] != _VERSION or not hmac.compare_digest(mac, _mac(key, work.tenant_id, body)):
        return None
    grant_id = uuid_text(body[1:17])
    return RefreshToken(grant_id, int.from_bytes(body[17:21], "big"), raw)


async def seal_successor(
    work: Work, envelope: Envelope, *, presented: RefreshToken, successor: RefreshToken
) -> bytes:
    """Encrypt a successor so that only who holds the presented token can open it again."""
    aead = await _successor_key(work, envelope, presented)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + aead.encrypt(nonce, successor.raw.reveal().encode("ascii"), None)


async def open_successor(
    work: Work, envelope: Envelope, *, presented: RefreshToken, sealed: bytes
) -> Secret[str] | None:
    """Decrypt the successor of a presented token, or return ``None``."""
    aead = await _successor_key(work, envelope, presented)
    try:
        plain = aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag:
        return None
    return Secret(plain.decode("ascii"))


async def _successor_key(work: Work, envelope: Envelope, presented: RefreshToken) -> AESGCM:
    salt = await envelope.derive(work, "refresh successor")
    info = f"{presented.grant_id} {presented.generation}".encode("ascii")
    derived = HKDF(SHA256(), 32, salt=salt.reveal(), info=info)
    return AESGCM(derived.derive(presented.raw.reveal().encode("ascii")))


def _mac(key: Secret[bytes], tenant_id: str, body: bytes) -> bytes:
    text = tenant_id.encode("ascii") + b"\0" + body
    return hmac.digest(key.reveal(), text, "sha256")[:_MAC_BYTES]
