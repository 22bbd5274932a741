"""Recovery codes: ten, shown once, each good once, for whoever lost the other factor."""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.mfa import store

COUNT: Final = 10
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without the letters and digits that people take for each other."""

_HALF: Final = 5
_FORM: Final = re.compile(rf"[{_ALPHABET}]{{{2 * _HALF}}}", re.ASCII)


async def issue_recovery_codes(
    work: Work, *, envelope: Envelope, user_id: str
) -> tuple[Secret[str], ...]:
    """Make new codes; those of before are dead. What is kept can't be turned back into them.

    Args:
        work: The transaction.
        envelope: Keys the hash: some fifty random bits alone could be guessed from a copy of
            the database (N277).
        user_id: Whose.
    """
    codes = tuple(_new_code() for _ in range(COUNT))
    macs = [await _mac(work, envelope, user_id=user_id, code=code.reveal()) for code in codes]
    await store.replace_codes(work, user_id, macs)
    return tuple(_shown(code) for code in codes)


async def redeem_recovery_code(
    work: Work, *, envelope: Envelope, user_id: str, raw_code: Secret[str]
) -> bool:
    """Spend a code. Atomic: of any number of concurrent callers one is told yes."""
    code = read_recovery_code(raw_code)
    if code is None:
        return False
    mac = await _mac(work, envelope, user_id=user_id, code=code.reveal())
    return await store.redeem_code(work, user_id, code_mac=mac)


def read_recovery_code(raw: Secret[str]) -> Secret[str] | None:
    """Return the code somebody typed, however grouped or cased; ``None`` if it is none."""
    typed = raw.reveal().replace(" ", "").replace("-", "").lower()
    return Secret(typed) if _FORM.fullmatch(typed) else None


def _new_code() -> Secret[str]:
    return Secret("".join(secrets.choice(_ALPHABET) for _ in range(2 * _HALF)))


def _shown(code: Secret[str]) -> Secret[str]:
    bare = code.reveal()
    return Secret(f"{bare[:_HALF]}-{bare[_HALF:]}")


async def _mac(work: Work, envelope: Envelope, *, user_id: str, code: str) -> bytes:
    key = await envelope.derive(work, "recovery code")
    return hmac.digest(key.reveal(), f"{user_id}\n{code}".encode(), sha256)
