"""The form of a ciphertext, and what binds it to its place.

``version (1) | data key id (8) | nonce (12) | AES-256-GCM ciphertext and tag``. The additional
data is the header and the place: tenant, record, id, field, generation. A ciphertext moved to
another row, field, tenant or generation does not open (N243).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limen.kernel.secret import Secret

VERSION: Final = 1
KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = 1 + KEY_ID_BYTES
_LEAST_BYTES: Final = _HEADER_BYTES + _NONCE_BYTES + 16


class SealBroken(Exception):  # noqa: N818 -- it says what is found, as Refusals do
    """A ciphertext that does not open where it stands: moved, changed, or its key is gone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands. Two values never share a place and a generation.

    Args:
        record: The logical record type, ``connection`` say; not the table's name, which may change.
        id: The record's id.
        field: Which of its fields.
        generation: Counts the values the field has had, where an older one must not come back.
        key: The data key: empty for the tenant's, or a name given to ``create_key``, for what
            must be shredded by itself.
    """

    record: str
    id: str
    field: str
    generation: int = 0
    key: str = ""

    def bound_to(self, tenant_id: str) -> bytes:
        """Return the additional data: each part with its length, so that none can shift."""
        parts = (tenant_id, self.record, self.id, self.field, str(self.generation))
        encoded = [part.encode("utf-8") for part in parts]
        return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


class Header(NamedTuple):
    """What a ciphertext says in clear."""

    key_id: str
    header: bytes
    nonce: bytes
    body: bytes


def read_header(sealed: bytes) -> Header:
    """Take a ciphertext apart.

    Raises:
        SealBroken: If it is too short, or of a version this one does not know.
    """
    if len(sealed) < _LEAST_BYTES or sealed[0] != VERSION:
        raise SealBroken("not a sealed value of this version")
    header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
    return Header(header[1:].hex(), header, rest[:_NONCE_BYTES], rest[_NONCE_BYTES:])


def encrypt(aead: AESGCM, plain: bytes, *, key_id: str, bound_to: bytes) -> bytes:
    """Seal under one data key with a fresh random nonce."""
    header = bytes([VERSION]) + bytes.fromhex(key_id)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return header + nonce + aead.encrypt(nonce, plain, header + bound_to)


def decrypt(aead: AESGCM, sealed: Header, *, bound_to: bytes) -> Secret[bytes]:
    """Open under the data key its header names.

    Raises:
        SealBroken: If it was made elsewhere, for another place, or changed.
    """
    try:
        return Secret(aead.decrypt(sealed.nonce, sealed.body, sealed.header + bound_to))
    except InvalidTag:
        raise SealBroken("the value does not belong where it was found") from None
