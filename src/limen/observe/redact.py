"""What must not be shown, by the name it goes under and by the shape it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "[hidden]"

_MAX_TEXT: Final = 4000
_MAX_DEPTH: Final = 6

_NAMES: Final = frozenset(
    {
        *("authorization", "proxy_authorization", "cookie", "set_cookie", "dpop", "csrf"),
        *("code", "state", "nonce", "otp", "totp", "pin", "assertion", "request", "key", "seed"),
        *("code_verifier", "device_code", "user_code", "login_hint", "id_token_hint", "body"),
        *("client_assertion", "subject_token", "actor_token", "logout_token", "samlresponse"),
        *("headers", "query", "query_string", "form", "email", "recovery_code", "answer"),
    }
)
_PARTS: Final = ("password", "passwd", "secret", "token", "credential", "private_key", "api_key")
_HARMLESS: Final = frozenset(
    {"token_type", "token_kind", "token_endpoint_auth_method", "token_count", "tokens_revoked"}
)

_PARAMETERS: Final = (
    "code|state|nonce|token|access_token|refresh_token|id_token|id_token_hint|client_secret|"
    "client_assertion|code_verifier|assertion|password|new_password|device_code|user_code|"
    "request|request_uri|continue|login_hint|email|key|sig|signature|response"
)
_SHAPES: Final = re.compile(
    r"-----BEGIN[ A-Z]*PRIVATE KEY-----.*?(?:-----END[ A-Z]*PRIVATE KEY-----|\Z)"
    r"|\blm[a-z]{1,3}_[a-z2-7]{10}_[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,3}"
    r"|\b(?:ya29\.|1//|GOCSPX-|gh[opsur]_|github_pat_|ntn_|secret_|xox[a-z]-|sk-)[A-Za-z0-9._/-]{8,}"
    r"|\$argon2[a-z]{1,2}\$[^\s\"']+"
    r"|(?i:\b(?P<scheme>bearer|basic|dpop)[ \t]+)[A-Za-z0-9._~+/=-]{6,}"
    r"|(?P<userinfo>\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/?#@\"']*@"
    rf"|(?P<parameter>(?<![A-Za-z0-9_])(?:{_PARAMETERS})=)[^&\s\"'<>]+"
    rf"|(?P<member>[\"'](?:{_PARAMETERS})[\"']\s*:\s*)(?:\"[^\"]*\"|'[^']*')",
    re.DOTALL | re.ASCII,
)
_CONTROLS: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ud800-\\udfff]"
)


def is_hidden_name(name: str) -> bool:
    """Say whether what goes under this name is never shown, whatever it looks like."""
    low = name.lower().replace("-", "_")
    if low in _NAMES:
        return True
    return low not in _HARMLESS and any(part in low for part in _PARTS)


def redact(text: str) -> str:
    """Hide what has the shape of a secret and make control characters visible.

    A newline would forge a second event, an escape sequence would rewrite a terminal (N276).
    """
    shown = _SHAPES.sub(_hide, text[: 2 * _MAX_TEXT])
    return _CONTROLS.sub(_escape, shown)[:_MAX_TEXT]


def _hide(match: re.Match[str]) -> str:
    if match["scheme"]:
        return f"{match['scheme']} {HIDDEN}"
    if match["userinfo"]:
        return f"{match['userinfo']}{HIDDEN}@"
    if match["parameter"]:
        return f"{match['parameter']}{HIDDEN}"
    if match["member"]:
        return f"{match['member']}{HIDDEN}"
    return HIDDEN


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def clean(value: Any, *, depth: int = 0) -> Any:
    """Return a value as it may be shown: JSON-ready, redacted, of bounded size."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth >= _MAX_DEPTH:
        return "[deeper]"
    if isinstance(value, Mapping):
        return clean_members(value, depth=depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(each, depth=depth + 1) for each in list(value)[:100]]
    return redact(str(value))


def clean_members(members: Mapping[Any, Any], *, depth: int = 0) -> dict[str, Any]:
    """Return named values as they may be shown; those with a secret's name not at all."""
    shown: dict[str, Any] = {}
    for name, value in members.items():
        text = redact(str(name))
        shown[text] = HIDDEN if is_hidden_name(text) and value else clean(value, depth=depth)
    return shown
