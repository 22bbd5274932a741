"""The parts that reach out to providers: shared by sign-in, the vault and the reactions."""

from __future__ import annotations

from collections.abc import Sequence

from limen.app.plugins import provider_plugins
from limen.crypto.envelope import Envelope
from limen.db.work import Works
from limen.federation.parts import Parts as FederationParts
from limen.federation.provider import Provider
from limen.federation.provider_keys import ProviderKeys
from limen.federation.registry import Catalogue, Providers, Registry
from limen.hooks.ask import Hooks
from limen.net import Net
from limen.oauth.clients import Clients
from limen.settings import Settings
from limen.vault.parts import Parts, RefreshTimes
from limen.web.pages import Pages


def vault_parts(  # noqa: PLR0913 -- the composition root hands it all over
    settings: Settings,
    works: Works,
    *,
    hooks: Hooks,
    envelope: Envelope,
    net: Net,
    pages: Pages,
    clients: Clients,
    plugins: Sequence[Provider] = (),
) -> Parts:
    """Return the vault's parts, federation's among them."""
    providers = Providers(plugins=provider_plugins(plugins), simulators=simulators_url(settings))
    federation = FederationParts(
        works=works,
        envelope=envelope,
        net=net,
        keys=ProviderKeys(net),
        registry=Registry(providers),
        hooks=hooks,
    )
    return Parts(
        federation=federation,
        catalogue=Catalogue(providers),
        times=RefreshTimes(**settings.vault.model_dump()),
        pages=pages,
        clients=clients,
    )


def simulators_url(settings: Settings) -> str:
    """Return where the simulated providers stand; empty for the real ones."""
    if not settings.development.simulators:
        return ""
    return f"{settings.base_url}/dev/providers"
