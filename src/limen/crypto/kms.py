"""The key-encryption keys: they wrap data keys and seal nothing else.

From a value (``LIMEN_MASTER_KEY``, ``OAUTH_ENCRYPTION_KEY``) or from a file made at the first
start. Several may be given, the newest first: the others only unwrap, until ``rewrap`` is done.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.kernel.errors import ConfigurationError
from limen.kernel.secret import Secret

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{43}=?", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


class WrongWrappingKey(Exception):  # noqa: N818 -- it says what is found, as Refusals do
    """What was to be unwrapped was wrapped by another key, for another place, or changed."""


class WrappingKey(Protocol):
    """Whoever wraps data keys: a key in memory here, a key service elsewhere."""

    @property
    def id(self) -> str:
        """Name the key, without telling anything about it."""
        ...

    async def wrap(self, key: Secret[bytes], *, context: bytes) -> bytes:
        """Return the key encrypted and bound to the context."""
        ...

    async def unwrap(self, wrapped: bytes, *, context: bytes) -> Secret[bytes]:
        """Return the key, or raise ``WrongWrappingKey``."""
        ...


class LocalKey:
    """A key-encryption key held in memory: AES-256-GCM.

    Args:
        raw: 32 random bytes.
    """

    def __init__(self, raw: Secret[bytes]) -> None:
        self._aead = AESGCM(raw.reveal())
        derived = HKDF(SHA256(), 8, salt=None, info=b"limen wrapping key id")
        self.id = derived.derive(raw.reveal()).hex()

    async def wrap(self, key: Secret[bytes], *, context: bytes) -> bytes:
        """Encrypt under a fresh nonce."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, key.reveal(), context)

    async def unwrap(self, wrapped: bytes, *, context: bytes) -> Secret[bytes]:
        """Decrypt, or refuse."""
        nonce, body = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return Secret(self._aead.decrypt(nonce, body, context))
        except (InvalidTag, ValueError):
            raise WrongWrappingKey from None


class WrappingKeys:
    """The key in use and those before it.

    Args:
        current: Wraps, and unwraps its own.
        previous: Unwrap only.
    """

    def __init__(self, current: WrappingKey, previous: Sequence[WrappingKey] = ()) -> None:
        self.current = current
        self._by_id = {key.id: key for key in (*previous, current)}

    @property
    def ids(self) -> frozenset[str]:
        """Every key at hand."""
        return frozenset(self._by_id)

    def get(self, key_id: str) -> WrappingKey:
        """Return the key of that id.

        Raises:
            WrongWrappingKey: If it is not at hand.
        """
        if key_id not in self._by_id:
            raise WrongWrappingKey
        return self._by_id[key_id]


def load_wrapping_keys(*, master_key: Secret[str] | None, master_key_file: Path) -> WrappingKeys:
    """Read the key-encryption keys, making the file at the very first start.

    Args:
        master_key: 32 bytes in base64, base64url or hex; several separated by commas, the
            newest first. Wins over the file.
        master_key_file: Holds the same, one a line; made with mode 0600 when it is not there.

    Raises:
        ConfigurationError: If a key has another form, or others than the owner can read the file.
    """
    if master_key is not None:
        return _parse(master_key.reveal().split(","), "LIMEN_MASTER_KEY")
    if not master_key_file.exists():
        _create(master_key_file)
    return _parse(_read_private(master_key_file).split(), str(master_key_file))


def _parse(texts: Sequence[str], source: str) -> WrappingKeys:
    raws = [_decode(text.strip()) for text in texts]
    keys = [LocalKey(Secret(raw)) for raw in raws if raw is not None]
    if not keys or len(keys) != len(raws):
        raise ConfigurationError(
            f"{source} is not a sealing key: 32 random bytes in base64, base64url or hex."
        )
    return WrappingKeys(keys[0], keys[1:])


def _decode(text: str) -> bytes | None:
    if _HEX.fullmatch(text):
        raw = bytes.fromhex(text)
    elif _BASE64.fullmatch(text):
        raw = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_")[:43] + "=")
    else:
        return None
    return raw if len(set(raw)) > 1 else None  # all zeros is a placeholder, not a key


def _create(path: Path) -> None:
    """Write a new key whole or not at all; of several processes starting at once, one does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    text = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _read_private(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise ConfigurationError(
                    f"{path} can be read by others than its owner: chmod 600 it, and take a new "
                    "key if anyone may have."
                )
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {type(error).__name__}.") from error
