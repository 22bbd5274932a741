"""What the authorization server is built from; handed in by the composition root."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.crypto.passwords import PasswordHasher
from limen.federation.parts import Parts as FederationParts
from limen.hooks.ask import Hooks
from limen.net.client import Net
from limen.oauth.authorization.asked import CODE_TTL, Desk
from limen.oauth.authorization.interaction import TTL
from limen.oauth.client_keys.published import ClientKeys
from limen.oauth.clients import Clients
from limen.oauth.exchange.case import ExchangeDesk
from limen.oauth.exchange.targets import NO_EXCHANGES, Exchanges
from limen.oauth.introspection.api_clients import ApiClients
from limen.oauth.mutual_tls.offer import Mtls
from limen.oauth.registration.register import Registrar
from limen.oauth.resources import Resources
from limen.oauth.trust.keys import TrustedKeys
from limen.tokens.lifetimes import TokenLifetimes
from limen.web.pages import Pages

TEMPLATES: Final = Path(__file__).parent / "templates"
"""For ``Pages``: this capability's templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the endpoints share.

    Args:
        lifetimes: Of tokens.
        client_keys: Of clients that sign, and those we encrypt to.
        net: The way out to request objects that clients publish.
        registrar: Registers clients at their own request.
        trusted_keys: Of other issuers whose word is taken.
        api_clients: Which clients are the APIs' own.
        exchanges: What tokens may be exchanged for beyond our own.
        mtls: ``None`` where no proxy tells of TLS certificates.
        hooks: Who is asked before a token; ``None`` where nobody can be.
        federation: The providers people sign in with; ``None`` where there are none.
        code_ttl: How long a code waits to be redeemed.
        interaction_ttl: How long a request waits for a person.
    """

    clients: Clients
    resources: Resources
    keyring: Keyring
    envelope: Envelope
    hasher: PasswordHasher
    pages: Pages
    lifetimes: TokenLifetimes
    client_keys: ClientKeys
    net: Net
    registrar: Registrar
    trusted_keys: TrustedKeys
    exchanges: Exchanges = NO_EXCHANGES
    api_clients: ApiClients = field(default_factory=ApiClients)
    mtls: Mtls | None = None
    hooks: Hooks | None = None
    federation: FederationParts | None = None
    code_ttl: dt.timedelta = CODE_TTL
    interaction_ttl: dt.timedelta = TTL

    @property
    def exchange_desk(self) -> ExchangeDesk:
        """What token exchange needs."""
        return ExchangeDesk(
            clients=self.clients,
            resources=self.resources,
            keyring=self.keyring,
            envelope=self.envelope,
            trusted=self.trusted_keys,
        )

    @property
    def desk(self) -> Desk:
        """What authorization needs."""
        return Desk(
            clients=self.clients,
            resources=self.resources,
            keyring=self.keyring,
            envelope=self.envelope,
            client_keys=self.client_keys,
            net=self.net,
            code_ttl=self.code_ttl,
        )
