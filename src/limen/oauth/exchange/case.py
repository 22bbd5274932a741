"""One exchange: what it is decided with, and what is known once the tokens are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.oauth.caller import Caller
from limen.oauth.clients import Clients
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.subject import Subject
from limen.oauth.resources import Resources
from limen.oauth.trust.keys import TrustedKeys
from limen.protocol.token_exchange import TokenExchangeRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDesk:
    """What exchanges are decided with.

    Args:
        trusted: The keys of trusted issuers.
    """

    clients: Clients
    resources: Resources
    keyring: Keyring
    envelope: Envelope
    trusted: TrustedKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A client that may exchange something, a valid subject token, and what is asked for.

    Args:
        caller: Authenticated, with the key it proved.
        policy: What it may exchange.
        subject: What its subject token says.
        act: Who acts for the subject; ``None`` for nobody but itself.
    """

    caller: Caller
    policy: ExchangePolicy
    subject: Subject
    request: TokenExchangeRequest
    act: Mapping[str, Any] | None = None
