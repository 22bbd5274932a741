"""Forged requests: a token bound to a cookie, plus what the browser says of the sender.

``Origin`` alone decides nothing: pages behind privacy tools send ``null``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.kernel.errors import NotPermitted
from limen.web import cookies
from limen.web.events import RequestForged
from limen.web.forms import is_form, read_form
from limen.web.state import current_work, site_of, state_of

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD: Final = "csrf"
HEADER: Final = "x-csrf-token"
_NONCE_BYTES: Final = 12
_OURS: Final = ("same-origin", "none")


def token_for(request: Request) -> str:
    """Return a token for a form on this browser.

    It differs each time, so that a compressed page's length tells nothing of it (BREACH).
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + _mac(request, _secret(request), nonce)).decode()


def remember(response: Response, request: Request) -> None:
    """Set the cookie that the tokens of this response are bound to, if it is new."""
    fresh = state_of(request).get("csrf_secret")
    if fresh is not None:
        cookies.write(response, request, "csrf", value=fresh)


def renew(response: Response, request: Request) -> None:
    """Bind later forms to a new secret: whoever signs in inherits nobody's tokens."""
    state_of(request)["csrf_secret"] = secrets.token_urlsafe(32)
    remember(response, request)


async def check(request: Request) -> None:
    """Refuse an unsafe request that this browser's own page did not make (N124, N180).

    The token comes in the form field ``csrf`` or the header ``X-CSRF-Token``.

    Raises:
        NotPermitted: ``csrf_failed``.
    """
    sender = request.headers.get("sec-fetch-site")
    if sender is not None and sender not in _OURS:
        raise _refused(request, "another site sent it")
    secret = cookies.read(request, "csrf")
    token = request.headers.get(HEADER)
    if token is None and is_form(request):
        token = (await read_form(request)).one(FIELD)
    if secret is None or token is None:
        raise _refused(request, "no cookie" if secret is None else "no token")
    if not _is_bound(request, secret=secret, token=token):
        raise _refused(request, "the token belongs to another browser")


def _is_bound(request: Request, *, secret: str, token: str) -> bool:
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return False
    nonce, mac = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    return hmac.compare_digest(mac, _mac(request, secret, nonce))


def _mac(request: Request, secret: str, nonce: bytes) -> bytes:
    message = site_of(request).tenant_id.encode() + b"\0" + nonce
    return hmac.digest(secret.encode(), message, hashlib.sha256)


def _secret(request: Request) -> str:
    state = state_of(request)
    known = state.get("csrf_secret") or cookies.read(request, "csrf")
    if known is None:
        known = state["csrf_secret"] = secrets.token_urlsafe(32)
    return str(known)


def _refused(request: Request, reason: str) -> NotPermitted:
    event = RequestForged(reason=reason)
    current_work(request).even_if_refused(lambda keeping: keeping.record(event))
    return NotPermitted(
        "csrf_failed",
        "This form was not opened in this browser, or too long ago. Open the page again and retry.",
        detail=reason,
    )
