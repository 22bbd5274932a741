"""Where a tenant stands: its id, its issuer and the path its pages hang from."""

from __future__ import annotations

from dataclasses import dataclass


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


ALL_TENANTS = Site("", "", "", "")
"""For background claims that look across tenants; no use case runs under it."""
