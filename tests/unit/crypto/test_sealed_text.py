from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from limen.crypto.sealed_text import SealBroken, decrypt, encrypt, read_header
from tests.unit.hostile import FEW

AEAD = AESGCM(b"k" * 32)
KEY_ID = "00" * 8
SEALED = encrypt(AEAD, b"plain", key_id=KEY_ID, bound_to=b"place")


def opened(sealed: bytes, place: bytes = b"place") -> bytes | None:
    """What a ciphertext holds; nothing if it is refused."""
    try:
        return decrypt(AEAD, read_header(sealed), bound_to=place).reveal()
    except SealBroken:
        return None


def test_the_honest_one_opens_in_its_place_alone() -> None:
    assert opened(SEALED) == b"plain"
    assert opened(SEALED, b"elsewhere") is None


@FEW
@given(st.binary(max_size=80))
def test_any_bytes_are_refused(raw: bytes) -> None:
    assert opened(raw) is None


@FEW
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(at: int, flip: int) -> None:
    changed = SEALED[:at] + bytes([SEALED[at] ^ flip]) + SEALED[at + 1 :]
    assert opened(changed) is None
    assert opened(SEALED[:at]) is None
    assert opened(SEALED + bytes([flip])) is None


@FEW
@given(st.binary(max_size=80), st.binary(max_size=20))
def test_what_is_sealed_opens_again(plain: bytes, place: bytes) -> None:
    assert opened(encrypt(AEAD, plain, key_id=KEY_ID, bound_to=place), place) == plain
