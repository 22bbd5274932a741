"""What happens to exchanged tokens and to the policies they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenExchanged(Event):
    """A client obtained a token for another; ``actor`` is who acts for the subject, if named."""

    name: ClassVar[str] = "oauth:token:exchanged"
    client_id: str
    user_id: str
    subject: str
    subject_client_id: str
    actor: str
    target: str
    issued_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangePolicySet(Event):
    """An administrator said what a client may exchange."""

    name: ClassVar[str] = "oauth:exchange_policy:set"
    client_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangePolicyDropped(Event):
    """A client may exchange nothing any more."""

    name: ClassVar[str] = "oauth:exchange_policy:dropped"
    client_id: str
