"""Where a tenant stands: its id, its issuer and the path its pages hang from."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Site:
    """One tenant as every request and every background Work sees it.

    Args:
        tenant_id: Also its public short key.
        slug: Its name in ``/t/{slug}``; ``default`` for the tenant at the root.
        issuer: Absolute base URL without trailing slash; all URLs are built from it.
        path: The path part of the issuer, empty at the root; pages link with it.
    """

    tenant_id: str
    slug: str
    issuer: str
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port of the issuer, as browsers send it in ``Origin``."""
        return self.issuer.removesuffix(self.path) if self.path else self.issuer

    @property
    def api_metadata_url(self) -> str:
        """Where the metadata of the tenant's own JSON API stands (RFC 9728 section 3.1)."""
        return f"{self.origin}/.well-known/oauth-protected-resource{self.path}/api/v1"


ALL_TENANTS = Site("", "", "", "")
"""For background claims that look across tenants; no use case runs under it."""

_TURN: Final[ContextVar[str]] = ContextVar("turn", default="")


def whose_turn() -> str:
    """Return for which tenant this task worked last, for sharing what all have in common.

    Nothing but fairness goes by it: what is of a tenant says so itself.
    """
    return _TURN.get()


def take_turn(site: Site) -> None:
    """Note that what this task does from now on is for a tenant."""
    if site.tenant_id:
        _TURN.set(site.tenant_id)
