"""What the portal is built from; handed in by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from limen.oauth.clients import Clients
from limen.oauth.resources import Resources
from limen.signin.door import Door
from limen.signin.parts import ListProviders, no_providers
from limen.vault.parts import Parts as VaultParts
from limen.web.pages import Pages

TEMPLATES: Final = Path(__file__).parent / "templates"
"""For ``Pages``: this capability's templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the pages share.

    Args:
        clients: Names the applications people consented to.
        resources: The APIs that keys are for.
        vault: Lists connections and ends them; ``None`` where the vault is not served.
        door: Compares the current password.
        list_sign_in_providers: Which providers the tenant offers for signing in.
    """

    pages: Pages
    clients: Clients
    door: Door
    resources: Resources = field(default_factory=Resources)
    vault: VaultParts | None = None
    list_sign_in_providers: ListProviders = no_providers
