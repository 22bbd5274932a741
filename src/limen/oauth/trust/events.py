"""What happens to the trust in other issuers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerTrusted(Event):
    """An issuer is trusted, or what is believed of it was changed."""

    name: ClassVar[str] = "oauth:issuer:trusted"
    issuer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerTrustEnded(Event):
    """An issuer's word counts no more."""

    name: ClassVar[str] = "oauth:issuer:distrusted"
    issuer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectLinked(Event):
    """An issuer's subject stands for a user."""

    name: ClassVar[str] = "oauth:issuer_subject:linked"
    issuer: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectUnlinked(Event):
    """An issuer's subject stands for nobody any more."""

    name: ClassVar[str] = "oauth:issuer_subject:unlinked"
    issuer: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AssertionAccepted(Event):
    """A client obtained a token for a user on a trusted issuer's word."""

    name: ClassVar[str] = "oauth:assertion:accepted"
    client_id: str
    user_id: str
    issuer: str
    profile: str
