"""A tenant as every request sees it, and the addresses it answers at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.tenants.policy import TenantPolicy

DEFAULT_SLUG: Final = "default"
"""The tenant at the root issuer."""

TenantState = Literal["active", "suspended"]

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class Tenant(Site):
    """A tenant, resolved from host or path.

    Args:
        name: What its users read.
        host: Its own host name, if it has one.
        policy: Its choices.
        version: Grows with every change; confirms a cached entry.
        state: A suspended tenant answers nobody.
    """

    name: str
    host: str | None
    policy: TenantPolicy
    version: int
    state: TenantState

    @property
    def is_active(self) -> bool:
        """Whether it answers."""
        return self.state == "active"


def site_urls(base_url: str, *, slug: str, host: str | None) -> tuple[str, str]:
    """Return a tenant's issuer and the path its pages hang from.

    Args:
        base_url: ``LIMEN_BASE_URL``.
        slug: The tenant's name.
        host: Its own host name, if any: then everything is at that root.
    """
    base = base_url.rstrip("/")
    if host is not None:
        return f"https://{host}", ""
    if slug == DEFAULT_SLUG:
        return base, urlsplit(base).path
    return f"{base}/t/{slug}", f"{urlsplit(base).path}/t/{slug}"


def api_audience(site: Site) -> str:
    """Return the audience of our own JSON API: what first-party access tokens are for."""
    return f"{site.issuer}/api/v1"


def check_slug(raw: str) -> str:
    """Return the slug.

    Raises:
        InvalidInput: ``slug_invalid``: it could not stand between two slashes, or would read
            as something else there.
    """
    if not _SLUG.fullmatch(raw):
        text = "A tenant's name is 1 to 63 lower-case letters, digits and inner hyphens."
        raise InvalidInput("slug_invalid", text, field="slug")
    return raw


def check_host(raw: str) -> str:
    """Return the host name.

    Raises:
        InvalidInput: ``host_invalid``: not a plain DNS name with a dot; addresses, ports and
            upper-case letters are refused so that one host has one spelling.
    """
    if not _HOST.fullmatch(raw):
        raise InvalidInput("host_invalid", "A host is a lower-case DNS name.", field="host")
    return raw
