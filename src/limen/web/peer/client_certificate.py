"""The TLS client certificate of a request, told by a proxy that we trust, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, cast

from starlette.requests import Request
from starlette.types import Scope

from limen.observe import logger
from limen.protocol.client_certificate import (
    CertificateFormat,
    CertificateHeader,
    CertificateRefused,
    ClientCertificate,
    read_certificate,
)
from limen.web.peer.client_ip import is_trusted_address
from limen.web.state import Networks, state_of

_KEY: Final = "client_certificate"
_log = logger("limen.mtls")


def take_certificate(scope: Scope, header: CertificateHeader, *, trusted: Networks) -> None:
    """Take the header out of the request, and keep what it says if a trusted proxy says it.

    No spelling of it is left for anyone behind (N221): not with ``_`` for ``-``, which many
    servers read as the same name, not twice, and not if ``Connection`` names it, for then the
    proxy was told to drop its own. Each of these means that somebody else than the proxy wrote
    it, and there is no certificate then.

    Args:
        scope: Changed: its headers lose it, its state gains it.
        header: Which one.
        trusted: The proxies' addresses; anyone else's word is dropped unread (N222).
    """
    name = header.name.encode("ascii")
    spelled = [pair for pair in scope["headers"] if _canonical(pair[0]) == name]
    if not spelled:
        return
    scope["headers"] = [pair for pair in scope["headers"] if _canonical(pair[0]) != name]
    peer = scope.get("client")
    if peer is None or not is_trusted_address(peer[0], trusted):
        return
    if len(spelled) > 1 or spelled[0][0].lower() != name or name in _hop_by_hop(scope["headers"]):
        _log.warning("client certificate dropped", reason="not the proxy's own header")
        return
    scope["state"][_KEY] = (spelled[0][1].decode("latin-1"), header.written)


def certificate_of(request: Request) -> ClientCertificate | None:
    """Return the certificate that the caller holds the key of; ``None`` if there is none.

    One that can't be read counts as none: what needs a certificate then refuses.
    """
    state = state_of(request)
    told = state.get(_KEY)
    if isinstance(told, tuple):
        raw, written = cast("tuple[str, CertificateFormat]", told)
        try:
            told = read_certificate(raw, written=written) if raw else None
        except CertificateRefused as refusal:
            _log.warning("client certificate unreadable", reason=refusal.detail)
            told = None
        state[_KEY] = told
    return cast("ClientCertificate | None", told)


def certificate_thumbprint(request: Request) -> str | None:
    """Return ``x5t#S256`` of the caller's certificate (RFC 8705 section 3.1)."""
    certificate = certificate_of(request)
    return None if certificate is None else certificate.thumbprint


def certificate_binding(request: Request) -> frozenset[str]:
    """Return what the caller's certificate proves, as tokens bound to it say it; or nothing."""
    thumbprint = certificate_thumbprint(request)
    return frozenset() if thumbprint is None else frozenset({f"x5t#S256:{thumbprint}"})


def reads_binding(
    header: CertificateHeader | None, *, trusted: Networks
) -> Callable[[Request], frozenset[str]]:
    """Return what reads the certificate of requests that did not come through our edge.

    For an API of a host application: it hands this to its ``ResourceServer``.

    Args:
        header: Where the proxies put it; ``None`` if nowhere.
        trusted: The proxies' addresses.
    """

    def read(request: Request) -> frozenset[str]:
        if header is None:
            return frozenset()
        scope = {**request.scope, "state": {}}
        take_certificate(scope, header, trusted=trusted)
        return certificate_binding(Request(scope))

    return read


def _canonical(name: bytes) -> bytes:
    return name.strip().lower().replace(b"_", b"-")


def _hop_by_hop(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """Return the headers that ``Connection`` declares to be for one hop alone."""
    lines = (value for name, value in headers if name.lower() == b"connection")
    return {_canonical(word) for line in lines for word in line.split(b",")}
