"""The provider as a credential meets it: its API, and nothing of its people's consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NoReturn

from typing_extensions import override

from limen.db.work import Work
from limen.federation.catalogue.credential_ways import Way
from limen.federation.catalogue.key_provider import WHOLE, WHOLE_FEATURE, ways_at
from limen.federation.facts import Api, Facts, Lifetime
from limen.federation.provider import (
    AnswerClass,
    Ask,
    Endpoints,
    ExternalIdentity,
    Operation,
    Provider,
    ProviderAnswer,
    TokenAnswer,
    Told,
)
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.net import Net
from limen.vault.model import Grant
from limen.vault.parts import Parts

_NOWHERE: Final = Operation(url="")
"""Of what is asked with a person's consent alone; ``net`` calls no such place."""


class HeldAt(Provider):
    """A provider as one kind of credential meets it.

    Args:
        base: As people's consent meets it.
        way: How the credential is proved and sent there.
        kept_under: Names the hosts that credentials are given for now.
    """

    def __init__(self, base: Provider, way: Way, *, kept_under: str, manage_url: str) -> None:
        self.id, self.title = base.id, base.title
        self.signs_in = False
        self.token_types = base.token_types
        self.way = way
        self._base = base
        self._kept_under = kept_under
        is_whole = way.is_whole
        facts = base.facts
        self._facts = Facts(
            lifetime=Lifetime(rotation="static"),
            features={WHOLE: WHOLE_FEATURE} if is_whole else facts.features,
            scopes={} if is_whole else facts.scopes,
            identity_scopes=() if is_whole else facts.identity_scopes,
            unechoed_scopes=facts.unechoed_scopes,
            incremental="none",
            manage_url=manage_url or facts.manage_url,
            api=way.api,
            quota=facts.quota,
            is_tenants=facts.is_tenants,
        )

    @property
    @override
    def facts(self) -> Facts:
        return self._facts

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self._kept_under

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        """Return nowhere: a credential is made and revoked by hand."""
        return Endpoints(authorize=_NOWHERE, exchange=_NOWHERE, refresh=_NOWHERE)

    @override
    def api_url(self, host: str, path: str) -> str:
        return self._base.api_url(host, path)

    @override
    def api_of(self, lifted: Mapping[str, str]) -> Api:
        return self._facts.api

    @override
    def normalise(self, scopes: Iterable[str]) -> tuple[str, ...]:
        return self._base.normalise(scopes)

    @override
    def classify(self, answer: ProviderAnswer) -> AnswerClass:
        return self._base.classify(answer)

    @override
    def read_tokens(self, answer: ProviderAnswer) -> TokenAnswer:
        """Read a token; one to refresh it by is not wanted: the credential itself is kept."""
        return replace(self._base.read_tokens(answer), raw_refresh=None)

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        _asks_nobody()

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        _asks_nobody()


def held_at(provider: Provider, kind: str) -> HeldAt:
    """Return a provider as a kind of credential meets it.

    Raises:
        InvalidInput: ``credential_kind_unknown``: it takes none of this kind.
    """
    ways = ways_at(provider)
    way = next((each for name, each in ways.by_kind.items() if name == kind), None)
    if way is None:
        text = f"This provider takes: {', '.join(ways.by_kind) or 'no credentials'}."
        raise InvalidInput("credential_kind_unknown", text, field="kind")
    return HeldAt(provider, way, kept_under=ways.kept_under, manage_url=ways.manage_url)


async def holder_of(work: Work, parts: Parts, grant: Grant) -> HeldAt:
    """Return the provider of a credential that is kept, to be used.

    Raises:
        NotFound, NotPermitted: As ``get_upstream_client``; ``credential_unbound``: the provider's
            addresses changed since it was given, and it is sent to no others; or its entry takes
            none of this kind any more.
    """
    client = await get_upstream_client(work, parts.envelope, provider=grant.provider)
    found = seen_by(parts, client, grant)
    if not isinstance(found, HeldAt) or not found.keeps_accounts_of(grant.issuer):
        raise NotPermitted(
            "credential_unbound",
            "This provider's addresses were changed: its owner has to give the credential again.",
        )
    return found


def seen_by(parts: Parts, client: UpstreamClient, grant: Grant) -> Provider:
    """Return the provider of any grant as that grant meets it, to be looked at.

    One whose entry takes no such credential any more is told as people's consent meets it.

    Raises:
        NotFound: ``provider_unknown``.
    """
    provider = parts.catalogue.get(grant.provider, client.config)
    if grant.kind not in ways_at(provider).by_kind:
        return provider
    return held_at(provider, grant.kind)


def _asks_nobody() -> NoReturn:
    raise NotPermitted("provider_takes_credentials", "A credential asks nobody's consent.")
