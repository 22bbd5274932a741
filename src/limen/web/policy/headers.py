"""Headers on every answer, unless the answer says otherwise itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

RawHeaders = list[tuple[bytes, bytes]]

NOTHING_CSP: Final = b"default-src 'none'; frame-ancestors 'none'"
"""For what is no page: if a browser is tricked into rendering it, it renders nothing."""

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    # no-referrer would turn our own forms' Origin into null; same-origin keeps codes in
    # URLs from third parties all the same (N182).
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", NOTHING_CSP),
    (b"cache-control", b"no-store"),
)
_HTTPS: Final = (*_ALWAYS, (b"strict-transport-security", b"max-age=31536000"))


def with_defaults(headers: RawHeaders, *, secure: bool) -> RawHeaders:
    """Return the headers with those added that every answer of ours carries (N181, N225).

    Args:
        headers: Lower-case names, as ASGI has them.
        secure: The tenant is served over https.
    """
    present = {name for name, _ in headers}
    added = [pair for pair in (_HTTPS if secure else _ALWAYS) if pair[0] not in present]
    return [*headers, *added]


def page_csp(
    *, nonce: str, form_action: bool, scripts: bool, frames_from: Sequence[str] = ()
) -> str:
    """Return the policy of an HTML page: our own stylesheet, nothing from elsewhere.

    Args:
        nonce: Of this response alone.
        form_action: Off where a submission ends at a client or a provider: Chrome and Safari
            check ``form-action`` on every redirect hop and would stop the answer after the
            code was made.
        scripts: Whether the page has a script, which then carries the nonce.
        frames_from: Origins whose pages it frames, to sign out there too.
    """
    parts = ["default-src 'none'", f"style-src 'self' 'nonce-{nonce}'", "img-src 'self' data:"]
    if scripts:
        parts.append(f"script-src 'nonce-{nonce}'")
        parts.append("connect-src 'self'")
    if frames_from:
        parts.append(f"frame-src {' '.join(frames_from)}")
    if form_action:
        parts.append("form-action 'self'")
    return "; ".join([*parts, "base-uri 'none'", "frame-ancestors 'none'"])
