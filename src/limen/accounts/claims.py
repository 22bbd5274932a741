"""The OpenID Connect standard claims that an account keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from limen.accounts.user import User
from limen.kernel.clock import to_timestamp
from limen.kernel.errors import InvalidInput
from limen.protocol.claims import ADDRESS_MEMBERS

_MAX_CHARACTERS: Final = 1000
_BIRTHDATE: Final = re.compile(r"\d{4}(-\d{2}-\d{2})?|0000-\d{2}-\d{2}", re.ASCII)
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", re.ASCII)

_TEXTS: Final = frozenset(
    {
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "phone_number",
    }
)
_ADDRESSES: Final = frozenset({"profile", "picture", "website"})
_OPERATOR_ONLY: Final = frozenset({"phone_number_verified"})

STORED_CLAIMS: Final = _TEXTS | _ADDRESSES | _OPERATOR_ONLY | {"address"}
"""What lies in ``users.claims``; ``email``, ``email_verified``, ``updated_at`` are columns."""


def all_claims(user: User) -> dict[str, Any]:
    """Return every claim there is of a person, without ``sub``; absent ones are left out."""
    claims = {name: value for name, value in user.claims.items() if name in STORED_CLAIMS}
    if user.email is not None:
        claims |= {"email": user.email, "email_verified": user.is_verified}
    if "phone_number" in claims:
        claims.setdefault("phone_number_verified", False)
    return {**claims, "updated_at": to_timestamp(user.updated_at)}


def check_claims(raw: Mapping[str, Any], *, by_operator: bool = False) -> dict[str, Any]:
    """Return the claims as they may be stored.

    Args:
        raw: JSON members; ``None`` means absent.
        by_operator: Also what people may not say of themselves.

    Raises:
        InvalidInput: ``claim_unknown``: not a standard claim, or one that nobody sets this
            way, ``email_verified`` above all (N134); ``claim_invalid``: of the wrong form.
    """
    allowed = STORED_CLAIMS if by_operator else STORED_CLAIMS - _OPERATOR_ONLY
    for name in raw:
        if name not in allowed:
            raise InvalidInput("claim_unknown", "This can't be set here.", field=str(name))
    return {name: _checked(name, value) for name, value in raw.items() if value is not None}


def names_in(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names among claims: words that a password must not be made of (N264)."""
    named = ("name", "given_name", "family_name", "nickname", "preferred_username")
    return tuple(str(claims[name]) for name in named if claims.get(name))


def _checked(name: str, value: Any) -> Any:
    if not _is_valid(name, value):
        raise InvalidInput("claim_invalid", "This does not have the right form.", field=name)
    return value


def _is_valid(name: str, value: Any) -> bool:
    if name in _OPERATOR_ONLY:
        return isinstance(value, bool)
    if name == "address":
        return _is_address(value)
    if not _is_text(value):
        return False
    if name in _ADDRESSES:
        return _is_web_address(value)
    pattern = {"birthdate": _BIRTHDATE, "locale": _LOCALE}.get(name)
    return pattern is None or pattern.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_CHARACTERS and value.isprintable()


def _is_web_address(value: str) -> bool:
    """Refuse ``javascript:`` and the like: other people's pages show these as links."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.username is None


def _is_address(value: Any) -> bool:
    if not isinstance(value, dict) or not value.keys() <= set(ADDRESS_MEMBERS):
        return False
    # Lines of a postal address may break; nothing else unprintable belongs in one.
    return all(
        isinstance(text, str) and _is_text(text.replace("\n", " ")) for text in value.values()
    )
