"""What a password may be: long, and not what everybody tries. No composition rules.

NIST SP 800-63B-4 section 3.1.1.2: length, a blocklist, context words; nothing else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from limen.accounts.passwords.weak import has_context, is_common, is_sequential
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.tenants.policy import TenantPolicy

MAX_CHARACTERS: Final = 256
"""Long enough for any phrase, short enough that hashing it is no attack."""

PRODUCT_WORDS: Final = ("limen",)


def normalise(raw: Secret[str]) -> Secret[str]:
    """Return the password in the one Unicode form that is hashed: NFC (N266).

    Nothing is trimmed, folded or cut.

    Raises:
        InvalidInput: ``password_invalid``: it is not Unicode text, or too long to be hashed.
    """
    value = raw.reveal()
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused("password_invalid", "A password is text; this is not.") from None
    # Before normalising too: a combining bomb costs more than the limit saves.
    if len(value) > 4 * MAX_CHARACTERS:
        raise _too_long()
    composed = unicodedata.normalize("NFC", value)
    if len(composed) > MAX_CHARACTERS:
        raise _too_long()
    return Secret(composed)


def check_new_password(
    raw: Secret[str], *, policy: TenantPolicy, context: Iterable[str], has_mfa: bool = False
) -> Secret[str]:
    """Return the password as it is to be hashed.

    Args:
        raw: As chosen.
        policy: The tenant's, for the lengths.
        context: What an attacker knows: names and address of the person, the tenant's name.
        has_mfa: Whether the person has a second factor.

    Raises:
        InvalidInput: ``password_invalid``, ``password_too_long``, ``password_too_short``,
            ``password_has_context``, ``password_too_common``, ``password_sequential``.
    """
    password = normalise(raw)
    value = password.reveal()
    least = policy.password_min_length_with_mfa if has_mfa else policy.password_min_length
    if len(value) < least:
        text = f"Use at least {least} characters; a few words you remember are fine."
        raise _refused("password_too_short", text)
    if has_context(value, (*context, *PRODUCT_WORDS)):
        text = "This is made of your name, your address or this site's name; choose another."
        raise _refused("password_has_context", text)
    if is_common(value):
        raise _refused("password_too_common", "Many people use this password; choose another.")
    if is_sequential(value):
        text = "This is a row of keys or a repetition; choose something less regular."
        raise _refused("password_sequential", text)
    return password


def _too_long() -> InvalidInput:
    return _refused("password_too_long", f"Use at most {MAX_CHARACTERS} characters.")


def _refused(code: str, text: str) -> InvalidInput:
    return InvalidInput(code, text, field="password")
