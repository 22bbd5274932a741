"""Cookies: host-bound, unreadable for scripts, one name per kind and tenant."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.kernel.site import Site
from limen.web.state import site_of, state_of

SESSION: Final = "session"
"""The kind of the cookie that carries a browser's session."""

_VALUE: Final = re.compile(r"[A-Za-z0-9_.~-]{1,1024}", re.ASCII)
_MAX_HEADER: Final = 16 * 1024


def cookie_name(site: Site, kind: str) -> str:
    """Return ``__Host-lm_{kind}_{tenant}``; over plain http (development) without prefix.

    The prefix makes browsers refuse a cookie that a sibling host tries to plant (N189). The
    tenant in the name lets several share a host; a session is valid in its own alone.
    """
    name = f"lm_{kind}_{site.tenant_id}"
    return f"__Host-{name}" if is_secure(site) else name


def is_secure(site: Site) -> bool:
    """Say whether the tenant is served over https, by its configured address alone."""
    return site.issuer.startswith("https://")


def read(request: Request, kind: str) -> str | None:
    """Return a cookie's value, or ``None`` when it is absent, malformed or sent twice.

    Nothing is read on a POST that may come from another site: a SameSite=Lax cookie is not
    sent with it, so that what is there was put there some other way.
    """
    if state_of(request).get("cookieless"):
        return None
    wanted = cookie_name(site_of(request), kind)
    found: str | None = None
    for name, value in _pairs(request):
        if name != wanted:
            continue
        if found is not None:
            return None
        found = value
    return found if found is not None and _VALUE.fullmatch(found) else None


def was_sent(request: Request, kind: str) -> bool:
    """Say whether a cookie of that kind was sent at all, readable or not: then clear it."""
    wanted = cookie_name(site_of(request), kind)
    return any(name == wanted for name, _ in _pairs(request))


def write(
    response: Response,
    request: Request,
    kind: str,
    *,
    value: str,
    max_age: dt.timedelta | None = None,
) -> None:
    """Set a cookie.

    Args:
        response: The answer that carries it.
        request: Tells the tenant.
        kind: Lower-case words, ``session`` say.
        value: Letters, digits and ``_.~-``.
        max_age: How long the browser keeps it; without, until it closes.

    Raises:
        ValueError: If the value has any other character.
    """
    if not _VALUE.fullmatch(value):
        raise ValueError("a cookie's value is letters, digits and _.~- alone")
    age = "" if max_age is None else f"; Max-Age={int(max_age.total_seconds())}"
    _set(response, request, f"{cookie_name(site_of(request), kind)}={value}{age}")


def clear(response: Response, request: Request, kind: str) -> None:
    """Make the browser forget a cookie."""
    _set(response, request, f"{cookie_name(site_of(request), kind)}=; Max-Age=0")


def sets(response: Response, request: Request, kind: str) -> bool:
    """Say whether an answer sets, or clears, a cookie of that kind."""
    name = cookie_name(site_of(request), kind)
    return any(line.startswith(f"{name}=") for line in response.headers.getlist("set-cookie"))


def _set(response: Response, request: Request, pair: str) -> None:
    secure = "; Secure" if is_secure(site_of(request)) else ""
    response.headers.append("set-cookie", f"{pair}; Path=/; HttpOnly; SameSite=Lax{secure}")


def _pairs(request: Request) -> list[tuple[str, str]]:
    cached: list[tuple[str, str]] | None = state_of(request).get("cookies")
    if cached is None:
        line = "; ".join(request.headers.getlist("cookie"))[:_MAX_HEADER]
        cached = [_split(piece) for piece in line.split(";")] if line else []
        state_of(request)["cookies"] = cached
    return cached


def _split(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    return name.strip(), value.strip()
