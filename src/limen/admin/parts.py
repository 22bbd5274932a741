"""What the admin API is built from; handed in by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Works
from limen.federation.registry import Providers
from limen.net import Net
from limen.oauth.mutual_tls.offer import Mtls
from limen.oauth.resources import Resources
from limen.tenants.directory import Directory
from limen.tenants.policy import TenantPolicy
from limen.vault.parts import Parts as VaultParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes share.

    Args:
        works: For what runs in another tenant's Work: creating it.
        base_url: The root issuer.
        defaults: The policy of a tenant that chose nothing.
        resources: The APIs that keys are for.
        providers: Those that ship or are plugged in, and how to find a tenant's own.
        mtls: ``None`` where no proxy tells of TLS certificates.
        vault: Ends connections; ``None`` where it is not served.
    """

    works: Works
    envelope: Envelope
    net: Net
    keyring: Keyring
    hasher: PasswordHasher
    directory: Directory
    base_url: str
    defaults: TenantPolicy
    resources: Resources = field(default_factory=Resources)
    providers: Providers = field(default_factory=Providers)
    mtls: Mtls | None = None
    vault: VaultParts | None = None
