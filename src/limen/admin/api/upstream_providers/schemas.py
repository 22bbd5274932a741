"""What the admin API takes and shows of providers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.admin.schemas import Moment

Text = Annotated[str, StringConstraints(max_length=2048)]
Pem = Annotated[str, StringConstraints(max_length=16_384)]
ScopeName = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Body(BaseModel):
    """Strict about members nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretBody(Body):
    """One of three: a shared secret, a key of yours, or ``make_key`` for one of ours.

    Attributes:
        private_key: PEM without a password. With ``certificate`` for ``private_key_jwt``
            (Microsoft), with ``key_id`` and ``team_id`` for a signed secret (Apple's .p8).
        make_key: Makes a key pair here; upload the certificate it answers with.
        expires_at: When the provider stops taking it: warned of 30, 7 and 1 days before. A
            certificate says so itself.
    """

    client_secret: Pem | None = None
    private_key: Pem | None = None
    certificate: Pem | None = None
    key_id: Text | None = None
    team_id: Text | None = None
    make_key: bool = False
    expires_at: Moment | None = None


class ClientBody(SecretBody):
    """What a provider registered us as; replaces what was set before, all secrets with it.

    Attributes:
        issuer: For an OpenID provider that does not ship; found by discovery.
        values: What completes a provider's addresses, as its entry names them.
        allowed_tenants: Of Microsoft's shared endpoints only these directories.
        refreshes_per_second: How often tokens may be refreshed there; 0 for no limit of ours.
        credentials_only: We have no client there: people's own credentials are taken alone.
    """

    client_id: Annotated[str, StringConstraints(max_length=512)] = ""
    issuer: Text = ""
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    scopes: tuple[ScopeName, ...] = Field(default=(), max_length=100)
    connect_scopes: tuple[ScopeName, ...] = Field(default=(), max_length=100)
    values: dict[str, Text] = Field(default_factory=dict, max_length=20)
    allowed_tenants: tuple[Text, ...] = Field(default=(), max_length=200)
    refreshes_per_second: float = Field(default=0.0, ge=0, le=10_000)
    credentials_only: bool = False


class StateBody(Body):
    """Whether a provider is used."""

    state: Literal["enabled", "disabled"]


class EntryBody(Body):
    """A provider of your own, in the schema of the catalogue's entries."""

    entry: dict[str, Any]


class OverrideBody(Body):
    """What is different of a shipped provider here; addresses can't be."""

    override: dict[str, Any]


class SecretView(BaseModel):
    """A secret or key, by its name; a key's certificate is public."""

    id: str
    kind: Literal["secret", "assertion", "signed_secret"]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    key_id: str = ""
    certificate: str = ""


class FeatureView(BaseModel):
    """A feature and the scopes it needs."""

    name: str
    title: str
    scopes: list[str]


class ScopeView(BaseModel):
    """A scope and what it means."""

    name: str
    title: str
    kind: Literal["normal", "sensitive", "restricted", "admin_consent"]


class ClientView(BaseModel):
    """Our client at a provider, without secrets."""

    client_id: str
    state: Literal["enabled", "disabled"]
    incident: str
    issuer: str
    values: dict[str, str]
    allowed_tenants: list[str]
    secrets: list[SecretView]


class ProviderView(BaseModel):
    """One provider.

    Attributes:
        source: ``shipped``, ``plugin``, ``own`` (an entry of this tenant), or ``issuer``.
        takes: How we may prove who we are there.
        credentials: Which kinds of people's own it takes.
        client: ``null`` while none is set.
        lacks: Why nobody can use it: what its client does not say; empty if it can be used.
    """

    id: str
    title: str
    source: Literal["shipped", "plugin", "own", "issuer"]
    overridden: bool
    signs_in: bool
    connects: bool
    takes: list[str]
    credentials: list[str]
    client: ClientView | None
    lacks: str = ""


class ProviderDetail(ProviderView):
    """One provider with all that is known of it.

    Attributes:
        entry: As it is in force here; ``null`` for plug-ins and issuers.
    """

    features: list[FeatureView]
    scopes: list[ScopeView]
    entry: dict[str, Any] | None


class ProviderList(BaseModel):
    """All providers there are, and the tenant's own."""

    providers: list[ProviderView]
