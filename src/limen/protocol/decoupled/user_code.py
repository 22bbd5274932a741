"""User codes: short enough to type on a phone, too many to guess at the pace we allow.

Twenty consonants, so that no word comes out and no letter looks like a digit; eight of them are
34 bits. Case, spaces and dashes do not matter (RFC 8628 sections 5.1 and 6.1).
"""

from __future__ import annotations

import secrets
from typing import Final

from limen.kernel.secret import Secret

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
MAX_TYPED_CHARACTERS: Final = 40
_HALF: Final = LENGTH // 2
_IGNORED: Final = str.maketrans("", "", " -_.\u00a0\u2010\u2011\u2012\u2013\u2014")


def new_user_code() -> Secret[str]:
    """Make a code, in the form that is compared: without its dash."""
    return Secret("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def show_user_code(raw_code: Secret[str]) -> str:
    """Write a code as it is shown and typed: ``WDJB-MJHT``."""
    code = raw_code.reveal()
    return f"{code[:_HALF]}-{code[_HALF:]}"


def read_user_code(typed: str | None) -> Secret[str] | None:
    """Return a code as typed, in the form that is compared; ``None`` for what is none.

    Args:
        typed: In whatever case, with whatever stands between the letters on the screen.
    """
    if typed is None or len(typed) > MAX_TYPED_CHARACTERS:
        return None
    code = typed.translate(_IGNORED).strip()
    if not code.isascii():
        return None
    code = code.upper()
    if len(code) != LENGTH or not set(code) <= set(ALPHABET):
        return None
    return Secret(code)
