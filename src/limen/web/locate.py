"""Which tenant a request is for: by the path, else by the host name, else the default.

Nothing else names a tenant (N207), and no URL of ours is built from what is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from starlette.types import Scope

from limen.kernel.errors import NotFound
from limen.kernel.site import Site
from limen.web.state import Sites

ADDRESS: Final = "address"
"""Set in the state where a request is for a route of the host application, not for ours."""

_UNDER_TENANT: Final = re.compile(r"/t/([a-z0-9][a-z0-9-]{0,62})(?=/|\Z)", re.ASCII)
_INSERTED: Final = re.compile(
    r"(/\.well-known/[a-z0-9-]{1,64})/t/([a-z0-9][a-z0-9-]{0,62})((?:/.*)?)", re.ASCII | re.DOTALL
)
_MAX_HOST: Final = 253


def route_path(scope: Scope) -> str:
    """Return the path below the root the application is mounted at."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def address_of(scope: Scope) -> str:
    """Return our own address of what was asked for, without its query.

    Built from the tenant's issuer, which comes from ``LIMEN_BASE_URL``, and from the path below
    the tenant's root, escaped as it came; never from ``Host`` or another header.
    """
    state = scope["state"]
    if ADDRESS in state:
        return str(state[ADDRESS])
    path, root = escaped_path(scope), scope.get("root_path", "")
    # The root itself has no escapes: neither our prefixes nor a tenant's name need them.
    below = path[len(root) :] if root and path.startswith(f"{root}/") else path
    return f"{state['site'].issuer}{below}"


def escaped_path(scope: Scope) -> str:
    """Return the whole path as it came, with its escapes."""
    path: str = scope["path"]
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and unquote(text := raw.decode("latin-1").partition("?")[0]) == path:
        return text
    return quote(path)


async def locate(scope: Scope, headers: Mapping[bytes, bytes], *, sites: Sites) -> Site:
    """Find the tenant and leave the scope as if the application stood at that tenant's root.

    Args:
        scope: Changed: ``root_path`` gains ``/t/{slug}``; the inserted form of a well-known
            path (RFC 8414 section 3.1) becomes the suffix form.
        headers: The request's.
        sites: Where tenants are found.

    Raises:
        NotFound: ``unknown_tenant``.
    """
    path = route_path(scope)
    host = _host(headers.get(b"host", b""))
    owner = await sites.by_host(host) if host else None
    if path.startswith("/t/"):
        _check_shared(owner)
        return await _by_path(scope, path, sites=sites)
    if path.startswith("/.well-known/") and (inserted := _INSERTED.fullmatch(path)) is not None:
        _check_shared(owner)
        site = await _by_slug(inserted[2], sites=sites)
        scope["path"] = scope.get("root_path", "") + inserted[1] + inserted[3]
        return site
    return owner if owner is not None else await sites.default()


def _check_shared(owner: Site | None) -> None:
    """Refuse others at a tenant's own host: it has that host so as to share its origin with none.

    Raises:
        NotFound: ``unknown_tenant``.
    """
    if owner is not None:
        raise _unknown()


async def _by_path(scope: Scope, path: str, *, sites: Sites) -> Site:
    match = _UNDER_TENANT.match(path)
    if match is None:
        raise _unknown()
    site = await _by_slug(match[1], sites=sites)
    scope["root_path"] = scope.get("root_path", "") + match[0]
    return site


async def _by_slug(slug: str, *, sites: Sites) -> Site:
    site = await sites.by_slug(slug)
    # One tenant, one issuer: who has a host name or the root answers there alone.
    if site is None or not site.path.endswith(f"/t/{slug}"):
        raise _unknown()
    return site


def _host(raw: bytes) -> str:
    host = raw.decode("latin-1").lower()
    if host.startswith("["):
        return ""
    host = host.partition(":")[0].rstrip(".")
    return host if len(host) <= _MAX_HOST else ""


def _unknown() -> NotFound:
    return NotFound("unknown_tenant", "There is no such tenant here.")
