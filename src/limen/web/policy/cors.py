"""Which scripts of which origins may read what; never with credentials.

Without credentials a browser sends no cookie of ours along, so that no origin acts as the
person who is signed in here: what is allowed is what any program could ask for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from limen.kernel.site import Site
from limen.web.policy.headers import RawHeaders
from limen.web.state import AllowsOrigin

PathClass = Literal["anyone", "clients", "api", "nobody"]

_CLIENT_PATHS: Final = frozenset(
    f"/oauth2/{name}"
    for name in ("token", "par", "userinfo", "revoke", "device_authorization", "introspect")
)
_ANYONE: Final = ("/.well-known/", "/oauth2/jwks", "/oauth2/register")
_API: Final = ("/api/v1/", "/auth/oauth2/", "/admin/oauth2/")
_EXPOSED: Final = b"WWW-Authenticate, DPoP-Nonce, Retry-After"
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        # The last is sent by MCP clients from discovery on.
        b"Authorization, Content-Type, DPoP, Idempotency-Key, X-CSRF-Token, MCP-Protocol-Version",
    ),
    (b"access-control-max-age", b"600"),
)


def path_class(path: str) -> PathClass:
    """Say who may read a path from a script, by its path under the tenant's root."""
    if path in _CLIENT_PATHS:
        return "clients"
    if path.startswith(_API):
        return "api"
    # /authorize, /logout and the pages are opened, never fetched.
    return "anyone" if path.startswith(_ANYONE) else "nobody"


def is_preflight(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Say whether a browser asks beforehand, on behalf of a script."""
    return (
        method == "OPTIONS" and b"origin" in headers and b"access-control-request-method" in headers
    )


async def cors_headers(
    site: Site, path: str, *, origin: bytes, allows_origin: AllowsOrigin
) -> RawHeaders:
    """Return what lets the origin's script read the answer, or next to nothing."""
    kind = path_class(path)
    if kind == "anyone":
        return [(b"access-control-allow-origin", b"*"), _exposed()]
    if kind == "nobody":
        return []
    vary = (b"vary", b"Origin")
    text = origin.decode("latin-1")
    if text == "null" or not await allows_origin(site, kind, text):
        return [vary]
    return [(b"access-control-allow-origin", origin), vary, _exposed()]


def preflight_headers(allowed: RawHeaders) -> RawHeaders:
    """Return the headers that answer a preflight, given those of the answer itself."""
    is_allowed = any(name == b"access-control-allow-origin" for name, _ in allowed)
    return [*allowed, *_PREFLIGHT] if is_allowed else allowed


def _exposed() -> tuple[bytes, bytes]:
    return (b"access-control-expose-headers", _EXPOSED)
