"""What the edge leaves in the ASGI scope for everyone further in."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, cast

from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work, Works
from limen.kernel.actor import Actor
from limen.kernel.site import Site
from limen.protocol.client_certificate import CertificateHeader
from limen.web.body_limits import BodyLimits

FORGET: Final = "forget_session_cookie"
"""Set in the state where the answer is to take the session's cookie away."""

FORESEE: Final = "foresee"
"""Where in the state a route's ``Foresee`` is, if it has one."""

_HEADERS: Final = "added_headers"

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

Authenticator = Callable[[Request, Work], Awaitable[Actor | None]]
"""Recognise one kind of credential; ``None`` when the request carries none of it.

An actor known by a cookie has no ``scope``; one known by a token has.
"""

Foresee = Callable[[Work, Mapping[str, Any]], None]
"""Have something read along with the look-up of an access token, told its claims: those of a
token whose signature is good, and which may be no good for all that."""

AllowsOrigin = Callable[[Site, Literal["clients", "api"], str], Awaitable[bool]]
"""Say whether scripts of an origin may read a tenant's OAuth endpoints, or its JSON API."""


class Sites(Protocol):
    """Find the tenant a request is for; ``limen.tenants`` implements it."""

    async def by_slug(self, slug: str) -> Site | None:
        """Return the tenant that answers under ``/t/{slug}``."""
        ...

    async def by_host(self, host: str) -> Site | None:
        """Return the tenant with a host name of its own: lower-case, without a port."""
        ...

    async def default(self) -> Site:
        """Return the tenant at the root."""
        ...


class Guard(Protocol):
    """Decide whether the caller may use a route; every route has exactly one."""

    @property
    def permission(self) -> str:
        """What it asks for, for the walk over all routes."""
        ...

    async def __call__(self, request: Request, work: Work, /) -> None:
        """Refuse, or return."""
        ...


class Renders(Protocol):
    """Make a page; ``limen.web.pages`` implements it."""

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """Render a template."""
        ...


class Limits(Protocol):
    """Count requests; ``limen.web.rate_limit`` implements it."""

    def hit(self, name: str, key: str) -> None:
        """Count one, or raise ``Throttled``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeParts:
    """What the edge is built from; handed in by the composition root.

    Args:
        authenticators: Asked in order; the first that knows the caller wins.
        allows_origin: Asked only when a request carries ``Origin``.
        proxy_header: The one header trusted proxies set, lower-case.
        certificate_header: Where they put the client's TLS certificate; ``None`` if nowhere.
        serve_pages: Whether a person is shown HTML; off, every answer is JSON.
    """

    works: Works
    sites: Sites
    pages: Renders
    authenticators: tuple[Authenticator, ...]
    trusted_proxies: Networks
    limiter: Limits
    allows_origin: AllowsOrigin
    body_limits: BodyLimits
    proxy_header: str = "x-forwarded-for"
    certificate_header: CertificateHeader | None = None
    serve_pages: bool = True


def state_of(request: Request) -> dict[str, Any]:
    """Return the scope's state, a dict of this request alone."""
    return cast("dict[str, Any]", request.scope["state"])


def add_header(request: Request, name: str, value: str) -> None:
    """Have the answer carry a header, whether the request is refused or not."""
    state_of(request).setdefault(_HEADERS, {})[name] = value


def added_headers(request: Request) -> Mapping[str, str]:
    """Return what ``add_header`` was told."""
    return cast("Mapping[str, str]", state_of(request).get(_HEADERS, {}))


def site_of(request: Request) -> Site:
    """Return the tenant this request is for."""
    return cast("Site", request.scope["state"]["site"])


def works_of(request: Request) -> Works:
    """Return what runs Works, for the few use cases that commit around an outbound call."""
    return edge_of(request).works


def edge_of(request: Request) -> EdgeParts:
    """Return the parts of the edge."""
    return cast("EdgeParts", request.scope["state"]["edge"])


def current_work(request: Request) -> Work:
    """Return the Work of this exchange."""
    return cast("Work", request.scope["state"]["work"])


def serves_pages(request: Request) -> bool:
    """Say whether a person is shown HTML here: server and tenant may each turn it off."""
    policy = getattr(site_of(request), "policy", None)
    return edge_of(request).serve_pages and bool(getattr(policy, "pages", True))
