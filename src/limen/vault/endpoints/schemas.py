"""The JSON shapes of the vault's API."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from limen.vault.endpoints.owner import Owner
from limen.vault.listing import ShownConnection, ShownProvider
from limen.vault.token_for import Released


class ConnectBody(BaseModel):
    """What to connect."""

    model_config = ConfigDict(extra="forbid")

    features: list[str] = Field(default=[], max_length=20)
    connection_id: str = Field(default="", max_length=64)
    return_to: str = Field(default="/account", max_length=2048)
    owner: Owner = "me"


class AnnotateBody(BaseModel):
    """What to change; absent members stay as they are."""

    model_config = ConfigDict(extra="forbid")

    label: str | None = Field(default=None, max_length=200)
    tags: list[str] | None = Field(default=None, max_length=20)
    metadata: dict[str, Any] | None = None


class ConnectAnswer(BaseModel):
    """Where to send the person's browser.

    ``authorization_url`` leads to the provider, in the browser whose session asked. ``link_url``
    leads to a page of ours: it is given to callers without a browser session.
    """

    authorization_url: str | None = None
    link_url: str | None = None
    expires_in: int


class FeatureModel(BaseModel):
    """Something an app can switch on."""

    title: str
    scopes: list[str]


class ProviderModel(BaseModel):
    """A provider that accounts can be connected at.

    ``asks``: people can be sent there to agree. ``credentials``: what it takes besides, titles by
    kind, for ``POST …/{provider}/credentials``.
    """

    id: str
    title: str
    enabled: bool
    status: str
    features: dict[str, FeatureModel]
    asks: bool
    credentials: dict[str, str]

    @classmethod
    def of(cls, shown: ShownProvider) -> ProviderModel:
        """Shape a provider."""
        features = {
            name: FeatureModel(title=feature.title, scopes=list(feature.scopes))
            for name, feature in shown.features.items()
        }
        return cls(
            id=shown.id,
            title=shown.title,
            enabled=shown.enabled,
            status=shown.status,
            features=features,
            asks=shown.asks,
            credentials=dict(shown.credentials),
        )


class ConnectionModel(BaseModel):
    """A connection as its owner sees it.

    ``account`` is what the provider calls the account, ``label`` what its owner calls the
    connection. ``reconnect_by``: when only its person can help, as far as that is known. ``kind``:
    ``consent``, or that of the credential it stands on; ``verified_at``: when the provider last
    took that.
    ``details``: what the provider said of the account beside its tokens, by the provider's own
    names: ``instance_url`` is where its API is.
    """

    id: str
    provider: str
    title: str
    account: str
    state: str
    reason: str
    advice: str
    scopes: list[str]
    features: dict[str, str]
    generation: int
    connected_at: dt.datetime
    expires_at: dt.datetime | None
    manage_url: str
    label: str
    tags: list[str]
    metadata: dict[str, Any]
    belongs_to: Literal["person", "tenant"]
    reconnect_by: dt.datetime | None
    kind: str
    verified_at: dt.datetime | None
    details: dict[str, str]

    @classmethod
    def of(cls, shown: ShownConnection) -> ConnectionModel:
        """Shape a connection."""
        return cls(
            id=shown.id,
            provider=shown.provider,
            title=shown.title,
            account=shown.label,
            state=shown.state,
            reason=shown.reason,
            advice=shown.advice,
            scopes=list(shown.scopes),
            features=dict(shown.features),
            generation=shown.generation,
            connected_at=shown.connected_at,
            expires_at=shown.expires_at,
            manage_url=shown.manage_url,
            label=shown.nickname,
            tags=list(shown.tags),
            metadata=dict(shown.metadata),
            belongs_to=shown.belongs_to,
            reconnect_by=shown.reconnect_by,
            kind=shown.kind,
            verified_at=shown.verified_at,
            details=dict(shown.details),
        )


class ProvidersAnswer(BaseModel):
    """All of a tenant's providers."""

    items: list[ProviderModel]


class ConnectionsAnswer(BaseModel):
    """All of a user's connections; ``next_cursor`` is empty: they fit one page."""

    items: list[ConnectionModel]
    next_cursor: str = ""


class TokenQuery(BaseModel):
    """How good a token must be.

    ``min_ttl`` is in seconds; ``seen_generation`` is that of a token refused with 401;
    ``feature`` is what it must be good for; ``resource`` which of the provider's it is for, where
    it has several: by name, or as the provider calls it.
    """

    model_config = ConfigDict(extra="forbid")

    min_ttl: int = Field(default=0, ge=0, le=86_400)
    seen_generation: int | None = Field(default=None, ge=1)
    feature: str = Field(default="", max_length=40)
    resource: str = Field(default="", max_length=300)
    owner: Owner = "me"


_TOKEN_TYPES: Final = {"api_key": "ApiKey", "basic": "Basic"}
"""What is said of a credential that is itself what calls are made with."""


class TokenAnswerModel(BaseModel):
    """A third party's access token.

    ``token_type`` is ``Bearer``; ``ApiKey`` or ``Basic`` for a credential that its provider's
    entry lets out. ``expires_in`` and ``expires_at`` are null where the provider does not say.
    """

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- RFC 6750's name
    provider: str
    scope: str
    generation: int
    expires_at: dt.datetime | None
    expires_in: int | None

    @classmethod
    def of(cls, released: Released, *, now: dt.datetime) -> TokenAnswerModel:
        """Shape a released token."""
        return cls(
            access_token=released.raw_access.reveal(),
            token_type=_TOKEN_TYPES.get(released.kind, "Bearer"),
            provider=released.provider,
            scope=" ".join(released.scopes),
            generation=released.generation,
            expires_at=released.expires_at,
            expires_in=released.seconds_left(now),
        )


class ReportBody(BaseModel):
    """What the provider's API answered to the token of a generation, and of a resource."""

    model_config = ConfigDict(extra="forbid")

    generation: int = Field(ge=1)
    resource: str = Field(default="", max_length=300)
    status: Literal[401, 403] = 401


class ReportAnswer(BaseModel):
    """What to do.

    ``use_newer``: fetch the token again, it is another one; ``wait``: the token is so new that
    another would be no better; ``check_features``: it is good, and does not cover what was asked.
    """

    advice: Literal["use_newer", "wait", "check_features"]
    generation: int


class DisconnectAnswer(BaseModel):
    """What ended.

    ``revoked`` tells whether the provider is being told, or other connections still stand on
    the same grant.
    """

    id: str
    revoked: bool
    manage_url: str
