"""How Google names scopes: what is asked, what is answered, what can be unticked."""

from __future__ import annotations

from typing import Final

IDENTITY: Final = frozenset(
    {
        "openid",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
    }
)
_LONG: Final = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
CALENDAR: Final = frozenset(
    {
        "https://www.googleapis.com/auth/calendar",
        "https://www.googleapis.com/auth/calendar.readonly",
    }
)
DRIVE: Final = frozenset(
    {
        "https://www.googleapis.com/auth/drive",
        "https://www.googleapis.com/auth/drive.file",
        "https://www.googleapis.com/auth/drive.readonly",
        "https://www.googleapis.com/auth/drive.metadata.readonly",
    }
)


def canonical(raw: str) -> list[str]:
    """Return the scopes of a request under the names that answers use, each once."""
    return list(dict.fromkeys(_LONG.get(scope, scope) for scope in raw.split()))
