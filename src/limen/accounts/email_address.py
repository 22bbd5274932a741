"""An e-mail address in its one canonical form, or a refusal (N135, N136)."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

from email_validator import EmailNotValidError, validate_email

from limen.kernel.errors import InvalidInput

MAX_CHARACTERS: Final = 254
_BLANKS: Final = " "
_LETTERED: Final = ("L",)
_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that one word may mix (UTS 39 section 5.2, highly restrictive)."""


@functools.lru_cache(maxsize=64)  # a sign-in asks twice, for the budget and for the account
def parse_email(raw: str) -> str:
    """Return the canonical form of an address: what is stored, compared and mailed to.

    Blanks around it are dropped, letters are lower-cased, the host is in its ASCII form.

    Args:
        raw: As received.

    Raises:
        InvalidInput: ``email_invalid``: not one plain mailbox; or it holds what looks like
            something else (compatibility forms such as a full-width ``@``, invisible
            characters, mixed scripts), which another mail system might fold into a different
            person's address.
    """
    text = raw.strip(_BLANKS)
    if not text or len(text) > MAX_CHARACTERS:
        raise _invalid("length")
    composed = unicodedata.normalize("NFC", text)
    # Not folded and accepted, refused: whoever folds later than we compare, mails another.
    if unicodedata.normalize("NFKC", composed) != composed:
        raise _invalid("compatibility characters")
    # Also refuses controls, separators and invisible characters, wherever they stand.
    try:
        parts = validate_email(
            composed,
            check_deliverability=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=True,
            test_environment=True,
        )
    except EmailNotValidError:
        raise _invalid("syntax") from None
    words = (parts.local_part, *(parts.domain or "").split("."))
    if any(_mixes_scripts(word) for word in words):
        raise _invalid("mixed scripts")
    return f"{parts.local_part.lower()}@{parts.ascii_domain.lower()}"


def find_canonical(raw: str) -> str | None:
    """Return the canonical form, or ``None``: for look-ups that must not tell why."""
    try:
        return parse_email(raw)
    except InvalidInput:
        return None


def throttle_key(raw: str) -> str:
    """Return what failed attempts for an address are counted under (N155).

    Case, blanks, Unicode forms and ``+tag`` variants count together; never raises.
    """
    folded = unicodedata.normalize("NFKC", raw).strip().casefold()[:MAX_CHARACTERS]
    # As it names an account first: folded, a host with ß would be another than its ASCII form.
    canonical = find_canonical(raw) or find_canonical(folded) or folded
    local, at, domain = canonical.casefold().rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}" if at else canonical


def _mixes_scripts(word: str) -> bool:
    scripts = {
        unicodedata.name(character, "UNKNOWN").partition(" ")[0]
        for character in word
        if unicodedata.category(character)[0] in _LETTERED
    }
    return len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)


def _invalid(detail: str) -> InvalidInput:
    text = "Enter one e-mail address, like ada@example.org."
    return InvalidInput("email_invalid", text, detail=detail, field="email")
