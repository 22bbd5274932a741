"""The schema of a catalogue entry. A fact here never beats what a token response says."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.federation.provider import AnswerClass, BodyFormat, ClientAuth

HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[a-z0-9.-]+(/[^\s?#]*)?$")]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/~]+)+$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class Part(BaseModel):
    """Frozen, and strict about members nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OperationEntry(Part):
    """One operation; authentication and format belong to it, not to the provider.

    Attributes:
        redirect_uri: At the exchange: send it as it was authorized, or not at all.
        token: At revocation: which token to send first.
    """

    url: HttpsUrl
    method: Literal["GET", "POST"] = "POST"
    client_auth: ClientAuth = "post"
    body: BodyFormat = "form"
    params: dict[str, str] = {}
    headers: dict[str, str] = {}


class RevokeEntry(OperationEntry):
    """How to end a grant at the provider, and what else dies with it.

    Attributes:
        sends: Which token, when both are held.
        sends_as: What the parameter is called.
        blast_radius: ``token``: that one; ``grant``: this account's grant to this client;
            ``project``: the grants of every client of the same project too.
        already_gone: Error codes that mean there is nothing left to revoke.
    """

    sends: Literal["refresh", "access"] = "refresh"
    sends_as: str = "token"
    blast_radius: Literal["token", "grant", "project"] = "grant"
    already_gone: tuple[str, ...] = ()


class AuthorizeEntry(Part):
    """The authorization endpoint.

    Attributes:
        connect_params: Sent whenever an account is connected.
        refresh_token_params: Sent too when we hold no refresh token for the account yet.
        sends_iss: The provider promises ``iss`` in callbacks (RFC 9207).
    """

    url: HttpsUrl
    params: dict[str, str] = {}
    connect_params: dict[str, str] = {}
    refresh_token_params: dict[str, str] = {}
    pkce: bool = True
    scope_separator: Literal[" ", ",", ""] = " "
    hint_param: str = ""
    sends_iss: bool = False


class Operations(Part):
    """Every operation the provider has."""

    authorize: AuthorizeEntry
    exchange: OperationEntry
    refresh: OperationEntry
    revoke: RevokeEntry | None = None
    userinfo: OperationEntry | None = None
    introspect: OperationEntry | None = None


class Identity(Part):
    """What names the account at the provider.

    Attributes:
        source: The verified ID token, the UserInfo answer or the token response itself.
        issuer: What makes subjects unique beyond this provider.
        subject: The stable key; without it nothing is stored.
        label: What a person recognises the account by; the first that is there.
    """

    source: Literal["id_token", "userinfo", "token_response"]
    issuer: HttpsUrl
    subject: Pointer
    label: tuple[Pointer, ...]
    email: Pointer | None = None
    email_verified: Literal["never", "claim"] = "never"


class Lifetime(Part):
    """How long what the provider gives lasts.

    Attributes:
        access_default_seconds: When a response does not say; ``None`` is *unknown*, which is
            a value of its own: not refreshed by time.
        rotation: ``none``: the refresh token stays; ``single_use``: each use replaces it.
        grace_seconds: How long after a use the provider accepts the same one again.
        refresh_idle_seconds: An unused refresh token dies after so long.
        min_refresh_interval_seconds: Never more often than that.
        margin_seconds: Tokens with less left are not handed out; a fifth of the lifetime at most.
    """

    access_default_seconds: int | None = Field(None, ge=1)
    rotation: Literal["none", "single_use"]
    grace_seconds: int = Field(0, ge=0, le=86_400)
    refresh_idle_seconds: int | None = Field(None, ge=1)
    min_refresh_interval_seconds: int = Field(30, ge=1, le=86_400)
    margin_seconds: int = Field(120, ge=0, le=3600)


class Feature(Part):
    """Something an app can switch on, in a person's words."""

    title: str
    scopes: tuple[str, ...] = ()


class ErrorRule(Part):
    """An answer of the token endpoint that means something else than RFC 6749 says.

    Attributes:
        status: HTTP status, if it matters.
        body: Pointers into the body and the text each must hold.
    """

    status: int | None = None
    body: dict[Pointer, str] = {}
    means: AnswerClass


class Evidence(Part):
    """Where a fact comes from, and when it was last looked at."""

    url: HttpsUrl
    verified_at: dt.date
    about: str


class Entry(Part):
    """One provider."""

    id: Name
    title: str
    jwks_uri: HttpsUrl | None = None
    id_token_algorithms: tuple[str, ...] = ("RS256",)
    issuers: tuple[str, ...] = ()
    identity_scopes: tuple[str, ...] = ()
    scope_aliases: dict[str, str] = {}
    operations: Operations
    identity: Identity
    lifetime: Lifetime
    errors: tuple[ErrorRule, ...] = ()
    features: dict[Name, Feature] = Field(min_length=1)
    manage_url: HttpsUrl
    evidence: tuple[Evidence, ...] = Field(min_length=1)


def at_pointer(document: object, pointer: str) -> Any:
    """Return what a JSON pointer names (RFC 6901, without escapes), or ``None``."""
    found = document
    for step in pointer.split("/")[1:]:
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found
