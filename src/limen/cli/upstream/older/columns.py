"""What the columns of the six tables may be called, and which there must be."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from limen.cli.upstream.older.read import Older, Row
from limen.kernel.clock import UTC
from limen.kernel.errors import InvalidInput

NAMES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "oauth_integrations": {
        "id": ("id",),
        "user": ("user_id", "owner_id"),
        "provider": ("provider", "provider_name", "service"),
        "subject": (
            "provider_user_id",
            "provider_account_id",
            "external_account_id",
            "external_id",
        ),
        "account": ("label", "account_name", "display_name", "account_email", "provider_email"),
        "status": ("status", "state", "is_active", "active"),
        "connected_at": ("connected_at", "created_at"),
    },
    "oauth_tokens": {
        "integration": ("integration_id", "oauth_integration_id", "connection_id"),
        "access_token": ("access_token", "access_token_encrypted", "encrypted_access_token"),
        "refresh_token": ("refresh_token", "refresh_token_encrypted", "encrypted_refresh_token"),
        "expires_at": ("expires_at", "access_token_expires_at", "token_expires_at"),
        "issued_at": ("issued_at", "updated_at", "created_at"),
        "scopes": ("scopes", "scope", "granted_scopes"),
        "ended": ("is_revoked", "revoked", "revoked_at"),
    },
    "oauth_scopes": {
        "integration": ("integration_id", "oauth_integration_id", "connection_id"),
        "scope": ("scope", "scope_name", "name"),
        "granted": ("granted", "is_granted"),
    },
    "oauth_consents": {
        "integration": ("integration_id", "oauth_integration_id", "connection_id"),
        "feature": ("feature", "feature_name"),
        "scopes": ("scopes", "scope"),
        "granted": ("granted", "consent_given", "is_granted"),
        "ended": ("revoked_at", "withdrawn_at", "denied_at"),
    },
}
"""By table and by what it means to us; of several names the first that is there counts."""

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "oauth_integrations": ("id", "user", "provider"),
    "oauth_tokens": ("integration", "access_token"),
    "oauth_scopes": ("integration", "scope"),
    "oauth_consents": ("integration",),
}
_NEEDED_TABLES: Final = ("oauth_integrations", "oauth_tokens")
_MILLISECONDS: Final = 10**11
_ENDED: Final = frozenset(
    {"0", "false", "revoked", "disconnected", "inactive", "deleted", "disabled", "erased"}
)


def check_columns(older: Older) -> None:
    """Refuse tables that can't be read as these, naming all that is missing at once.

    Raises:
        InvalidInput: ``older_tables``.
    """
    missing = [f"the table {table}" for table in _NEEDED_TABLES if table not in older.rows]
    for table, rows in older.rows.items():
        if not rows:
            continue
        for meaning in REQUIRED[table]:
            names = NAMES[table][meaning]
            if not any(name in rows[0] for name in names):
                missing.append(f"{table}.{' or '.join(names)}")
    if missing:
        raise InvalidInput("older_tables", f"Missing there: {', '.join(missing)}.")


def value_of(table: str, row: Row, meaning: str) -> Any:
    """Return what a row says of something; ``None`` if it says nothing."""
    return next((row[name] for name in NAMES[table][meaning] if name in row), None)


def text_of(table: str, row: Row, meaning: str) -> str:
    """Return as ``value_of``, as text; empty for nothing."""
    value = value_of(table, row, meaning)
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("utf-8", "replace")
    return "" if value is None else str(value)


def moment_of(table: str, row: Row, meaning: str) -> dt.datetime | None:
    """Return a moment; of one without a zone it is UTC, of a number seconds since 1970."""
    try:
        return _moment(value_of(table, row, meaning))
    except (ValueError, OverflowError, OSError):
        return None  # no date, or none that the calendar has


def _moment(value: Any) -> dt.datetime | None:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value.strip())
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        seconds = value / 1000 if value > _MILLISECONDS else value
        return dt.datetime.fromtimestamp(seconds, UTC)
    if not isinstance(value, dt.datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def words_of(table: str, row: Row, meaning: str) -> tuple[str, ...]:
    """Return a list that may be JSON, an array, or words parted by spaces or commas."""
    value = value_of(table, row, meaning)
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, Sequence):
        return ()
    return tuple(dict.fromkeys(each for each in value if isinstance(each, str) and each))


def says_no(value: object) -> bool:
    """Say whether a column about something being granted or alive says that it is not."""
    return value is not None and str(value).strip().lower() in _ENDED


def says_ended(value: object) -> bool:
    """Say whether a column about the end, true or a moment, says that it came."""
    return value is not None and str(value).strip().lower() not in {"", "0", "false"}
