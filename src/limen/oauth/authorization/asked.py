"""An authorization request on its way: whom it is for, what was verified, what follows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.kernel.errors import OAuthRefusal
from limen.net.client import Net
from limen.oauth.authorization.assurance import WantedAcr, wanted_acr
from limen.oauth.client_keys.published import ClientKeys
from limen.oauth.client_keys.recipient import Recipient
from limen.oauth.clients import Clients
from limen.oauth.model import Client, Resource
from limen.oauth.resources import Resources
from limen.protocol.authorization_details import Details
from limen.protocol.authorization_request import AuthorizationRequest
from limen.protocol.claims import scopes_of_claims
from limen.protocol.claims_request import ClaimsRequest
from limen.protocol.client_metadata import ResponseMode
from limen.protocol.params import Params
from limen.protocol.redirect_uri import VerifiedRedirect
from limen.signin.journey import Step

NO_PARAMS: Final = Params(())
CODE_TTL: Final = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who is there: a browser's session, or who signed in over JSON."""

    user_id: str
    session_id: str
    authenticated_at: dt.datetime
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A request from a known client with a verified redirect URI: errors may go there.

    Attributes:
        params: What counts of what was sent; empty once it was checked and kept.
        is_signed: Whether a request object said it.
        pushed_hash: Of the handle it was pushed under, which the answer takes.
        recipient: To whose key the answer is encrypted.
        unreadable: Why what counts could not be read; then it is all there is to say.
    """

    client: Client
    redirect: VerifiedRedirect
    mode: ResponseMode
    state: str | None
    params: Params = NO_PARAMS
    is_signed: bool = False
    pushed_hash: bytes | None = None
    recipient: Recipient | None = None
    unreadable: OAuthRefusal | None = None

    @property
    def is_silent(self) -> bool:
        """Whether nobody may be shown anything, as far as could be read."""
        return self.params.first("prompt") == "none"


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request whose checks have passed, or are passing: each fills in what it verified.

    Attributes:
        hinted_subject: ``sub`` of the ``id_token_hint``.
        authenticated_after: The sign-in must be later than this; ``None`` if any will do.
        claims: Those asked for by name that this client may have.
        details: ``authorization_details``, checked.
    """

    to: Addressed
    request: AuthorizationRequest
    resource: Resource
    scope: tuple[str, ...] = ()
    hinted_subject: str | None = None
    authenticated_after: dt.datetime | None = None
    claims: ClaimsRequest = field(default_factory=dict)
    details: Details = ()

    @property
    def agreed_scope(self) -> tuple[str, ...]:
        """What a person has to agree to: the scope, and what claims asked for by name open."""
        names = {name for claims in self.claims.values() for name in claims}
        return tuple(dict.fromkeys((*self.scope, *scopes_of_claims(names))))

    @property
    def client(self) -> Client:
        """Who asks."""
        return self.to.client

    @property
    def wanted_acr(self) -> WantedAcr:
        """What is asked of the sign-in."""
        return wanted_acr(self.request, defaults=self.client.metadata.default_acr_values)

    @property
    def is_silent(self) -> bool:
        """Whether nobody may be shown anything."""
        return "none" in self.request.prompt


@dataclass(frozen=True, slots=True)
class ShowSignIn:
    """Somebody must sign in, or sign up, or do so once more."""

    asked: Asked
    again: bool


@dataclass(frozen=True, slots=True)
class StepUp:
    """Who is signed in must prove more, or do something first."""

    asked: Asked
    who: SignedIn
    step: Step


@dataclass(frozen=True, slots=True)
class AskConsent:
    """Who is signed in must agree."""

    asked: Asked
    who: SignedIn


@dataclass(frozen=True, slots=True)
class Issue:
    """Nobody needs to be asked: a code may go out."""

    asked: Asked
    who: SignedIn


@dataclass(frozen=True, slots=True)
class Refuse:
    """The client is told no, at its verified address."""

    to: Addressed
    refusal: OAuthRefusal


Missing = ShowSignIn | StepUp | AskConsent
Outcome = Missing | Issue | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What authorization needs beside the database.

    Args:
        code_ttl: How long a code waits to be redeemed.
    """

    clients: Clients
    resources: Resources
    keyring: Keyring
    envelope: Envelope
    client_keys: ClientKeys
    net: Net
    code_ttl: dt.timedelta = CODE_TTL
