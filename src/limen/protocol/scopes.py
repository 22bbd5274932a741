"""Scopes: how they are written, which are granted, how a refresh may narrow them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from limen.kernel.errors import OAuthRefusal

OPENID: Final = "openid"
OFFLINE_ACCESS: Final = "offline_access"
IDENTITY_SCOPES: Final = ("openid", "profile", "email", "address", "phone", "offline_access")
"""What OpenID Connect Core sections 3.1.2.1, 5.4 and 11 define; theirs is no resource but ours."""

NEVER_BY_DEFAULT: Final = frozenset({OPENID, OFFLINE_ACCESS})
"""Who wants to know who the user is, or to act while they are away, says so."""

MAX_SCOPES: Final = 100
MAX_SCOPE_CHARACTERS: Final = 8192
_TOKEN: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+", re.ASCII)


def is_scope_token(value: str) -> bool:
    """Say whether a text can be one scope (RFC 6749 section 3.3)."""
    return _TOKEN.fullmatch(value) is not None


def parse_scope(raw: str | None) -> tuple[str, ...] | None:
    """Split a ``scope`` parameter; ``None`` means that it was not sent.

    Returns:
        Each scope once, in the order first named. Runs of spaces are forgiven.

    Raises:
        OAuthRefusal: ``invalid_scope``: other characters than RFC 6749 section 3.3 allows, or
            so many that reading them is the attack (N233).
    """
    if raw is None:
        return None
    if len(raw) > MAX_SCOPE_CHARACTERS:
        raise OAuthRefusal("invalid_scope", "The scope is too long.", field="scope")
    named = [word for word in raw.split(" ") if word]
    if len(named) > MAX_SCOPES:
        raise OAuthRefusal("invalid_scope", "There are too many scopes.", field="scope")
    if not all(map(is_scope_token, named)):
        raise OAuthRefusal(
            "invalid_scope", "The scope holds characters that no scope may hold.", field="scope"
        )
    return tuple(dict.fromkeys(named)) or None


def join_scope(scope: Iterable[str]) -> str:
    """Write scopes as one parameter."""
    return " ".join(scope)


def choose_scope(
    requested: tuple[str, ...] | None, *, allowed: Collection[str], defaults: Iterable[str]
) -> tuple[str, ...]:
    """Decide what a request may be granted.

    Unknown scopes are dropped, for the answer says what was granted (RFC 6749 section 3.3).

    Args:
        requested: ``None`` when the request named none.
        allowed: What the client may have on the resource.
        defaults: What stands for "none named"; ``openid`` and ``offline_access`` never do.

    Raises:
        OAuthRefusal: ``invalid_scope`` when nothing is left.
    """
    if requested is None:
        requested = tuple(scope for scope in defaults if scope not in NEVER_BY_DEFAULT)
    chosen = tuple(scope for scope in requested if scope in allowed)
    if not chosen:
        raise OAuthRefusal(
            "invalid_scope", "None of these scopes is available to this client.", field="scope"
        )
    return chosen


def narrow_scope(requested: tuple[str, ...] | None, *, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a refresh may carry: what was granted, or less, never more (N052).

    Spec: RFC 6749 section 6.
    """
    if requested is None:
        return granted
    if not set(requested) <= set(granted):
        raise OAuthRefusal("invalid_scope", "The scope exceeds what was granted.", field="scope")
    return requested
