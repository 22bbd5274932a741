"""A provider that people give credentials for: nobody signs in there, and nobody is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, NoReturn

from typing_extensions import override

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.credential_ways import Ways, ways_of
from limen.federation.catalogue.key_entry import KeyEntry
from limen.federation.catalogue.takes_credentials import TakesCredentials
from limen.federation.catalogue.values import fill_in, filled_api, read_values
from limen.federation.facts import Facts, Feature, Lifetime
from limen.federation.provider import (
    Ask,
    Endpoints,
    ExternalIdentity,
    Provider,
    Told,
)
from limen.kernel.errors import NotPermitted
from limen.net import Net
from limen.web.languages.words import marked

WHOLE: Final = "api"
WHOLE_FEATURE: Final = Feature(title=marked("Everything the credential allows"))
"""Nobody tells what a key is good for: it is shared whole, or not."""


class KeyProvider(Provider):
    """What an entry without an authorization endpoint says, as behaviour.

    Args:
        entry: Validated; a tenant's own.
        values: What the tenant says to complete the entry's URLs.

    Raises:
        InvalidInput: ``provider_address``.
    """

    signs_in = False

    def __init__(self, entry: KeyEntry, *, values: Mapping[str, str] | None = None) -> None:
        self.entry = entry
        self.id = entry.id
        self.title = entry.title
        self.values = read_values(entry.values, values or {})
        api = filled_api(entry.api, self.values)

        def move(template: str) -> str:
            return fill_in(template, wanted=entry.values, values=self.values)

        found = ways_of(entry.credentials, provider=entry.id, api=api, move=move)
        self.ways = found.pinned_to(api.hosts)
        self._facts = Facts(
            lifetime=Lifetime(rotation="static"),
            features=entry.features or {WHOLE: WHOLE_FEATURE},
            scopes=entry.scopes,
            manage_url=entry.manage_url,
            api=api,
            quota=entry.quota,
        )

    @property
    def credential_hosts(self) -> frozenset[str]:
        """Whom people's credentials are sent to."""
        return self.ways.hosts

    @property
    @override
    def facts(self) -> Facts:
        return self._facts

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self.ways.kept_under

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        _takes_credentials()

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        _takes_credentials()

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        _takes_credentials()


def ways_at(provider: Provider) -> Ways:
    """Return what credentials a provider takes; none of one that declares none, or of an issuer."""
    return provider.ways if isinstance(provider, _TAKING) else Ways()


_TAKING: Final = (CatalogueProvider, KeyProvider, TakesCredentials)


def _takes_credentials() -> NoReturn:
    raise NotPermitted(
        "provider_takes_credentials", "This provider takes credentials, and asks nobody's consent."
    )
